/** Client quotas for as long as actions last: for whom they are set, which of several counts, and that they are taken away. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../scenarios/schema.ts';
import type { Administration } from './administration.ts';
import { clientIdsWithin } from './client-ids.ts';
import { contextOf } from './testing/contexts.ts';
import { Throttles } from './throttles.ts';

const throttle = (quotas: object, process: string | null = 'm1') => ({
  kind: 'throttle-client',
  atMs: 5_000,
  durationMs: 1_000,
  process,
  quotas,
});

const scenarioOf = (actions: readonly object[], sharedProcess?: string) =>
  parseScenario(
    {
      version: 1,
      name: 'quotas',
      seed: 1,
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
      producers: [
        {
          id: 'p1',
          topics: ['orders'],
          acks: 1,
          idempotent: false,
          keys: null,
          records: 1,
          recordsPerSend: 1,
          valueBytes: 1,
          startMs: 0,
          stopMs: 0,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3_000,
          rebalanceTimeoutMs: 3_000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'none' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: ['m1', 'm2'].map((id) => ({
            id,
            ...(sharedProcess === undefined ? {} : { sharedProcess }),
          })),
        },
      ],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'crash', atMs: 1_000, member: 'm1' },
        { kind: 'join', atMs: 2_000, member: 'm1' },
        ...actions,
      ],
      settling: { boundMs: 10_000 },
    },
    'the test',
  );

const clock = { now: () => 0, after: () => () => {} };

/** Quotas as a cluster has them. */
function start(actions: readonly object[]) {
  const scenario = scenarioOf(actions);
  const quotas = new Map<string, Record<string, number>>();
  let refusal: string | null = null;
  const admin: Pick<Administration, 'alterClientQuotas'> = {
    async alterClientQuotas(changes) {
      await Promise.resolve();
      if (refusal !== null) throw new Error(refusal);
      for (const { clientId, values } of changes)
        for (const [name, value] of Object.entries(values)) {
          const { [name]: _, ...others } = quotas.get(clientId) ?? {};
          quotas.set(clientId, value === null ? others : { ...others, [name]: value });
        }
    },
  };
  const throttles = new Throttles(contextOf(scenario, clock), admin);
  const of = scenario.actions.flatMap((action) => (action.kind === 'throttle-client' ? [action] : []));
  return { throttles, of, quotas, refuse: (why: string | null) => (refusal = why) };
}

describe('the client ids of a process', () => {
  it('are those of all incarnations that the scenario and a supervisor can bring about', () => {
    const ids = clientIdsWithin(scenarioOf([]), 'm1');
    expect(ids.slice(0, 2)).toEqual(['m1.1', 'm1.2']);
    expect(ids).toHaveLength(2 + 20);
    expect(clientIdsWithin(scenarioOf([]), 'm2')).toEqual([]);
    expect(clientIdsWithin(scenarioOf([]), 'p1')).toEqual(['p1.1']);
    expect(clientIdsWithin(scenarioOf([]), null)).toEqual(['p1.1', ...ids]);
  });

  it('are those of the process too that members share', () => {
    const ids = clientIdsWithin(scenarioOf([], 'shop'), 'm2');
    expect(ids).toEqual(expect.arrayContaining(['m1.1', 'shop.1', 'shop.22']));
  });
});

it('sets quotas by their names in Kafka, and takes them away', async () => {
  const { throttles, of, quotas } = start([
    throttle({ consumerBytesPerSecond: 1, producerBytesPerSecond: 2, requestPercent: 0.5 }),
  ]);
  const [action] = of;
  if (action === undefined) throw new Error('no action');
  expect(await throttles.begin(action)).toBeNull();
  expect(quotas.get('m1.2')).toEqual({
    consumer_byte_rate: 1,
    producer_byte_rate: 2,
    request_percentage: 0.5,
  });
  expect(await throttles.end(action)).toBeNull();
  expect(quotas.get('m1.2')).toEqual({});
});

it('of several that last, the one that began last counts, until it ends', async () => {
  const { throttles, of, quotas } = start([
    throttle({ consumerBytesPerSecond: 10, requestPercent: 1 }, null),
    throttle({ consumerBytesPerSecond: 20 }),
  ]);
  const [first, second] = of;
  if (first === undefined || second === undefined) throw new Error('no actions');
  await Promise.all([throttles.begin(first), throttles.begin(second)]);
  expect(quotas.get('m1.1')).toEqual({ consumer_byte_rate: 20, request_percentage: 1 });
  expect(quotas.get('p1.1')).toEqual({ consumer_byte_rate: 10, request_percentage: 1 });
  await throttles.end(second);
  expect(quotas.get('m1.1')).toEqual({ consumer_byte_rate: 10, request_percentage: 1 });
  await throttles.end(first);
  expect(quotas.get('m1.1')).toEqual({});
});

it('says why a cluster does not take them, and goes on', async () => {
  const { throttles, of, refuse } = start([throttle({ requestPercent: 1 })]);
  const [action] = of;
  if (action === undefined) throw new Error('no action');
  refuse('not authorized');
  expect(await throttles.begin(action)).toBe('not authorized');
  refuse(null);
  expect(await throttles.end(action)).toBeNull();
});
