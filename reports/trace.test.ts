/** The messages around an anomaly are those of the processes that it is about, close to what proves it. */
import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../harness/history/schema.ts';
import type { Happening } from '../harness/runner/inspect.ts';
import { syntheticScenario } from './testing/synthetic.ts';
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

const scenario = syntheticScenario();

const name = (one: Happening): string =>
  'event' in one ? `${one.event.seq}` : `${one.message.process} ${one.message.api}`;
const around = (happenings: readonly Happening[], events: number[], subject = {}): string[][] =>
  traceAround(happenings, { events, subject }, scenario).map((stretch) => stretch.map(name));

describe('traceAround', () => {
  const place = { group: 'billing', topic: 'orders', partition: 1 };

  test('shows what could have mattered, up to the proof: the group, and none of what goes on beside it', () => {
    expect(
      around(
        [
          message(1, 'm1.1', 'JoinGroup'),
          message(2, 'a1.1', 'JoinGroup'),
          message(3, 'm1.1', 'Metadata'),
          event(0, 'group-generation', 'coordinator', { group: 'billing' }),
          event(1, 'group-generation', 'coordinator', { group: 'archive' }),
          event(2, 'delivery', 'm1.1', { ...place, partition: 0 }),
          event(3, 'delivery', 'm1.1', place),
          message(4, 'm1.1', 'OffsetCommit'),
          event(4, 'commit-fail', 'm1.1', { group: 'billing' }),
          event(5, 'process-exit', 'm1.1'),
        ],
        [4],
        place,
      ),
    ).toEqual([['m1.1 JoinGroup', '0', '3', 'm1.1 OffsetCommit', '4']]);
  });

  test('what is found out at the end has nothing before it, and what it is about the most', () => {
    const happenings = [
      ...Array.from({ length: 100 }, (_, seq) => event(seq, 'delivery', 'm1.1', place)),
      event(100, 'fact-log', 'harness', { topic: 'orders', partition: 1 }),
    ];
    const stretches = around(happenings, [60, 100], place);
    expect(stretches.map((stretch) => [stretch[0], stretch.at(-1)])).toEqual([
      ['30', '60'],
      ['100', '100'],
    ]);
  });

  test('far apart there are stretches of their own, and each is bounded, the last one the longest', () => {
    const happenings = Array.from({ length: 200 }, (_, seq) => event(seq, 'delivery', 'm1.1', place));
    const stretches = around(happenings, [20, 150], place);
    expect(stretches.map((stretch) => [stretch[0], stretch.at(-1)])).toEqual([
      ['12', '20'],
      ['120', '150'],
    ]);
    const all = happenings.map((_, seq) => seq);
    expect(around(happenings, all, place).flat()).toHaveLength(31);
  });
});
