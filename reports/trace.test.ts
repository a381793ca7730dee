/** The messages around an anomaly are those of the processes that it is about, close to what proves it. */
import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../harness/history/schema.ts';
import type { Happening } from '../harness/runner/inspect.ts';
import { traceAround } from './trace.ts';

const event = (seq: number, kind: string, process: string, more: object = {}): Happening => ({
  event: { seq, time: seq, kind, process, ...more } as unknown as HistoryEvent,
});
const message = (time: number, process: string, api: string): Happening => ({
  message: {
    time,
    eventsBefore: 0,
    direction: 'request',
    process,
    broker: 1,
    api,
    version: 1,
    correlationId: time,
    bytes: 1,
    body: null,
  },
});

const name = (one: Happening): string =>
  'event' in one ? `${one.event.seq}` : `${one.message.process} ${one.message.api}`;
const around = (happenings: readonly Happening[], events: number[], subject = {}): string[][] =>
  traceAround(happenings, { events, subject }).map((stretch) => stretch.map(name));

describe('traceAround', () => {
  test('shows what the process of the proving event sent, and the coordinator, and nobody else', () => {
    expect(
      around(
        [
          message(1, 'm1.1', 'JoinGroup'),
          message(2, 'm2.1', 'JoinGroup'),
          event(9, 'produce-ok', 'harness'),
          event(0, 'group-generation', 'coordinator'),
          event(1, 'client-joined', 'm2.1'),
          message(3, 'm1.1', 'Fetch'),
          message(4, 'm1.1', 'OffsetCommit'),
          event(2, 'commit-fail', 'm1.1'),
        ],
        [2],
      ),
    ).toEqual([['m1.1 JoinGroup', '0', 'm1.1 OffsetCommit', '2']]);
  });

  test('the process that it is about counts, where only the coordinator proves it', () => {
    const happenings = [
      message(1, 'm1.1', 'Heartbeat'),
      message(2, 'm2.1', 'Heartbeat'),
      event(0, 'group-generation', 'coordinator'),
    ];
    expect(around(happenings, [0], { process: 'm2.1' })).toEqual([['m2.1 Heartbeat', '0']]);
    expect(around(happenings, [0])).toEqual([['m1.1 Heartbeat', 'm2.1 Heartbeat', '0']]);
  });

  test('of other partitions it says nothing', () => {
    const place = { topic: 'orders', partition: 1 };
    const happenings = [
      event(0, 'delivery', 'm1.1', { topic: 'orders', partition: 0 }),
      event(1, 'delivery', 'm1.1', place),
      event(2, 'processing-begin', 'm1.1', place),
    ];
    expect(around(happenings, [2], place)).toEqual([['1', '2']]);
  });

  test('far apart there are stretches of their own, and each is bounded', () => {
    const happenings = Array.from({ length: 200 }, (_, seq) => event(seq, 'delivery', 'm1.1'));
    const stretches = around(happenings, [20, 150]);
    expect(stretches.map((stretch) => [stretch[0], stretch.at(-1)])).toEqual([
      ['12', '23'],
      ['142', '153'],
    ]);
    expect(
      around(
        happenings,
        happenings.map((_, seq) => seq),
      ).flat(),
    ).toHaveLength(12);
  });
});
