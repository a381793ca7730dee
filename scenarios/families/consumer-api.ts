/**
 * The family of calls and options of the consumer's API: a scenario and a plan enter, and the scenario leaves in which
 * applications seek, pause, stop and run again, commit beside their handlers, and subscribe to different topics.
 */
import fc from 'fast-check';
import { at, defined, pick, switchedOn, time, unset } from '../draws.ts';
import type { Action, Group, LinkConditions, Scenario } from '../schema.ts';
import { recordMs, settlingBoundMs } from '../settling.ts';
import { workablePollRecords } from './java.ts';

const callPlan = fc.record({
  kind: pick('seek', 'pause-partitions', 'stop-consumer', 'commit'),
  atMs: time(500, 9_000),
  member: fc.nat({ max: 99 }),
  topic: fc.nat({ max: 11 }),
  partition: fc.nat({ max: 11 }),
  /** In range and out of it, and the two that stand for the ends of the log. */
  offset: pick(0, 3, 12, 40, 1_000_000, -2, -1),
  durationMs: time(200, 4_000),
  wholeTopic: fc.boolean(),
  /** Within the join of the member, where it has one. */
  duringJoin: switchedOn(3),
});

const optionsPlan = fc.record({
  subscription: unset(pick('names', 'pattern')),
  isolationLevel: unset(pick('read_uncommitted', 'read_committed')),
  resolvesPartially: switchedOn(4),
  onClientCrash: unset(pick('stay', 'disconnect')),
  /** So that one record may take longer than the session. */
  isSlow: switchedOn(3),
  /** A mask of the group's topics for each member, 0 for all. */
  topics: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 8, maxLength: 8 }),
});

export const consumerApiPlan = fc.record({
  /** Which kinds of call there are at all. */
  seeks: switchedOn(6),
  pauses: switchedOn(5),
  stops: switchedOn(5),
  commits: switchedOn(5),
  differs: switchedOn(4),
  calls: fc.array(callPlan, { minLength: 3, maxLength: 6 }),
  options: fc.tuple(optionsPlan, optionsPlan),
});
export type ConsumerApiPlan = typeof consumerApiPlan extends fc.Arbitrary<infer P> ? P : never;
type CallPlan = ConsumerApiPlan['calls'][number];

/** From the start of a process to the middle of its join. */
const JOINING_MS = 300;

export function applyConsumerApi(scenario: Scenario, plan: ConsumerApiPlan): Scenario {
  const groups = scenario.groups.map((group, g) =>
    withOptions(group, at(plan.options, g), plan.differs, scenario.topology.network),
  );
  const isOn = {
    seek: plan.seeks,
    'pause-partitions': plan.pauses,
    'stop-consumer': plan.stops,
    commit: plan.commits,
  };
  const calls = plan.calls.filter(({ kind }) => isOn[kind]).map((call) => callOf(call, groups, scenario));
  const actions = [...scenario.actions, ...calls].sort((a, b) => a.atMs - b.atMs);
  const slowTopics = new Set(
    groups
      .filter((group) => group.handler.timeMs.max >= group.sessionTimeoutMs)
      .flatMap(({ topics }) => topics),
  );
  const producers = scenario.producers.map((producer) =>
    producer.topics.some((topic) => slowTopics.has(topic))
      ? { ...producer, records: Math.min(producer.records, SLOW_RECORDS_MAX) }
      : producer,
  );
  const boundMs = settlingBoundMs({ ...scenario, groups, producers, actions });
  return { ...scenario, groups, producers, actions, settling: { ...scenario.settling, boundMs } };
}

function withOptions(
  group: Group,
  { topics, resolvesPartially, isSlow, ...options }: ConsumerApiPlan['options'][number],
  differs: boolean,
  network: LinkConditions | undefined,
): Group {
  return {
    ...group,
    ...defined(options),
    ...(isSlow && mayBeSlow(group, network) ? slowed(group, network) : {}),
    ...(resolvesPartially && group.consumeMode === 'manual' && group.commitOrder === 'process-then-commit'
      ? { resolvesPartially }
      : {}),
    members: group.members.map((member, m) => {
      const own = group.topics.filter((_, t) => ((topics[m] ?? 0) & (1 << t)) !== 0);
      const isOwn = differs && own.length > 0 && own.length < group.topics.length;
      return isOwn ? { ...member, topics: own } : member;
    }),
  };
}

/** Around the session timeout, so that a client has to send heartbeats while it works. */
const slowTimeMs = ({ sessionTimeoutMs }: Group) => ({ min: 0, max: sessionTimeoutMs * 1.25 });

function slowed(group: Group, network: LinkConditions | undefined): Partial<Group> {
  const handler = { ...group.handler, timeMs: slowTimeMs(group) };
  if (group.maxPollRecords === undefined) return { handler };
  return {
    handler,
    maxPollRecords: workablePollRecords({ ...group, handler }, group.maxPollRecords, network),
  };
}

/** A client that has a bound for the time between two polls has to keep it with one record at least, and its transaction. */
function mayBeSlow(group: Group, network: LinkConditions | undefined): boolean {
  const timeMs = slowTimeMs(group);
  const handler = { ...group.handler, timeMs };
  const intervalMs = group.maxPollIntervalMs ?? group.rebalanceTimeoutMs;
  return intervalMs >= Math.max(1.5 * timeMs.max, recordMs({ ...group, handler }, network));
}

/** Of producers of slow groups, which would take minutes for more. */
const SLOW_RECORDS_MAX = 20;

function callOf(plan: CallPlan, groups: readonly Group[], { actions, topology }: Scenario): Action {
  const { kind, durationMs } = plan;
  const members = groups.flatMap((group) => group.members.map(({ id }) => ({ id, group })));
  const { id: member, group } = at(members, plan.member);
  const join = actions.find((action) => action.kind === 'join' && action.member === member);
  const atMs = plan.duringJoin && join !== undefined ? join.atMs + JOINING_MS : plan.atMs;
  const topic = at(group.topics, plan.topic);
  const partitions = topology.topics.find(({ name }) => name === topic)?.partitions ?? 1;
  const partition = plan.partition % partitions;
  switch (kind) {
    case 'seek':
      return { kind, atMs, member, topic, partition, offset: plan.offset };
    case 'pause-partitions':
      return { kind, atMs, durationMs, member, topic, partitions: plan.wholeTopic ? null : [partition] };
    case 'stop-consumer':
      return { kind, atMs, durationMs, member };
    case 'commit':
      return { kind, atMs, member };
  }
}
