/** Client quotas as an action, for both clients: who is told to wait, until when, and that the run comes to its goal. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../scenarios/schema.ts';
import type { EventKind, EventOf } from '../../history/schema.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { SimulatedWorld } from './simulated-world.ts';

const clients = ['kafkajs', 'reference'] as const;
const FROM_MS = 2_000;
const LASTING_MS = 5_000;
const SESSION_MS = 3_000;
/** kafkajs has a clock in whole milliseconds. */
const CLOCK_MS = 1;

async function run(client: (typeof clients)[number], throttle: object) {
  const scenario = parseScenario(
    {
      version: 1,
      name: 'quotas',
      seed: 5,
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders'],
          acks: 'all',
          idempotent: false,
          keys: null,
          records: 100,
          recordsPerSend: 1,
          valueBytes: 500,
          startMs: 1_000,
          stopMs: 9_000,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: SESSION_MS,
          rebalanceTimeoutMs: 6_000,
          heartbeatIntervalMs: 300,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'auto', intervalMs: 500, thresholdRecords: null },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }, { id: 'm2' }],
        },
      ],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'join', atMs: 0, member: 'm2' },
        { kind: 'throttle-client', atMs: FROM_MS, durationMs: LASTING_MS, process: null, ...throttle },
      ],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );
  const recorder = new HistoryRecorder();
  await new SimulatedWorld().run(scenario, { client, mutant: null }, recorder);
  const { events } = recorder.finishHistory();
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
  expect(of('settled')[0]?.undrained).toEqual([]);
  expect(of('action').flatMap(({ reason }) => reason ?? [])).toEqual([]);
  const throttles = of('wire-throttle');
  const apis = new Set(throttles.map(({ api }) => api));
  const processes = [...new Set(throttles.map(({ process }) => process))].sort();
  return { of, throttles, apis, processes };
}

describe.each(clients)('%s', (client) => {
  it('writes no more than its quota, and writes on when the quota is gone', async () => {
    const { of, throttles, apis, processes } = await run(client, {
      process: 'producer-1',
      quotas: { producerBytesPerSecond: 1_500 },
    });
    expect([...apis]).toEqual(['Produce']);
    expect(processes).toEqual(['producer-1.1']);
    for (const { time } of throttles) {
      expect(time).toBeGreaterThan(FROM_MS);
      expect(time).toBeLessThan(FROM_MS + LASTING_MS + 100);
    }
    // Nothing leaves while it has to wait: an answer comes after the time that the one before has named.
    for (const [index, { time }] of throttles.slice(1).entries()) {
      const before = throttles[index] as EventOf<'wire-throttle'>;
      expect(time).toBeGreaterThan(before.time + before.throttleTimeMs - CLOCK_MS);
    }
    expect(of('produce-ok').filter(({ process }) => process === 'producer-1.1')).toHaveLength(100);
  });

  it('reads no more than its quota, and keeps its place in the group if it can', async () => {
    const { of, throttles, apis, processes } = await run(client, {
      process: 'm1',
      quotas: { consumerBytesPerSecond: 300 },
    });
    expect([...apis]).toEqual(['Fetch']);
    expect(processes).toEqual(['m1.1']);
    expect(Math.max(...throttles.map(({ throttleTimeMs }) => throttleTimeMs))).toBeGreaterThan(SESSION_MS);
    // kafkajs sends no heartbeat while it waits for a fetch: it loses its place, and joins again.
    const generations = of('group-generation').filter(({ state }) => state === 'stable').length;
    expect(generations > 1).toBe(client === 'kafkajs');
  });

  it('asks no more than its quota: each process, and each request costs a second at most', async () => {
    const { throttles, processes } = await run(client, { quotas: { requestPercent: 0.01 } });
    expect(processes).toEqual(['m1.1', 'm2.1', 'producer-1.1']);
    expect(Math.max(...throttles.map(({ throttleTimeMs }) => throttleTimeMs))).toBe(1_000);
  });
});
