/**
 * The generator: a profile enters, a fast-check arbitrary of scenarios leaves, and with a seed and an index one
 * scenario that is the same on every machine.
 *
 * It first draws which kinds of feature and fault are on at all (a swarm: a scenario with everything on seldom gets
 * far enough to show anything), then a plan of independent numbers, and maps the plan to a scenario. The plan has no
 * chained draws, so fast-check can shrink every number of it by itself.
 */
import fc from 'fast-check';
import { pick, switchedOn, time } from './draws.ts';
import { applyCluster, clusterPlan } from './families/cluster.ts';
import {
  applyCoincidences,
  brokersOf,
  type Coincidence,
  coincidences,
  coincidencesPlan,
} from './families/coincidences.ts';
import { applyCompaction, compactionPlan } from './families/compaction.ts';
import { applyConsumerApi, consumerApiPlan } from './families/consumer-api.ts';
import { applyDead, deadPlan } from './families/dead.ts';
import { configureAsJava, javaPlan } from './families/java.ts';
import { applyJavaCalls, javaCallsPlan } from './families/java-calls.ts';
import { applyPipelines, pipelinesPlan } from './families/pipelines.ts';
import { applyPlacement, placementPlan } from './families/placement.ts';
import { applyResets, resetsPlan } from './families/resets.ts';
import { applySharedProcess, sharedProcessPlan } from './families/shared-process.ts';
import { applyThrottles, throttlesPlan } from './families/throttles.ts';
import { applyTransactions, transactionsPlan } from './families/transactions.ts';
import { applyTwins, twinsPlan } from './families/twins.ts';
import { type Action, type Group, type Producer, parseScenario, type Scenario } from './schema.ts';
import { mixSeed } from './seed.ts';
import { settlingBoundMs } from './settling.ts';

/** Changes whenever the same seed would give another scenario, so that `seed:index` is never replayed wrongly. */
export const GENERATOR_VERSION = 13;

/** Within the hour that a record may come from the future (message.timestamp.after.max.ms), so that a pipeline can write. */
const CLOCK_AHEAD_MS = 3_540_000;

/** Members of one scenario, over all groups: each is a process, and a small machine has to run several scenarios. */
const MEMBERS_MAX = 8;

export interface Profile {
  readonly description: string;
  /** How many of ten scenarios have faults of this kind at all. */
  readonly brokerFaultsPerTen: number;
  readonly memberFaultsPerTen: number;
  readonly adminActionsPerTen: number;
  readonly handlerFailuresPerTen: number;
  /** Whether links are slow and break, clocks differ, and there are up to five brokers. */
  readonly breaksNetwork: boolean;
  /** Whether clients are configured in ways that only the Java client has words for: the reference client only. */
  readonly hasJavaOptions: boolean;
  /** Whether applications call more of the consumer's API than they need: seek, pause, stop and run, commit. */
  readonly callsConsumers: boolean;
  /** Whether they ask for positions and committed offsets, and take partitions by hand: the reference client only. */
  readonly asksConsumers: boolean;
  /** Whether the cluster fails from inside: errors, moves, isolation, recreated topics (the simulated world). */
  readonly breaksCluster: boolean;
  /** Whether the first group begins in a cell of auto.offset.reset (the simulated world). */
  readonly resetsOffsets: boolean;
  /** Whether producers send in transactions. */
  readonly sendsTransactions: boolean;
  /** Whether the first group is a pipeline, which writes what it makes of its records in transactions. */
  readonly hasPipelines: boolean;
  /** Whether the first group's members are static and have twins: the reference client only. */
  readonly hasTwins: boolean;
  /** Whether topics elect leaders that are not in sync rather than none (the simulated world), and brokers have racks. */
  readonly placesReplicas: boolean;
  /** Whether members and brokers may stay dead when all else is healed. */
  readonly leavesDead: boolean;
  /** Whether several members may run in one process. */
  readonly sharesProcesses: boolean;
  /** Whether processes may get client quotas for a while. */
  readonly throttlesClients: boolean;
  /** What may be made to meet that seldom would by chance. */
  readonly coincidences: readonly Coincidence[];
  /** Whether each scenario draws which families it has at all. */
  readonly isSwarm: boolean;
}

const PLAIN = {
  breaksNetwork: false,
  hasJavaOptions: false,
  callsConsumers: false,
  asksConsumers: false,
  breaksCluster: false,
  resetsOffsets: false,
  sendsTransactions: false,
  hasPipelines: false,
  hasTwins: false,
  placesReplicas: false,
  leavesDead: false,
  sharesProcesses: false,
  throttlesClients: false,
  coincidences: [],
  isSwarm: false,
} as const;

/** Those of what applications do, of what the cluster does, and of how groups begin. */
const OF_CALLS = ['pause-in-a-backlog', 'rejoin-beside-a-fetch', 'rejoin-beside-a-handler'] as const;
const OF_CLUSTER = ['rejoin-beside-a-fetch', 'rejoin-beside-a-handler', 'follower-behind'] as const;
const OF_STARTS = ['silence-around-a-join', 'first-commit-refused'] as const;

const QUIET = {
  brokerFaultsPerTen: 0,
  memberFaultsPerTen: 2,
  adminActionsPerTen: 0,
  handlerFailuresPerTen: 1,
} as const;
const TRANSACTIONAL = {
  brokerFaultsPerTen: 2,
  memberFaultsPerTen: 6,
  adminActionsPerTen: 1,
  handlerFailuresPerTen: 1,
} as const;
const BUSY = {
  brokerFaultsPerTen: 3,
  memberFaultsPerTen: 6,
  adminActionsPerTen: 4,
  handlerFailuresPerTen: 3,
} as const;

export const profiles = {
  default: {
    description: 'a mixture of everything; one scenario in five has broker faults',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 8,
    adminActionsPerTen: 4,
    handlerFailuresPerTen: 3,
    ...PLAIN,
  },
  calm: {
    description: 'members come and go in good order; nothing fails',
    brokerFaultsPerTen: 0,
    memberFaultsPerTen: 0,
    adminActionsPerTen: 0,
    handlerFailuresPerTen: 0,
    ...PLAIN,
  },
  members: {
    description: 'members crash and stall in every scenario; brokers stay up',
    brokerFaultsPerTen: 0,
    memberFaultsPerTen: 10,
    adminActionsPerTen: 3,
    handlerFailuresPerTen: 3,
    ...PLAIN,
  },
  brokers: {
    description: 'broker faults in every scenario',
    brokerFaultsPerTen: 10,
    memberFaultsPerTen: 4,
    adminActionsPerTen: 2,
    handlerFailuresPerTen: 1,
    ...PLAIN,
  },
  network: {
    description:
      'links are slow and break, clients get quotas, clocks differ, one to five brokers (on real Kafka one or three, of one clock)',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 4,
    adminActionsPerTen: 2,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    breaksNetwork: true,
    throttlesClients: true,
  },
  java: {
    description: 'everything that the Java client can be configured to do (with --client reference)',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 7,
    adminActionsPerTen: 3,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    hasJavaOptions: true,
  },
  consumer: {
    description:
      'applications seek, pause, stop and run again, commit beside their handlers, subscribe differently, share processes',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 5,
    adminActionsPerTen: 2,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    callsConsumers: true,
    sharesProcesses: true,
    coincidences: OF_CALLS,
  },
  'consumer-java': {
    description:
      "the same with the Java client's options, questions for offsets, partitions by hand (with --client reference)",
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 5,
    adminActionsPerTen: 2,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    hasJavaOptions: true,
    callsConsumers: true,
    asksConsumers: true,
    sharesProcesses: true,
    coincidences: OF_CALLS,
  },
  cluster: {
    description:
      'errors on purpose, leaders and coordinators move, brokers cut off, topics recreated, rolling bounces, consumers read from followers in their racks',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 4,
    adminActionsPerTen: 2,
    handlerFailuresPerTen: 1,
    ...PLAIN,
    breaksCluster: true,
    placesReplicas: true,
    leavesDead: true,
    coincidences: OF_CLUSTER,
  },
  resets: {
    description: 'groups without a usable committed offset, in every way to come to that, and interrupted',
    ...QUIET,
    ...PLAIN,
    resetsOffsets: true,
    coincidences: OF_STARTS,
  },
  'resets-java': {
    description:
      "the same with auto.offset.reset none too, and the Java client's options (with --client reference)",
    ...QUIET,
    ...PLAIN,
    hasJavaOptions: true,
    resetsOffsets: true,
    coincidences: OF_STARTS,
  },
  transactions: {
    description: 'producers send in transactions and abort some, groups have isolation levels',
    ...TRANSACTIONAL,
    ...PLAIN,
    sendsTransactions: true,
  },
  'transactions-java': {
    description: "the same with the Java client's options (with --client reference)",
    ...TRANSACTIONAL,
    ...PLAIN,
    hasJavaOptions: true,
    sendsTransactions: true,
  },
  pipelines: {
    description:
      'a group writes what it makes of its records into a topic, in transactions with their offsets',
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 7,
    adminActionsPerTen: 0,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    hasPipelines: true,
    coincidences: ['stall-in-a-transaction'],
  },
  'pipelines-java': {
    description:
      "the same with the Java client's options, and producers with transactions (with --client reference)",
    brokerFaultsPerTen: 2,
    memberFaultsPerTen: 7,
    adminActionsPerTen: 1,
    handlerFailuresPerTen: 2,
    ...PLAIN,
    hasJavaOptions: true,
    sendsTransactions: true,
    hasPipelines: true,
    coincidences: ['stall-in-a-transaction'],
  },
  'twins-java': {
    description:
      'static members, some of them started a second time while they run (with --client reference)',
    brokerFaultsPerTen: 1,
    memberFaultsPerTen: 6,
    adminActionsPerTen: 1,
    handlerFailuresPerTen: 1,
    ...PLAIN,
    hasJavaOptions: true,
    hasTwins: true,
  },
  everything: {
    description: 'a swarm: each scenario draws which of all families it has, and how much of each',
    ...BUSY,
    ...PLAIN,
    sendsTransactions: true,
    breaksNetwork: true,
    callsConsumers: true,
    breaksCluster: true,
    resetsOffsets: true,
    hasPipelines: true,
    placesReplicas: true,
    leavesDead: true,
    sharesProcesses: true,
    throttlesClients: true,
    coincidences: coincidences,
    isSwarm: true,
  },
  'everything-java': {
    description: "the same with the Java client's options (with --client reference)",
    ...BUSY,
    ...PLAIN,
    breaksNetwork: true,
    hasJavaOptions: true,
    callsConsumers: true,
    asksConsumers: true,
    breaksCluster: true,
    resetsOffsets: true,
    hasPipelines: true,
    hasTwins: true,
    placesReplicas: true,
    leavesDead: true,
    sharesProcesses: true,
    throttlesClients: true,
    coincidences: coincidences,
    isSwarm: true,
  },
} as const satisfies Record<string, Profile>;
export type ProfileName = keyof typeof profiles;
export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(profiles, name);

const commitModePlan = fc.oneof(
  fc.record({
    kind: fc.constant('auto' as const),
    intervalMs: pick(null, 200, 1_000, 5_000),
    thresholdRecords: pick(null, 1, 10, 100),
  }),
  fc.constant({ kind: 'per-record' as const }),
  fc.constant({ kind: 'per-batch' as const }),
  fc.constant({ kind: 'asynchronous' as const }),
  fc.constant({ kind: 'none' as const }),
);

/** One thing that happens to a member after it joined, and whether it comes back. */
const episodePlan = fc.record({
  afterMs: time(300, 4_000),
  graceful: pick('leave', 'terminate'),
  fault: pick('crash', 'stall'),
  faulty: fc.boolean(),
  /** How much longer than the session a stall lasts. */
  pastSessionMs: time(300, 2_500),
  back: fc.boolean(),
  backAfterMs: time(100, 3_000),
});

const memberPlan = fc.record({
  joinAtMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: time(0, 6_000) }),
  episodes: fc.array(episodePlan, { maxLength: 2 }),
});

const groupPlan = fc.record({
  topics: fc.integer({ min: 1, max: 7 }),
  session: pick(3_000, 2_000, 6_000),
  rebalance: pick(6_000, 4_000, 10_000),
  heartbeatDivisor: pick(3, 5, 10),
  autoOffsetReset: pick('earliest', 'earliest', 'latest'),
  fetchMaxWaitMs: pick(200, 50, 1_000),
  maxPartitionFetchBytes: pick(1_048_576, 2_048),
  partitionsConsumedConcurrently: pick(1, 1, 3),
  consumeMode: pick('each-message', 'each-batch', 'manual'),
  commitMode: commitModePlan,
  commitFirst: switchedOn(2),
  handlerMinMs: pick(0, 1, 5),
  handlerSpanMs: pick(0, 5, 20, 60),
  failuresPerThousand: pick(5, 20, 100),
  failuresPerRecord: pick(1, 2),
  members: fc.array(memberPlan, { minLength: 1, maxLength: MEMBERS_MAX }),
  /** All members leave for a while, so that the group is empty. */
  pause: switchedOn(2),
  pauseAtMs: time(3_000, 6_000),
});

const producerPlan = fc.record({
  topics: fc.integer({ min: 1, max: 7 }),
  acks: pick('all', 1, 0),
  idempotent: fc.boolean(),
  keys: pick(null, 5, 50),
  records: fc.integer({ min: 5, max: 150 }),
  recordsPerSend: pick(1, 1, 5, 20),
  valueBytes: pick(32, 0, 500),
  startMs: time(0, 2_000),
  lengthMs: time(500, 8_000),
  crash: switchedOn(1),
  crashAfterMs: time(200, 4_000),
});

const brokerFaultPlan = fc.record({
  gapMs: time(500, 4_000),
  kind: pick('pause-broker', 'restart-broker', 'crash-broker'),
  durationMs: time(500, 4_000),
  broker: fc.nat({ max: 11 }),
});

const adminPlan = fc.record({
  kind: pick('delete-records', 'add-partitions', 'delete-offsets'),
  atMs: time(500, 8_000),
  topic: fc.nat({ max: 11 }),
  group: fc.nat({ max: 11 }),
  partition: fc.nat({ max: 99 }),
  percent: pick(50, 10, 100),
  partitions: fc.integer({ min: 1, max: 3 }),
});

const planArbitrary = (profile: Profile) =>
  fc.record({
    seed: fc.noShrink(fc.integer({ min: 0, max: 0xffff_ffff })),
    brokers: pick(1, 1, 3),
    topics: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    groups: fc.oneof(
      { weight: 2, arbitrary: fc.array(groupPlan, { minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: fc.array(groupPlan, { minLength: 2, maxLength: 2 }) },
    ),
    producers: fc.array(producerPlan, { minLength: 1, maxLength: 3 }),
    brokerFaultsOn: switchedOn(profile.brokerFaultsPerTen),
    memberFaultsOn: switchedOn(profile.memberFaultsPerTen),
    adminActionsOn: switchedOn(profile.adminActionsPerTen),
    handlerFailuresOn: switchedOn(profile.handlerFailuresPerTen),
    brokerFaults: fc.array(brokerFaultPlan, { minLength: 1, maxLength: 2 }),
    adminActions: fc.array(adminPlan, { minLength: 1, maxLength: 2 }),
  });

/** What the `network` profile adds; apart from the rest, so that the other profiles' draws stay what they are. */
const networkPlan = fc.record({
  brokers: fc.integer({ min: 1, max: 5 }),
  conditions: pick(
    null,
    { latencyMs: { min: 1, max: 10 }, bytesPerSecond: null, lossPerThousand: 0 },
    { latencyMs: { min: 20, max: 80 }, bytesPerSecond: 1_000_000, lossPerThousand: 5 },
    { latencyMs: { min: 5, max: 250 }, bytesPerSecond: 50_000, lossPerThousand: 20 },
  ),
  faults: fc.array(
    fc.record({
      kind: pick('cut-link', 'slow-link', 'reset-link'),
      atMs: time(500, 12_000),
      /** Around the session timeouts that are drawn: some cuts are noticed by the group, some are not. */
      durationMs: time(200, 8_000),
      process: fc.nat({ max: 99 }),
      /** 0 for all of them. */
      broker: fc.nat({ max: 11 }),
      direction: pick('both', 'to-broker', 'to-process'),
      latencyMs: pick(50, 500, 3_000),
      ending: pick('reset', 'half-open'),
    }),
    { maxLength: 4 },
  ),
  clocks: fc.array(
    fc.record({ offsetMs: pick(0, 5_000, -5_000, CLOCK_AHEAD_MS), driftPerMillion: pick(0, 200, -50_000) }),
    { maxLength: MEMBERS_MAX },
  ),
});
type NetworkPlan = typeof networkPlan extends fc.Arbitrary<infer P> ? P : never;

function linkFault(
  fault: NetworkPlan['faults'][number],
  processes: readonly string[],
  brokers: number,
): Action {
  const { atMs, durationMs, direction, latencyMs, ending } = fault;
  const broker = fault.broker % (brokers + 1);
  const process = processes[fault.process % processes.length] as string;
  const common = { atMs, link: { process, broker: broker === 0 ? null : broker } };
  switch (fault.kind) {
    case 'cut-link':
      return { kind: 'cut-link', ...common, durationMs, direction };
    case 'slow-link': {
      const conditions = { bytesPerSecond: null, lossPerThousand: 0 };
      return {
        kind: 'slow-link',
        ...common,
        durationMs,
        latencyMs: { min: latencyMs / 2, max: latencyMs },
        ...conditions,
      };
    }
    case 'reset-link':
      return { kind: 'reset-link', ...common, ending };
  }
}

function breakNetwork(scenario: Scenario, plan: NetworkPlan): Scenario {
  const { topology, groups, producers, actions } = scenario;
  const members = groups.flatMap((group) => group.members);
  const processes = [...members, ...producers].map(({ id }) => id);
  const faults = plan.faults.map((fault) => linkFault(fault, processes, topology.brokers));
  const clockOf = new Map(members.map(({ id }, index) => [id, plan.clocks[index]]));
  const allActions = [...actions, ...faults].sort((a, b) => a.atMs - b.atMs);
  const network = plan.conditions ?? undefined;
  const slowed = { ...topology, ...(network === undefined ? {} : { network }) };
  return {
    ...scenario,
    topology: slowed,
    groups: groups.map((group) => ({
      ...group,
      members: group.members.map((member) => {
        const clock = clockOf.get(member.id);
        return clock === undefined ? member : { ...member, clock };
      }),
    })),
    actions: allActions,
    settling: { boundMs: settlingBoundMs({ topology: slowed, groups, producers, actions: allActions }) },
  };
}

type Plan =
  ReturnType<typeof planArbitrary> extends fc.Arbitrary<infer P>
    ? Omit<P, 'brokers'> & { brokers: number }
    : never;
type GroupPlan = Plan['groups'][number];
type MemberPlan = GroupPlan['members'][number];

const topicNames = ['orders', 'payments', 'shipments'] as const;
const groupNames = ['billing', 'audit'] as const;

/** The topics that the bits of the mask select, at least one. */
const selectTopics = (mask: number, topics: readonly { name: string }[]): string[] => {
  const selected = topics.filter((_, i) => (mask & (1 << i)) !== 0).map((topic) => topic.name);
  return selected.length > 0 ? selected : topics.slice(0, 1).map((topic) => topic.name);
};

function buildGroup(
  plan: GroupPlan,
  id: string,
  topics: readonly { name: string }[],
  failures: boolean,
  members: number,
): Group {
  const consumeMode =
    plan.commitMode.kind === 'per-batch' && plan.consumeMode === 'each-message'
      ? 'each-batch'
      : plan.consumeMode;
  const explicit = plan.commitMode.kind !== 'auto' && plan.commitMode.kind !== 'none';
  return {
    id,
    topics: selectTopics(plan.topics, topics),
    sessionTimeoutMs: plan.session,
    rebalanceTimeoutMs: plan.rebalance,
    heartbeatIntervalMs: Math.floor(plan.session / plan.heartbeatDivisor / 50) * 50,
    autoOffsetReset: plan.autoOffsetReset,
    fetchMaxWaitMs: plan.fetchMaxWaitMs,
    maxPartitionFetchBytes: plan.maxPartitionFetchBytes,
    partitionsConsumedConcurrently: plan.partitionsConsumedConcurrently,
    metadataMaxAgeMs: 2_000,
    consumeMode,
    commitMode: plan.commitMode,
    commitOrder: explicit && plan.commitFirst ? 'commit-then-process' : 'process-then-commit',
    handler: {
      timeMs: { min: plan.handlerMinMs, max: plan.handlerMinMs + plan.handlerSpanMs },
      failuresPerThousand: failures ? plan.failuresPerThousand : 0,
      failuresPerRecord: plan.failuresPerRecord,
    },
    members: Array.from({ length: members }, (_, m) => ({ id: `${id}-m${m + 1}` })),
  };
}

/** A member's life as actions; `alive` says whether it runs at the end. */
function memberLife(plan: MemberPlan, member: string, sessionTimeoutMs: number, faultsOn: boolean) {
  const actions: Action[] = [{ kind: 'join', atMs: plan.joinAtMs, member }];
  let now = plan.joinAtMs;
  let alive = true;
  for (const episode of plan.episodes) {
    if (!alive) break;
    now += episode.afterMs;
    const kind = faultsOn && episode.faulty ? episode.fault : episode.graceful;
    if (kind === 'stall') {
      const durationMs = sessionTimeoutMs + episode.pastSessionMs;
      actions.push({ kind, atMs: now, durationMs, member });
      now += durationMs;
      continue;
    }
    actions.push({ kind, atMs: now, member });
    alive = false;
    if (episode.back) {
      now += episode.backAfterMs;
      actions.push({ kind: 'join', atMs: now, member });
      alive = true;
    }
  }
  return { actions, alive, endMs: now };
}

function buildScenario(plan: Plan): Scenario {
  const topics = plan.topics.map((partitions, i) => ({
    name: topicNames[i] as string,
    partitions,
    replicationFactor: plan.brokers,
  }));
  const actions: Action[] = [];
  let membersLeft = MEMBERS_MAX;
  const groups = plan.groups.map((groupPlan, g) => {
    // Every later group needs at least one member of its own.
    const members = groupPlan.members.slice(0, membersLeft - (plan.groups.length - 1 - g));
    membersLeft -= members.length;
    const group = buildGroup(
      groupPlan,
      groupNames[g] as string,
      topics,
      plan.handlerFailuresOn,
      members.length,
    );
    actions.push(...groupActions(groupPlan, group, members, plan.memberFaultsOn));
    return group;
  });

  const producers = plan.producers.map((producer, i): Producer => {
    const id = `producer-${i + 1}`;
    if (producer.crash && plan.memberFaultsOn)
      actions.push({ kind: 'crash-producer', atMs: producer.startMs + producer.crashAfterMs, producer: id });
    return {
      id,
      topics: selectTopics(producer.topics, topics),
      acks: producer.acks,
      idempotent: producer.idempotent && producer.acks === 'all',
      keys: producer.keys,
      records: producer.records,
      recordsPerSend: producer.recordsPerSend,
      valueBytes: producer.valueBytes,
      startMs: producer.startMs,
      stopMs: producer.startMs + producer.lengthMs,
    };
  });

  if (plan.brokerFaultsOn) {
    // One after another, never at once: two of three controllers down is another trial than a group's.
    let now = 1_000;
    for (const fault of plan.brokerFaults) {
      now += fault.gapMs;
      actions.push({
        kind: fault.kind,
        atMs: now,
        durationMs: fault.durationMs,
        broker: 1 + (fault.broker % plan.brokers),
      });
      now += fault.durationMs;
    }
  }
  if (plan.adminActionsOn) {
    const counts = new Map(topics.map((topic) => [topic.name, topic.partitions]));
    const inOrder = [...plan.adminActions].sort((a, b) => a.atMs - b.atMs);
    for (const admin of inOrder) {
      const topic = (topics[admin.topic % topics.length] as { name: string }).name;
      const count = counts.get(topic) as number;
      if (admin.kind === 'add-partitions') {
        counts.set(topic, count + admin.partitions);
        actions.push({ kind: admin.kind, atMs: admin.atMs, topic, partitions: count + admin.partitions });
      } else if (admin.kind === 'delete-records') {
        actions.push({
          kind: admin.kind,
          atMs: admin.atMs,
          topic,
          partition: admin.partition % count,
          percent: admin.percent,
        });
      } else {
        const group = groups[admin.group % groups.length] as Group;
        actions.push({
          kind: admin.kind,
          atMs: admin.atMs,
          group: group.id,
          topic: group.topics[0] as string,
        });
      }
    }
  }
  actions.sort((a, b) => a.atMs - b.atMs);
  const topology = { brokers: plan.brokers, topics, groupInitialRebalanceDelayMs: 250 };
  return {
    version: 1,
    name: 'generated',
    seed: plan.seed,
    topology,
    producers,
    groups,
    actions,
    settling: { boundMs: settlingBoundMs({ topology, groups, producers, actions }) },
  };
}

function groupActions(
  plan: GroupPlan,
  group: Group,
  members: readonly MemberPlan[],
  faultsOn: boolean,
): Action[] {
  const actions: Action[] = [];
  if (plan.pause) {
    // The group is empty from here until it comes back: the one time at which its offsets can be deleted.
    for (const [m, member] of members.entries()) {
      const id = (group.members[m] as { id: string }).id;
      actions.push({ kind: 'join', atMs: Math.min(member.joinAtMs, plan.pauseAtMs - 1_000), member: id });
      const kind = faultsOn && member.episodes[0]?.faulty ? 'crash' : 'leave';
      actions.push({ kind, atMs: plan.pauseAtMs, member: id });
    }
    const emptyAtMs = plan.pauseAtMs + group.sessionTimeoutMs + 1_000;
    actions.push({
      kind: 'delete-offsets',
      atMs: emptyAtMs,
      group: group.id,
      topic: group.topics[0] as string,
    });
    for (const { id } of group.members) actions.push({ kind: 'join', atMs: emptyAtMs + 500, member: id });
    return actions;
  }
  const lives = members.map((member, m) =>
    memberLife(member, (group.members[m] as { id: string }).id, group.sessionTimeoutMs, faultsOn),
  );
  actions.push(...lives.flatMap((life) => life.actions));
  // A group that nobody is left in has nothing to prove at the end, so its first member comes back.
  if (!lives.some((life) => life.alive)) {
    const endMs = Math.max(...lives.map((life) => life.endMs));
    actions.push({ kind: 'join', atMs: endMs + 1_000, member: (group.members[0] as { id: string }).id });
  }
  return actions;
}

/** Scenarios of a profile, as a fast-check arbitrary with full shrinking. */
export function scenarioArbitrary(name: ProfileName = 'default'): fc.Arbitrary<Scenario> {
  const profile: Profile = profiles[name];
  const plans = planArbitrary(profile);
  const families = familiesOf(profile);
  // Apart from the rest, so that the draws of the profiles without families stay what they are.
  if (families.length === 0) return plans.map(buildScenario);
  const switches = fc.tuple(
    ...families.map(({ hasOwnSwitch }) =>
      profile.isSwarm && !hasOwnSwitch ? switchedOn(SWARM_PER_TEN) : fc.constant(true),
    ),
  );
  return fc.tuple(plans, switches, ...families.map(({ plan }) => plan)).map(([plan, isOn, ...own]) => {
    const chosen = families.flatMap((family, i) => (isOn[i] === true ? [{ family, own: own[i] }] : []));
    const brokers =
      chosen.flatMap(({ family, own: one }) => family.brokers?.(one) ?? []).at(-1) ?? plan.brokers;
    return chosen.reduce(
      (scenario, { family, own: one }) => family.apply(scenario, one),
      buildScenario({ ...plan, brokers }),
    );
  });
}

/** How many of ten scenarios of a swarm have each family. */
const SWARM_PER_TEN = 4;

/** One thing that a profile adds to what every scenario has. */
interface Family {
  readonly plan: fc.Arbitrary<unknown>;
  /** How many brokers it wants; null where it is all the same. */
  readonly brokers?: (plan: unknown) => number | null;
  /** Whether its plan says itself how seldom it is on, so that a swarm draws nothing for it. */
  readonly hasOwnSwitch: boolean;
  readonly apply: (scenario: Scenario, plan: unknown) => Scenario;
}

const family = <Plan>(
  plan: fc.Arbitrary<Plan>,
  apply: (scenario: Scenario, plan: Plan) => Scenario,
  brokers?: (plan: Plan) => number | null,
  hasOwnSwitch = false,
): Family => ({
  plan,
  hasOwnSwitch,
  apply: apply as Family['apply'],
  ...(brokers === undefined ? {} : { brokers: brokers as (plan: unknown) => number | null }),
});

/** What changes the lives of members comes before what only adds to them. */
function familiesOf(profile: Profile): Family[] {
  return [
    ...(profile.resetsOffsets ? [family(resetsPlan, applyResets(profile.hasJavaOptions))] : []),
    ...(profile.breaksNetwork ? [family(networkPlan, breakNetwork, ({ brokers }) => brokers)] : []),
    ...(profile.hasPipelines ? [family(pipelinesPlan, applyPipelines(profile.hasJavaOptions))] : []),
    ...(profile.hasJavaOptions ? [family(javaPlan, configureAsJava)] : []),
    ...(profile.sendsTransactions ? [family(transactionsPlan, applyTransactions)] : []),
    ...(profile.hasTwins ? [family(twinsPlan, applyTwins)] : []),
    ...(profile.callsConsumers ? [family(consumerApiPlan, applyConsumerApi)] : []),
    ...(profile.asksConsumers ? [family(javaCallsPlan, applyJavaCalls)] : []),
    ...(profile.breaksCluster ? [family(compactionPlan, applyCompaction)] : []),
    ...(profile.breaksCluster ? [family(clusterPlan, applyCluster, ({ brokers }) => brokers)] : []),
    ...(profile.placesReplicas ? [family(placementPlan, applyPlacement)] : []),
    ...(profile.leavesDead ? [family(deadPlan, applyDead)] : []),
    // The last to be drawn, so that the draws of the others stay what they were.
    ...(profile.sharesProcesses ? [family(sharedProcessPlan, applySharedProcess, undefined, true)] : []),
    ...(profile.throttlesClients ? [family(throttlesPlan, applyThrottles, undefined, true)] : []),
    ...(profile.coincidences.length > 0
      ? [family(coincidencesPlan, applyCoincidences(profile.coincidences), brokersOf, true)]
      : []),
  ];
}

/**
 * Scenario number `index` of a seed, independent of all others, so that shards and workers can each make their own.
 * @param seed 32-bit unsigned integer
 * @param index from 0
 */
export function generateScenario(seed: number, index: number, profile: ProfileName = 'default'): Scenario {
  const [scenario] = fc.sample(scenarioArbitrary(profile), { seed: mixSeed(seed, index), numRuns: 1 });
  const name = `seed-${seed}-${index}${profile === 'default' ? '' : `-${profile}`}`;
  // Through the parser, so that a generator that breaks a rule of the schema is found at once.
  return parseScenario({ ...scenario, name }, `the generator's ${name}`);
}
