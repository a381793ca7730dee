/**
 * The family of coincidences: a scenario and a plan enter, and the scenario leaves in which two things of its first group that
 * would seldom meet by chance do: a pause and a backlog, a rejoin and a fetch that is under way, a stall and a transaction.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import { injectableErrors } from '../injectable-errors.ts';
import { rackOf } from '../racks.ts';
import {
  type Action,
  type ActionKind,
  type Group,
  isByHand,
  isLifecycleAction,
  type Producer,
  type Scenario,
} from '../schema.ts';
import { recordMs, settlingBoundMs } from '../settling.ts';
import { workablePollRecords } from './java.ts';

export const coincidences = [
  'pause-in-a-backlog',
  'rejoin-beside-a-fetch',
  'rejoin-beside-a-handler',
  'stall-in-a-transaction',
  'follower-behind',
  'silence-around-a-join',
  'first-commit-refused',
] as const;
export type Coincidence = (typeof coincidences)[number];

export const coincidencesPlan = fc.record({
  isOn: switchedOn(4),
  /** Of those that the scenario has room for. */
  kind: fc.nat({ max: 99 }),
  atMs: time(2_000, 6_000),
  /** From what begins first to what meets it. */
  afterMs: time(100, 3_000),
  gapMs: time(0, 500),
  durationMs: time(1_500, 6_000),
  topic: fc.nat({ max: 11 }),
  partition: fc.nat({ max: 11 }),
  member: fc.nat({ max: 99 }),
  brokers: pick(3, 3, 2),
  ofAll: fc.boolean(),
  wholeTopic: fc.boolean(),
  seeks: switchedOn(3),
  offset: pick(0, 3, 12),
  handlerMs: pick(100, 300),
  error: fc.nat({ max: 99 }),
  /** Until the next rebalance, or for all tries of a client. */
  times: pick(1, 2, 20, 50),
  /** The brokers at the ends of the link that fails: who leads, and who follows. */
  leader: fc.nat({ max: 99 }),
  follower: fc.nat({ max: 99 }),
});
export type CoincidencesPlan = typeof coincidencesPlan extends fc.Arbitrary<infer P> ? P : never;

/** What a coincidence changes; the bound follows from it. */
type Changes = Partial<Pick<Scenario, 'topology' | 'producers' | 'groups' | 'actions'>>;
type Apply = (scenario: Scenario, group: Group, plan: CoincidencesPlan) => Changes;

export const applyCoincidences =
  (wanted: readonly Coincidence[]) =>
  (scenario: Scenario, plan: CoincidencesPlan): Scenario => {
    const [group] = scenario.groups as [Group, ...Group[]];
    const possible = wanted.filter((kind) => hasRoomFor(kind, scenario, group));
    if (!plan.isOn || possible.length === 0) return scenario;
    const changed = { ...scenario, ...applyOf[at(possible, plan.kind)](scenario, group, plan) };
    const actions = changed.actions.toSorted((a, b) => a.atMs - b.atMs);
    const { settling } = scenario;
    const boundMs = settlingBoundMs({ ...changed, actions }, settling.dead);
    return { ...changed, actions, settling: { ...settling, boundMs } };
  };

/** More than one, for what is about the loops that read from several; null where it is all the same. */
export const brokersOf = ({ isOn, brokers }: CoincidencesPlan): number | null => (isOn ? brokers : null);

const applyOf: Readonly<Record<Coincidence, Apply>> = {
  'pause-in-a-backlog': pauseInABacklog,
  'rejoin-beside-a-fetch': rejoinBesideAFetch,
  'rejoin-beside-a-handler': rejoinBesideAHandler,
  'stall-in-a-transaction': stallInATransaction,
  'follower-behind': followerBehind,
  'silence-around-a-join': silenceAroundAJoin,
  'first-commit-refused': firstCommitRefused,
};

/** With so many members there is something left for each of two more. */
const FEW_MEMBERS = 3;

const HINDRANCES_OF_FOLLOWERS: ReadonlySet<ActionKind> = new Set([
  // What is new would be found only when the metadata is too old.
  'add-partitions',
  'recreate-topic',
]);
/** A broker that comes back has to reach the others. */
const RETURNS: ReadonlySet<ActionKind> = new Set(['crash-broker', 'restart-broker', 'pause-broker']);

function hasRoomFor(kind: Coincidence, { topology, actions, producers }: Scenario, group: Group): boolean {
  // What a group that may not reset has never committed it cannot begin.
  const mayGrow = !isByHand(group) && group.autoOffsetReset !== 'none' && topology.brokers > 1;
  const isPipeline = group.commitMode.kind === 'transaction';
  switch (kind) {
    case 'pause-in-a-backlog':
      return !isPipeline;
    case 'rejoin-beside-a-fetch':
    case 'rejoin-beside-a-handler':
      return mayGrow && !isPipeline;
    case 'stall-in-a-transaction':
      return isPipeline && group.members.length > 1;
    case 'follower-behind':
      return (
        mayGrow &&
        topology.brokers === BROKERS_OF_A_FOLLOWER &&
        group.members.length <= FEW_MEMBERS &&
        !actions.some(({ kind }) => HINDRANCES_OF_FOLLOWERS.has(kind))
      );
    case 'silence-around-a-join':
      return producers.length > 0;
    case 'first-commit-refused':
      return group.commitMode.kind !== 'none' && !isPipeline;
  }
}

const withGroup = ({ groups }: Scenario, group: Group): Group[] => [group, ...groups.slice(1)];

/** A producer beside those that there are. */
const another = (
  { producers, actions }: Scenario,
  id: string,
  plan: Pick<Producer, 'topics' | 'records' | 'recordsPerSend' | 'startMs' | 'stopMs'>,
): Producer[] => {
  // The log cleaner takes records without keys for nothing.
  const isCompacted = actions.some(
    (action) => action.kind === 'compact-topic' && plan.topics.includes(action.topic),
  );
  const keys = isCompacted ? 5 : null;
  return [...producers, { id, acks: 'all', idempotent: false, keys, valueBytes: 32, ...plan }];
};

/** Of those whose records somebody works on slowly: more would take minutes. */
const SLOW_RECORDS_MAX = 20;
const BACKLOG_RECORDS = 60;

/** Much is written at once and worked on slowly; meanwhile the application pauses some of it, and may seek there first. */
function pauseInABacklog(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { atMs, durationMs, handlerMs } = plan;
  const handler = { ...group.handler, timeMs: { min: handlerMs / 2, max: handlerMs } };
  const slow = { ...group, handler };
  const records =
    group.maxPollRecords === undefined
      ? {}
      : { maxPollRecords: workablePollRecords(slow, group.maxPollRecords, scenario.topology.network) };
  const topic = at(group.topics, plan.topic);
  const partitions = scenario.topology.topics.find(({ name }) => name === topic)?.partitions ?? 1;
  const whenMs = atMs + Math.floor(plan.afterMs / 2);
  const chosen = plan.ofAll ? group.members : [at(group.members, plan.member)];
  const partition = plan.partition % partitions;
  const calls = chosen.flatMap(({ id: member }): Action[] => [
    ...(plan.seeks
      ? [{ kind: 'seek' as const, atMs: whenMs, member, topic, partition, offset: plan.offset }]
      : []),
    {
      kind: 'pause-partitions',
      atMs: whenMs,
      durationMs,
      member,
      topic,
      partitions: plan.wholeTopic ? null : [partition],
    },
  ]);
  const few = scenario.producers.map((producer) =>
    producer.topics.some((one) => group.topics.includes(one))
      ? { ...producer, records: Math.min(producer.records, SLOW_RECORDS_MAX) }
      : producer,
  );
  const sends = { topics: [topic], records: BACKLOG_RECORDS, recordsPerSend: BACKLOG_RECORDS };
  return {
    groups: withGroup(scenario, { ...slow, ...records }),
    producers: another({ ...scenario, producers: few }, 'backlog', { ...sends, startMs: atMs, stopMs: atMs }),
    actions: [...scenario.actions, ...calls],
  };
}

const QUIET = 'returns';
const withQuietTopic = ({ topology }: Scenario): Scenario['topology'] => ({
  ...topology,
  topics: [...topology.topics, { name: QUIET, partitions: 1, replicationFactor: topology.brokers }],
});

/** Adds some to those that a topic has, or has by then. */
function growth({ topology, actions }: Scenario, topic: string, atMs: number, more: number): Action {
  const before = topology.topics.find(({ name }) => name === topic)?.partitions ?? 1;
  const added = actions.flatMap((action) =>
    action.kind === 'add-partitions' && action.topic === topic ? [action.partitions] : [],
  );
  return { kind: 'add-partitions', atMs, topic, partitions: Math.max(before, ...added) + more };
}

const LONG_SESSION = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 } as const;
const LONG_HEARTBEAT_MS = 3_000;
const LONG_FETCH_MS = 5_000;
const SHORT_METADATA_MS = 1_000;
const SHORT_HANDLER_MS = { min: 1, max: 10 } as const;

/**
 * A fetch waits at the broker of a topic in which nothing is new. Meanwhile a member joins, and the loop that reads from
 * another broker finds that partitions were added and joins again at once, where a heartbeat would come later. The fetch is
 * answered when the partition may be somebody else's.
 */
function rejoinBesideAFetch(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { atMs, gapMs } = plan;
  const grown = at(group.topics, plan.topic);
  const id = `${group.id}-m10`;
  const pollIntervalMs = group.maxPollIntervalMs ?? LONG_SESSION.rebalanceTimeoutMs;
  const joining: Group = {
    ...group,
    ...LONG_SESSION,
    heartbeatIntervalMs: Math.min(LONG_HEARTBEAT_MS, Math.floor(pollIntervalMs / 4 / 50) * 50),
    fetchMaxWaitMs: LONG_FETCH_MS,
    metadataMaxAgeMs: SHORT_METADATA_MS,
    handler: { ...group.handler, timeMs: SHORT_HANDLER_MS },
    topics: [...group.topics, QUIET],
    members: [...group.members, { id }],
  };
  const busy = { topics: [grown], records: 60, recordsPerSend: 1, startMs: 500, stopMs: atMs + 4_000 };
  const late = {
    topics: [QUIET],
    records: 8,
    recordsPerSend: 1,
    startMs: atMs + 1_000,
    stopMs: atMs + 4_000,
  };
  const producers = another({ ...scenario, producers: another(scenario, 'busy', busy) }, 'late', late);
  return {
    topology: withQuietTopic(scenario),
    groups: withGroup(scenario, joining),
    producers,
    actions: [
      ...scenario.actions,
      { kind: 'join', atMs, member: id },
      growth(scenario, grown, atMs + gapMs, 2),
    ],
  };
}

/** Between two times at which partitions are added. */
const GROWTH_GAP_MS = 1_500;

/** A backlog of one topic is worked on, record after record, while the loop of another broker joins again. */
function rejoinBesideAHandler(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { atMs, afterMs } = plan;
  const working: Group = {
    ...group,
    metadataMaxAgeMs: SHORT_METADATA_MS,
    partitionsConsumedConcurrently: Math.max(2, group.partitionsConsumedConcurrently),
    handler: { ...group.handler, timeMs: SHORT_HANDLER_MS },
    topics: [...group.topics, QUIET],
  };
  const sends = { topics: [at(group.topics, plan.topic)], records: 600, recordsPerSend: 50 };
  const grownMs = atMs + afterMs / 2;
  return {
    topology: withQuietTopic(scenario),
    groups: withGroup(scenario, working),
    producers: another(scenario, 'backlog', { ...sends, startMs: atMs, stopMs: atMs + 500 }),
    actions: [
      ...scenario.actions,
      { kind: 'add-partitions', atMs: Math.floor(grownMs), topic: QUIET, partitions: 3 },
      { kind: 'add-partitions', atMs: Math.floor(grownMs) + GROWTH_GAP_MS, topic: QUIET, partitions: 4 },
    ],
  };
}

const STALLS_MAX = 3;
const SLOW_LINK_MS = { min: 40, max: 80 };

/** The requests of each transaction take long, and its member stalls past its session in one of them; then another does. */
function stallInATransaction(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { atMs, gapMs } = plan;
  const stallMs = group.sessionTimeoutMs + plan.afterMs;
  const stalled = group.members.slice(0, STALLS_MAX);
  const untilMs = atMs + stalled.length * (stallMs + gapMs);
  const links = group.members.map(
    ({ id: process }): Action => ({
      kind: 'slow-link',
      atMs: 1_000,
      durationMs: untilMs,
      link: { process, broker: null },
      latencyMs: SLOW_LINK_MS,
      bytesPerSecond: null,
      lossPerThousand: 0,
    }),
  );
  const stalls = stalled.map(
    ({ id: member }, i): Action => ({
      kind: 'stall',
      atMs: atMs + i * (stallMs + gapMs),
      durationMs: stallMs,
      member,
    }),
  );
  const slowest = recordMs(group, { latencyMs: SLOW_LINK_MS, bytesPerSecond: null, lossPerThousand: 0 });
  // Who has no time for one transaction never gets on.
  const slow: Group =
    group.maxPollIntervalMs === undefined
      ? { ...group, rebalanceTimeoutMs: Math.max(group.rebalanceTimeoutMs, slowest) }
      : { ...group, maxPollIntervalMs: Math.max(group.maxPollIntervalMs, slowest) };
  const sends = { topics: [...group.topics], records: 80, recordsPerSend: 1 };
  return {
    groups: withGroup(scenario, slow),
    producers: another(scenario, 'feed', { ...sends, startMs: 500, stopMs: untilMs }),
    actions: [...scenario.actions, ...links, ...stalls],
  };
}

const BROKERS_OF_A_FOLLOWER = 3;
/** Longer than `replica.lag.time.max.ms`, after which what the follower has not got is committed without it. */
const ISOLATION_MS = 62_000;
const OTHER_JOINS_MS = 50_000;
const OTHER_STAYS_MS = 6_000;
const LONG_METADATA_MS = 300_000;

/**
 * A follower that a member reads from is cut off from a leader, or from all other brokers. Another member takes partitions
 * over, reads what the leader alone has, and leaves: the first is at a position then that its follower has not got.
 */
function followerBehind(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { topology, actions } = scenario;
  const ids = Array.from({ length: topology.brokers }, (_, i) => i + 1);
  const follower = at(ids, plan.follower);
  const others = ids.filter((id) => id !== follower);
  const cutOff = plan.ofAll ? others : [at(others, plan.leader)];
  const durationMs = ISOLATION_MS + plan.durationMs;
  const [near, far] = [`${group.id}-m10`, `${group.id}-m11`];
  const atMs = 3_000 + plan.gapMs;
  const joinMs = atMs + OTHER_JOINS_MS + plan.afterMs;
  const leaveMs = joinMs + OTHER_STAYS_MS;
  const sends = { topics: [...group.topics], records: 20, recordsPerSend: 1 };
  return {
    topology: { ...topology, racks: ids.map(rackOf) },
    groups: withGroup(scenario, {
      ...group,
      metadataMaxAgeMs: LONG_METADATA_MS,
      members: [...group.members, { id: near, rack: rackOf(follower) }, { id: far }],
    }),
    producers: another(scenario, 'steady', { ...sends, startMs: 1_000, stopMs: leaveMs + 5_000 }),
    actions: [
      ...actions.filter(({ kind }) => !RETURNS.has(kind)),
      { kind: 'join', atMs: 0, member: near },
      ...cutOff.map(
        (other): Action => ({ kind: 'isolate-brokers', atMs, durationMs, brokers: [other, follower] }),
      ),
      { kind: 'join', atMs: joinMs, member: far },
      { kind: 'leave', atMs: leaveMs, member: far },
    ],
  };
}

/** What starts and ends the members, and when the group begins: the first join, or that after all had left. */
function beginOf({ actions }: Scenario, { members }: Group) {
  const ids = new Set(members.map(({ id }) => id));
  const lives = actions.filter(isLifecycleAction).filter(({ member }) => ids.has(member));
  const left = lives.findLastIndex(({ kind }) => kind === 'leave' || kind === 'terminate');
  const join = lives.slice(left + 1).find(({ kind }) => kind === 'join') ?? lives[0];
  return { member: join?.member ?? null, joinMs: join?.atMs ?? 0, lastMs: lives.at(-1)?.atMs ?? 0 };
}

const SILENCE_MAX_MS = 12_000;
const SILENCE_BEFORE_MS = 500;
const SILENCE_AFTER_MS = 2_500;

/**
 * Nobody writes from before the group begins until after the last that happens to its members: it finds its place, and
 * nothing to commit there, when the next rebalance or crash comes.
 */
function silenceAroundAJoin(scenario: Scenario, group: Group): Changes {
  const { joinMs, lastMs } = beginOf(scenario, group);
  const fromMs = Math.max(0, joinMs - SILENCE_BEFORE_MS);
  const toMs = Math.min(lastMs, fromMs + SILENCE_MAX_MS) + SILENCE_AFTER_MS;
  return { producers: scenario.producers.flatMap((one) => around(one, fromMs, toMs)) };
}

/** Who begins finds its place, and cannot commit it before the next rebalance or crash. */
function firstCommitRefused(scenario: Scenario, group: Group, plan: CoincidencesPlan): Changes {
  const { member, joinMs } = beginOf(scenario, group);
  const refusal: Action = {
    kind: 'answer-error',
    atMs: joinMs,
    api: 'OffsetCommit',
    error: at(injectableErrors.OffsetCommit, plan.error),
    times: plan.times,
    process: plan.ofAll ? null : member,
  };
  return { actions: [...scenario.actions, refusal] };
}

/** What falls into the silence is sent after it, by another producer where the first has begun. */
function around(producer: Producer, fromMs: number, toMs: number): Producer[] {
  const { startMs, stopMs, records } = producer;
  if (stopMs <= fromMs || startMs >= toMs) return [producer];
  if (startMs >= fromMs || records === 1)
    return [{ ...producer, startMs: startMs + toMs - fromMs, stopMs: stopMs + toMs - fromMs }];
  const share = (fromMs - startMs) / (stopMs - startMs);
  const before = Math.min(records - 1, Math.max(1, Math.floor(records * share)));
  return [
    { ...producer, records: before, stopMs: fromMs },
    {
      ...producer,
      id: `${producer.id}-later`,
      records: records - before,
      startMs: toMs,
      stopMs: toMs + stopMs - fromMs,
    },
  ];
}
