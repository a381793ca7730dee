/** Settling: when markers are written, and when no more, with a group that never drains. */
import { expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Group, Scenario } from '../../scenarios/schema.ts';
import { settle } from './settle.ts';
import { contextOf } from './testing/contexts.ts';

/** @returns when markers were written for a group that never drains */
async function markersOf(scenario: Scenario): Promise<number[]> {
  let now = 0;
  const context = contextOf(scenario, {
    now: () => now,
    // One wait after another, each over at once.
    after(delayMs, callback) {
      let isCancelled = false;
      queueMicrotask(() => {
        if (isCancelled) return;
        now += delayMs;
        callback();
      });
      return () => {
        isCancelled = true;
      };
    },
  });
  const topic = scenario.groups[0]?.topics[0] ?? '';
  const missing = ['never drained'];
  const writtenAt: number[] = [];
  const drain: Parameters<typeof settle>[2] = {
    logStartsAt: () => {},
    undrainedPartitions: () => [{ topic, partition: 0 }],
    pending: () => missing,
    undrained: () => missing,
    markerWritten: () => writtenAt.push(now),
  };
  const admin = {
    logOffsets: async () => await Promise.resolve([]),
    produce: async () => await Promise.resolve(0n),
  };
  expect(await settle(context, admin, drain)).toBe(missing);
  expect(now).toBe(scenario.settling.boundMs);
  return writtenAt;
}

it('writes no marker that a slow group would have no time for before the bound', async () => {
  const scenario = { ...generateScenario(1, 0, 'calm'), settling: { boundMs: 10_000 } };
  // The next one would be due at 8,000 ms, and may take 4,000.
  expect(await markersOf(scenario)).toEqual([0, 1_000, 2_000, 4_000]);
});

it('writes no marker whose commit would come after the bound, where the client commits now and then', async () => {
  const { groups, ...rest } = generateScenario(1, 0, 'calm');
  const [group] = groups as [Group];
  const lastOf = async (intervalMs: number): Promise<number> => {
    const commitMode = { kind: 'auto', intervalMs, thresholdRecords: null } as const;
    const scenario = { ...rest, groups: [{ ...group, commitMode }], settling: { boundMs: 60_000 } };
    return (await markersOf(scenario)).at(-1) ?? 0;
  };
  expect(await lastOf(5_000)).toBeLessThanOrEqual(60_000 - 9_000);
  expect(await lastOf(100)).toBeGreaterThan(60_000 - 9_000);
});

it('writes no more markers than a pipeline far from its brokers can work off', async () => {
  const { topology, groups, ...rest } = generateScenario(1, 0, 'calm');
  const [group] = groups as [Group];
  const scenario: Scenario = {
    ...rest,
    topology: {
      ...topology,
      network: { latencyMs: { min: 20, max: 80 }, bytesPerSecond: null, lossPerThousand: 0 },
    },
    groups: [{ ...group, commitMode: { kind: 'transaction', topic: 'copies', abortEvery: 2 } }],
    settling: { boundMs: 60_000 },
  };
  const writtenAt = await markersOf(scenario);
  expect(writtenAt.length).toBeGreaterThan(1);
  // A transaction is eight requests of up to 160 ms, and each record takes two: one that is aborted, one that is not.
  for (const [index, atMs] of writtenAt.slice(1).entries())
    expect(atMs - (writtenAt[index] as number)).toBeGreaterThan(2 * 8 * 160);
});

it('has time for another marker, however slow a group is, since one that starts at the log end may miss the first', async () => {
  const { topology, groups, ...rest } = generateScenario(1, 0, 'calm');
  const [group] = groups as [Group];
  const writtenAt = await markersOf({
    ...rest,
    topology: {
      ...topology,
      network: { latencyMs: { min: 5, max: 250 }, bytesPerSecond: null, lossPerThousand: 0 },
    },
    groups: [{ ...group, commitMode: { kind: 'transaction', topic: 'copies', abortEvery: 5 } }],
    settling: { boundMs: 16_000 },
  });
  // Two records, of which one is aborted, take ten seconds.
  expect(writtenAt).toHaveLength(2);
});

it('leaves time for a fetch that has to be over first: for more bytes, or for what a group leaves of each poll', async () => {
  const { groups, ...rest } = generateScenario(1, 0, 'calm');
  const [group] = groups as [Group];
  const fetchMaxWaitMs = 5_000;
  const slow = {
    ...group,
    consumeMode: 'manual',
    fetchMaxWaitMs,
    commitMode: { kind: 'per-record' },
  } as const;
  const gapOf = async (change: Partial<Group>): Promise<number> => {
    const scenario = { ...rest, groups: [{ ...slow, ...change }], settling: { boundMs: 120_000 } };
    const [first = 0, second = 0] = (await markersOf(scenario)).slice(-2);
    return second - first;
  };
  expect(await gapOf({ resolvesPartially: true })).toBeGreaterThan(fetchMaxWaitMs);
  expect(await gapOf({ fetchMinBytes: 5_000 })).toBeGreaterThan(fetchMaxWaitMs);
  expect(await gapOf({})).toBeLessThan(fetchMaxWaitMs);
});
