/**
 * The family of starts without a usable committed offset: a scenario and a plan enter, and its first group gets a second
 * life that begins in one cell of auto.offset.reset x why there is no offset x what interrupts it before the first commit.
 */
import fc from 'fast-check';
import { pick, time } from '../draws.ts';
import type { Action, Group, Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

export const resetReasons = ['never', 'expired', 'deleted', 'below', 'above', 'recreated'] as const;
export const resetInterruptions = ['nothing', 'crash', 'rebalance'] as const;

export const resetsPlan = fc.record({
  /** `none` where the client has it. */
  policy: pick('earliest', 'latest', 'none'),
  reason: pick(...resetReasons),
  interruption: pick(...resetInterruptions),
  /** From the join to what interrupts it. */
  afterMs: time(250, 2_000),
  /** How far above the log's end, or in its range. */
  offset: pick(1_000_000, 60, 300),
  slow: fc.boolean(),
});
export type ResetsPlan = typeof resetsPlan extends fc.Arbitrary<infer P> ? P : never;

const FIRST_LIFE_MS = 4_000;
/** From its leaving until the group is empty for certain, whatever it has in hand. */
const EMPTY_MS = 2_000;
const RETENTION_MS = 1_500;
/** How long until the coordinator has looked for expired offsets. */
const EXPIRY_MS = RETENTION_MS + 1_500;
/** Long enough that a crash can come before the first commit. */
const COMMIT_INTERVAL_MS = 5_000;
const SLOW_HANDLER_MS = { min: 100, max: 300 };

export const applyResets =
  (hasNone: boolean) =>
  (scenario: Scenario, plan: ResetsPlan): Scenario => {
    const [first, ...others] = scenario.groups as [Group, ...Group[]];
    const policy = plan.policy === 'none' && !hasNone ? 'latest' : plan.policy;
    const isOnce = plan.reason === 'never';
    const group: Group = {
      ...first,
      // The first life of a group that may not reset could not begin.
      autoOffsetReset: policy,
      commitMode: plan.slow
        ? { kind: 'auto', intervalMs: COMMIT_INTERVAL_MS, thresholdRecords: null }
        : first.commitMode.kind === 'none'
          ? { kind: 'per-record' }
          : first.commitMode,
      commitOrder: 'process-then-commit',
      handler: plan.slow ? { ...first.handler, timeMs: SLOW_HANDLER_MS } : first.handler,
      members:
        first.members.length > 1 ? first.members.slice(0, 2) : [...first.members, { id: `${first.id}-m9` }],
    };
    const ids = new Set(first.members.map(({ id }) => id));
    const kept = scenario.actions.filter((action) => !('member' in action) || !ids.has(action.member));
    // A static member, as Java's may be, stays in the group for its session when it has left; only then is the group empty.
    const stayMs = hasNone && plan.reason === 'expired' ? group.sessionTimeoutMs : 0;
    const secondMs = isOnce ? 500 : FIRST_LIFE_MS + EMPTY_MS + stayMs + EXPIRY_MS;
    const life = [...(isOnce ? [] : firstLife(group, scenario, plan)), ...secondLife(group, plan, secondMs)];
    const actions = [...kept, ...life].sort((a, b) => a.atMs - b.atMs);
    const groups = [group, ...others];
    const topology =
      plan.reason === 'expired'
        ? { ...scenario.topology, offsetsRetentionMs: RETENTION_MS }
        : scenario.topology;
    // Something has to be written while the group is away, and while it is back.
    const producers = scenario.producers.map((producer) => ({
      ...producer,
      stopMs: Math.max(producer.stopMs, secondMs + 3_000),
    }));
    const boundMs = settlingBoundMs({ topology, groups, producers, actions });
    return { ...scenario, topology, groups, producers, actions, settling: { ...scenario.settling, boundMs } };
  };

/** The group works, commits, and leaves; then its offsets are made unusable. */
function firstLife(group: Group, scenario: Scenario, { reason, offset }: ResetsPlan): Action[] {
  const [{ id: member }] = group.members as [Group['members'][number]];
  const emptyMs = FIRST_LIFE_MS + EMPTY_MS;
  const partitions = scenario.topology.topics
    .filter(({ name }) => group.topics.includes(name))
    .flatMap(({ name: topic, partitions: count }) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    );
  const begin: Action[] =
    // With none it needs an offset to begin with.
    group.autoOffsetReset === 'none'
      ? partitions.map((one) => ({ kind: 'alter-offsets', atMs: 0, group: group.id, ...one, offset: 0 }))
      : [];
  const life: Action[] = [
    ...begin,
    { kind: 'join', atMs: 50, member },
    { kind: 'leave', atMs: FIRST_LIFE_MS, member },
  ];
  const common = { atMs: emptyMs };
  switch (reason) {
    case 'never':
    case 'expired':
      return life;
    case 'deleted':
      return [
        ...life,
        ...group.topics.map((topic) => ({
          kind: 'delete-offsets' as const,
          ...common,
          group: group.id,
          topic,
        })),
      ];
    case 'below':
      return [
        ...life,
        ...partitions.map((one) => ({ kind: 'delete-records' as const, ...common, ...one, percent: 100 })),
      ];
    case 'above':
      return [
        ...life,
        ...partitions.map((one) => ({
          kind: 'alter-offsets' as const,
          ...common,
          group: group.id,
          ...one,
          offset,
        })),
      ];
    case 'recreated':
      return [
        ...life,
        ...group.topics.map((topic) => ({
          kind: 'recreate-topic' as const,
          ...common,
          durationMs: 500,
          topic,
        })),
      ];
  }
}

function secondLife(group: Group, { interruption, afterMs }: ResetsPlan, joinMs: number): Action[] {
  const [{ id: one }, { id: other }] = group.members as [Group['members'][number], Group['members'][number]];
  const join: Action = { kind: 'join', atMs: joinMs, member: one };
  const whenMs = joinMs + afterMs;
  switch (interruption) {
    case 'nothing':
      return [join];
    case 'crash':
      return [
        join,
        { kind: 'crash', atMs: whenMs, member: one },
        { kind: 'join', atMs: whenMs + 500, member: one },
      ];
    case 'rebalance':
      return [join, { kind: 'join', atMs: whenMs, member: other }];
  }
}
