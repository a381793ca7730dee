/**
 * The Scenario, schema version 1: plain JSON that says everything a world has to do; unknown input enters
 * `parseScenario`, a validated `Scenario` or a `ScenarioError` that names the offending key leaves.
 *
 * All times are milliseconds of scenario time; 0 is the moment at which topics exist and nothing runs yet.
 * In the simulated world that clock is virtual, on real Kafka it is the wall clock.
 */
import { z } from 'zod';
import { UsageError } from '../harness/errors.ts';
import { injectableApis, injectableErrors } from './injectable-errors.ts';

/** Names that are legal as a Kafka topic, a client id and a file name alike. */
const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'a lower-case letter, then up to 39 lower-case letters, digits or hyphens',
  );

/** Names of topics and groups: any that Kafka takes, short enough to be put behind a prefix on a shared cluster. */
const resourceName = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/, 'up to 200 letters, digits, dots, underscores or hyphens');

const milliseconds = (min: number, max: number) => z.int().min(min).max(max);

/** One hour: the longest time that any part of a scenario may name. */
const TIME_MAX_MS = 3_600_000;

const topicSchema = z.strictObject({
  name: resourceName,
  partitions: z.int().min(1).max(100),
  replicationFactor: z.int().min(1).max(5),
  /**
   * `unclean.leader.election.enable`: where no replica in sync is left, one that is behind leads, and what it has not got is
   * lost. Only the simulated world can set it.
   */
  uncleanLeaderElection: z.boolean().optional(),
  /**
   * What the value of a record looks like, where an application has to understand it: a text in which `{record}` stands
   * for the record's id and `{number}` for its number. Left out, it is the id and padding.
   */
  value: z
    .string()
    .max(100_000)
    .regex(/\{record\}/, "a text with '{record}' in it, by which the record can be recognised")
    .optional(),
});

/** What the path between a process and a broker is like; drawn anew for each write. */
const linkConditions = {
  /** One way. */
  latencyMs: z.strictObject({ min: z.number().min(0).max(60_000), max: z.number().min(0).max(60_000) }),
  /** Null where size does not matter. */
  bytesPerSecond: z.int().min(100).nullable(),
  /** Of a thousand segments, how many come only after a retransmission. */
  lossPerThousand: z.int().min(0).max(1_000),
};

const topologySchema = z.strictObject({
  brokers: z.int().min(1).max(5),
  topics: z.array(topicSchema).min(1).max(10),
  /** `group.initial.rebalance.delay.ms` of the brokers (KIP-134). */
  groupInitialRebalanceDelayMs: milliseconds(0, 60_000).default(250),
  /** Of all links at first; left out, they are those of one machine room. On real Kafka nothing is lost. */
  network: z.strictObject(linkConditions).optional(),
  /**
   * `broker.rack` of each broker; with it consumers may read from followers in their own rack (KIP-392). A cluster that
   * is named by `--brokers` has its own.
   */
  racks: z.array(name).min(1).optional(),
  /**
   * `offsets.retention.minutes`, in milliseconds: how long an empty group keeps its offsets. Kafka counts in minutes, so
   * only the simulated world can set it.
   */
  offsetsRetentionMs: milliseconds(500, TIME_MAX_MS).optional(),
});

/**
 * Options of a client's own, passed through as they are: by the client's name, then by what takes them, such as
 * `{ "kafkajs": { "consumer": { "maxBytes": 1000 } } }`. Each client's adapter says which it takes.
 */
export const nativeOptionsSchema = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.json())));
export type NativeOptions = z.infer<typeof nativeOptionsSchema>;

const producerSchema = z.strictObject({
  id: name,
  topics: z.array(resourceName).min(1),
  /** What the broker confirms: nothing (0), the leader's append (1), the in-sync replicas' append ('all'). */
  acks: z.union([z.literal(0), z.literal(1), z.literal('all')]),
  /** `enable.idempotence` (KIP-98); Kafka allows it only with acks all. */
  idempotent: z.boolean(),
  /** Number of distinct record keys, or null for records without a key. */
  keys: z.int().min(1).max(1_000).nullable(),
  /**
   * How a key is written: as text where it is left out, or its number as four bytes, as Java's IntegerSerializer writes it.
   */
  keyFormat: z.enum(['text', 'integer']).optional(),
  /** Records in all; they are spread evenly over startMs..stopMs and over the topics in turn. */
  records: z.int().min(1).max(1_000_000),
  /** Records handed to one send call. */
  recordsPerSend: z.int().min(1).max(1_000),
  valueBytes: z.int().min(0).max(1_000_000),
  startMs: milliseconds(0, TIME_MAX_MS),
  stopMs: milliseconds(0, TIME_MAX_MS),
  /** `linger.ms`: how long the client waits for more records to fill a batch. */
  lingerMs: milliseconds(0, 60_000).optional(),
  /** `batch.size`. */
  batchBytes: z.int().min(0).max(1_048_576).optional(),
  /** What its close does with records that are still in the client: send them, or drop them. */
  closing: z.enum(['flush', 'drop']).optional(),
  /** `delivery.timeout.ms`: how long after its call a record may be on its way, with all attempts. */
  deliveryTimeoutMs: milliseconds(1, TIME_MAX_MS).optional(),
  /** Whether it sends in transactions (KIP-98), with its id as its `transactional.id`. */
  transactions: z
    .strictObject({
      /** Send calls in each. */
      sends: z.int().min(1).max(1_000),
      /** Each time so many have ended, the application has aborted the last of them; null where it aborts none. */
      abortEvery: z.int().min(1).max(1_000).nullable(),
    })
    .optional(),
  native: nativeOptionsSchema.optional(),
});

/** When the application tells the group which records are done. */
const commitModeSchema = z.discriminatedUnion('kind', [
  /** The client commits by itself; both null means at the end of each batch only. */
  z.strictObject({
    kind: z.literal('auto'),
    intervalMs: milliseconds(1, TIME_MAX_MS).nullable(),
    thresholdRecords: z.int().min(1).max(1_000_000).nullable(),
  }),
  /** The application commits after each record and waits for the answer. */
  z.strictObject({ kind: z.literal('per-record') }),
  /** The application commits after each batch and waits for the answer. */
  z.strictObject({ kind: z.literal('per-batch') }),
  /**
   * The application commits once it has worked on all that one poll has handed over, waits for the answer, and leaves it to
   * the client to know the offsets.
   */
  z.strictObject({ kind: z.literal('per-poll') }),
  /**
   * The application commits after each record and goes on at once. With a callback (which is what it does where this
   * is left out) it records the outcome when it comes; without one it never learns of it.
   */
  z.strictObject({
    kind: z.literal('asynchronous'),
    callback: z.boolean().optional(),
    /** What it commits after: each record, or all of a poll, of which the client knows the offsets. */
    after: z.enum(['record', 'poll']).optional(),
  }),
  /** Nobody commits. */
  z.strictObject({ kind: z.literal('none') }),
  /**
   * Consume, transform, produce: the application writes one record for each that it has processed into another topic, in
   * one transaction with their offsets (KIP-98, KIP-447). Nobody else may write there.
   */
  z.strictObject({
    kind: z.literal('transaction'),
    topic: resourceName,
    /** Each time so many have ended, it aborts the last of them and works on the records again; null where it aborts none. */
    abortEvery: z.int().min(2).max(1_000).nullable(),
  }),
]);

const handlerSchema = z.strictObject({
  /** Time to process one record, drawn evenly from this range per record. */
  timeMs: z.strictObject({ min: milliseconds(0, 600_000), max: milliseconds(0, 600_000) }),
  /** How many records of a thousand make the handler throw (chosen by topic, partition and offset). */
  failuresPerThousand: z.int().min(0).max(1_000),
  /** How often such a record throws in one process before it is processed. */
  failuresPerRecord: z.int().min(1).max(10),
});

const memberSchema = z.strictObject({
  id: name,
  /** How the clock of the member's machine differs from the brokers'. Only the simulated world can set it. */
  clock: z
    .strictObject({
      /** Added to its wall clock. */
      offsetMs: milliseconds(-86_400_000, 86_400_000),
      /** How much faster it runs, in millionths. */
      driftPerMillion: z.int().min(-100_000).max(100_000),
    })
    .optional(),
  /** What it subscribes to, in place of all of its group's topics. */
  topics: z.array(resourceName).min(1).optional(),
  /**
   * What it takes by hand, in place of a subscription: it is no member of the group then, and commits under its id all the
   * same. All members of a group do so or none, and no two take the same partition.
   */
  assigned: z
    .array(
      z.strictObject({
        topic: resourceName,
        partitions: z.array(z.int().min(0).max(99)).min(1),
      }),
    )
    .min(1)
    .optional(),
  /** `client.rack` (KIP-392): a fetch may go to a follower in the same rack. */
  rack: name.optional(),
  /**
   * Members that name the same here, of one group or of several, run in one process and, where the client has such a thing,
   * on one instance of it (kafkajs' `Kafka`). What happens to the process happens to each of them: crash, terminate, stall,
   * and what is done to its links. Joining, leaving and calls of the consumer's API are each member's own.
   */
  sharedProcess: name.optional(),
});

const groupSchema = z.strictObject({
  id: resourceName,
  topics: z.array(resourceName).min(1),
  sessionTimeoutMs: milliseconds(500, 1_800_000),
  rebalanceTimeoutMs: milliseconds(500, 1_800_000),
  heartbeatIntervalMs: milliseconds(50, 600_000),
  /** `auto.offset.reset`; 'none' is refused by clients that have no such policy. */
  autoOffsetReset: z.enum(['earliest', 'latest', 'none']),
  /** `fetch.max.wait.ms`. */
  fetchMaxWaitMs: milliseconds(1, 60_000).default(200),
  /** `max.partition.fetch.bytes`. */
  maxPartitionFetchBytes: z.int().min(64).max(1_048_576).default(1_048_576),
  /** `fetch.min.bytes`. */
  fetchMinBytes: z.int().min(1).max(1_048_576).optional(),
  partitionsConsumedConcurrently: z.int().min(1).max(100).default(1),
  /** `metadata.max.age.ms`: how soon the client notices new partitions. */
  metadataMaxAgeMs: milliseconds(100, TIME_MAX_MS).default(300_000),
  /** `each-message` and `each-batch` resolve offsets for the application; in `manual` the application does. */
  consumeMode: z.enum(['each-message', 'each-batch', 'manual']),
  commitMode: commitModeSchema,
  commitOrder: z.enum(['process-then-commit', 'commit-then-process']),
  handler: handlerSchema,
  /** `partition.assignment.strategy`, in order of preference; left out, the client's own choice. */
  assignors: z
    .array(z.enum(['range', 'roundrobin', 'sticky', 'cooperative-sticky']))
    .min(1)
    .optional(),
  /** Whether each member has its id as its `group.instance.id` (KIP-345). */
  staticMembership: z.boolean().optional(),
  /** `max.poll.records`. */
  maxPollRecords: z.int().min(1).max(100_000).optional(),
  /** `max.poll.interval.ms` (KIP-62); left out, as long as the rebalance timeout. */
  maxPollIntervalMs: milliseconds(100, TIME_MAX_MS).optional(),
  isolationLevel: z.enum(['read_uncommitted', 'read_committed']).optional(),
  /** Whether the topics are subscribed to by their names, or by a pattern that matches them and no others. */
  subscription: z.enum(['names', 'pattern']).optional(),
  /** How long the application lets a close of its consumer take; left out, as long as the client takes. */
  closeTimeoutMs: milliseconds(0, 600_000).optional(),
  native: nativeOptionsSchema.optional(),
  /** With consumeMode `manual`: of what it is handed it works on the first half only, and leaves the rest to come again. */
  resolvesPartially: z.boolean().optional(),
  /**
   * What the application does when its client says that it crashed: nothing, or it disconnects there and then and ends. The
   * Java client has no such event: its poll throws, and its application ends.
   */
  onClientCrash: z.enum(['stay', 'disconnect']).optional(),
  members: z.array(memberSchema).min(1).max(64),
});

/** A group without its topics and members, which differ from scenario to scenario. */
export const groupConfigurationSchema = groupSchema.omit({ topics: true, members: true });

const at = { atMs: milliseconds(0, TIME_MAX_MS) };
const duration = { durationMs: milliseconds(1, TIME_MAX_MS) };
/** Who asks for an offset, and of which partition. */
const asked = { member: name, topic: resourceName, partition: z.int().min(0).max(99) };
/** The path between a member or producer and one broker, or all brokers where that is null. */
const link = { link: z.strictObject({ process: name, broker: z.int().min(1).max(5).nullable() }) };

const actionSchema = z.discriminatedUnion('kind', [
  /** Starts the member's process; again after it has ended: a new incarnation. */
  z.strictObject({ kind: z.literal('join'), ...at, member: name }),
  /** The application closes its consumer and the process ends. */
  z.strictObject({ kind: z.literal('leave'), ...at, member: name }),
  /** SIGTERM: the process ends through its own signal handler. */
  z.strictObject({ kind: z.literal('terminate'), ...at, member: name }),
  /** SIGKILL. */
  z.strictObject({ kind: z.literal('crash'), ...at, member: name }),
  /**
   * The member's process is started a second time while it runs, with the same `group.instance.id` (KIP-345), and whatever
   * happens to the member from then on happens to the second one; an order to end reaches both.
   */
  z.strictObject({ kind: z.literal('twin'), ...at, member: name }),
  /** SIGSTOP, and SIGCONT after the duration. */
  z.strictObject({ kind: z.literal('stall'), ...at, ...duration, member: name }),
  /**
   * The application calls `seek`: -2 for the beginning of the log and -1 for its end; any other offset may be out of range,
   * and the partition may be somebody else's.
   */
  z.strictObject({
    kind: z.literal('seek'),
    ...at,
    member: name,
    topic: resourceName,
    partition: z.int().min(0).max(99),
    offset: z.int().min(-2),
  }),
  /** The application pauses these partitions of a topic, or all of it, and resumes them after the duration. */
  z.strictObject({
    kind: z.literal('pause-partitions'),
    ...at,
    ...duration,
    member: name,
    topic: resourceName,
    partitions: z.array(z.int().min(0).max(99)).min(1).nullable(),
  }),
  /** The application stops its consumer, in a process that goes on, and runs it again after the duration. */
  z.strictObject({ kind: z.literal('stop-consumer'), ...at, ...duration, member: name }),
  /** The application commits what it has processed, beside its handler. */
  z.strictObject({ kind: z.literal('commit'), ...at, member: name }),
  /** The application asks where it stands in a partition, which may be somebody else's. */
  z.strictObject({ kind: z.literal('position'), ...at, ...asked }),
  /** The application asks for the group's committed offset of a partition, its own or somebody else's. */
  z.strictObject({ kind: z.literal('committed'), ...at, ...asked }),
  /** SIGKILL for a producer. */
  z.strictObject({ kind: z.literal('crash-producer'), ...at, producer: name }),
  /** The broker is killed and started again after the duration. */
  z.strictObject({ kind: z.literal('crash-broker'), ...at, ...duration, broker: z.int().min(1).max(5) }),
  /** The broker shuts down cleanly and is started again after the duration. */
  z.strictObject({ kind: z.literal('restart-broker'), ...at, ...duration, broker: z.int().min(1).max(5) }),
  /** The broker is frozen, connections open, for the duration. */
  z.strictObject({ kind: z.literal('pause-broker'), ...at, ...duration, broker: z.int().min(1).max(5) }),
  /** Bytes in this direction wait until the duration is over, as TCP sends them again and again. */
  z.strictObject({
    kind: z.literal('cut-link'),
    ...at,
    ...duration,
    ...link,
    direction: z.enum(['both', 'to-broker', 'to-process']),
  }),
  /** The link has these conditions for the duration. */
  z.strictObject({ kind: z.literal('slow-link'), ...at, ...duration, ...link, ...linkConditions }),
  /** Open connections end: both sides see a reset, or the broker alone forgets them (half-open). */
  z.strictObject({
    kind: z.literal('reset-link'),
    ...at,
    ...link,
    ending: z.enum(['reset', 'half-open']),
  }),
  z.strictObject({
    kind: z.literal('add-partitions'),
    ...at,
    topic: resourceName,
    partitions: z.int().min(2).max(100),
  }),
  /** DeleteRecords (KIP-107) up to this share of what the partition log holds at that moment. */
  z.strictObject({
    kind: z.literal('delete-records'),
    ...at,
    topic: resourceName,
    partition: z.int().min(0).max(99),
    percent: z.int().min(1).max(100),
  }),
  /**
   * The log cleaner goes over the whole topic, as it does some time after its `cleanup.policy` was set to compact: of each key
   * the newest record stays, records without a key go, and of a producer with an id an empty batch may stay.
   */
  z.strictObject({ kind: z.literal('compact-topic'), ...at, topic: resourceName }),
  /** OffsetDelete (KIP-496) of all the group's offsets of a topic; Kafka refuses while members subscribe to it. */
  z.strictObject({ kind: z.literal('delete-offsets'), ...at, group: resourceName, topic: resourceName }),
  /** An operator sets the committed offset of an empty group, in range or out of it. */
  z.strictObject({
    kind: z.literal('alter-offsets'),
    ...at,
    group: resourceName,
    topic: resourceName,
    partition: z.int().min(0).max(99),
    offset: z.int().min(0),
  }),
  /** The topic is deleted, and created again with as many partitions after the duration. */
  z.strictObject({ kind: z.literal('recreate-topic'), ...at, ...duration, topic: resourceName }),
  /** The next requests of an API are answered with this error and not carried out: those of one process, or of any. */
  z.strictObject({
    kind: z.literal('answer-error'),
    ...at,
    api: z.enum(injectableApis),
    error: z.string(),
    times: z.int().min(1).max(50),
    process: name.nullable(),
  }),
  /** Another in-sync replica of a partition becomes its leader. */
  z.strictObject({
    kind: z.literal('move-leader'),
    ...at,
    topic: resourceName,
    partition: z.int().min(0).max(99),
  }),
  /** Another broker becomes the group's coordinator. */
  z.strictObject({ kind: z.literal('move-coordinator'), ...at, group: resourceName }),
  /** The broker takes up each request of a client only so long after it came. */
  z.strictObject({
    kind: z.literal('throttle-broker'),
    ...at,
    ...duration,
    broker: z.int().min(1).max(5),
    delayMs: milliseconds(1, 60_000),
  }),
  /**
   * Client quotas (KIP-13, KIP-124) of one process, or of each one. What it sends, is sent and has done counts by broker and
   * client id over ten seconds; a broker at which it is too much says how long to wait in its answer, and reads nothing from
   * that connection meanwhile (KIP-219). Such a time goes on where the action ends within it.
   */
  z.strictObject({
    kind: z.literal('throttle-client'),
    ...at,
    ...duration,
    process: name.nullable(),
    /** At least one of them. */
    quotas: z.strictObject({
      /** `consumer_byte_rate`. */
      consumerBytesPerSecond: z.int().min(1).max(1_000_000_000).optional(),
      /** `producer_byte_rate`. */
      producerBytesPerSecond: z.int().min(1).max(1_000_000_000).optional(),
      /** `request_percentage`: of the time of one of the broker's threads. No request costs more than a second. */
      requestPercent: z.number().min(0.001).max(10_000).optional(),
    }),
  }),
  /**
   * Nothing passes between two brokers: the follower lags, and leaves the in-sync set. Each is a controller too, and one that does
   * not reach the active one is fenced.
   */
  z.strictObject({
    kind: z.literal('isolate-brokers'),
    ...at,
    ...duration,
    brokers: z.tuple([z.int().min(1).max(5), z.int().min(1).max(5)]),
  }),
  /** The controller does not hear the broker, which clients still reach. */
  z.strictObject({
    kind: z.literal('isolate-controller'),
    ...at,
    ...duration,
    broker: z.int().min(1).max(5),
  }),
]);

const scenarioShape = z.strictObject({
  /** Where editors find the JSON Schema; nothing else reads it. */
  $schema: z.string().optional(),
  version: z.literal(1),
  name: z.string().min(1).max(200),
  /** Seed of everything drawn at run time: handler times, client jitter, keys. */
  seed: z.int().min(0).max(0xffff_ffff),
  topology: topologySchema,
  producers: z.array(producerSchema).max(16),
  groups: z.array(groupSchema).min(1).max(8),
  /** In order of time; actions at the same time are carried out in the order given. */
  actions: z.array(actionSchema).max(1_000),
  settling: z.strictObject({
    /**
     * How long after the last fault and the last record the groups have to drain, which may be far more work than any
     * one part of the scenario.
     */
    boundMs: milliseconds(1, 24 * TIME_MAX_MS),
    /**
     * What is not healed: these members and brokers are killed when the last fault is over, and stay dead. The others have
     * to get on without them.
     */
    dead: z.strictObject({ members: z.array(name), brokers: z.array(z.int().min(1).max(5)) }).optional(),
  }),
});

export type Scenario = z.infer<typeof scenarioShape>;
export type Topology = Scenario['topology'];
export type Topic = Topology['topics'][number];
export type Producer = Scenario['producers'][number];
export type Group = Scenario['groups'][number];
export type CommitMode = Group['commitMode'];
export type Action = Scenario['actions'][number];
export type ActionKind = Action['kind'];
export type LinkConditions = NonNullable<Topology['network']>;

const lifecycleKinds = ['join', 'leave', 'terminate', 'crash'] as const;
export type LifecycleAction = Extract<Action, { kind: (typeof lifecycleKinds)[number] }>;
/** Whether the action starts or ends a member's process. */
export const isLifecycleAction = (action: Action): action is LifecycleAction =>
  (lifecycleKinds as readonly string[]).includes(action.kind);

const brokerFaultKinds = [
  'crash-broker',
  'restart-broker',
  'pause-broker',
  'move-leader',
  'move-coordinator',
  'isolate-brokers',
  'isolate-controller',
] as const;
/** Whether the action takes a broker away for a while, or a leadership from it. */
export const isBrokerFault = ({ kind }: Action): boolean =>
  (brokerFaultKinds as readonly string[]).includes(kind);
/** Whether requests may fail, or be late, while the action lasts. */
export const isOutage = (action: Action): boolean =>
  isBrokerFault(action) ||
  'link' in action ||
  action.kind === 'answer-error' ||
  action.kind === 'throttle-broker' ||
  action.kind === 'throttle-client' ||
  action.kind === 'recreate-topic';

/** What a member subscribes to. */
export const topicsOf = (group: Group, memberId: string): readonly string[] => {
  const member = group.members.find(({ id }) => id === memberId);
  return member?.topics ?? member?.assigned?.map(({ topic }) => topic) ?? group.topics;
};

/** Whether its members take their partitions by hand, so that there is nothing of the group but its offsets. */
export const isByHand = ({ members }: Group): boolean =>
  members.some(({ assigned }) => assigned !== undefined);

/** Whether a member may come to read the partition: all of what it subscribes to, or what it has taken by hand. */
export const mayRead = (group: Group, memberId: string, topic: string, partition: number): boolean => {
  const assigned = group.members.find(({ id }) => id === memberId)?.assigned;
  return assigned === undefined
    ? topicsOf(group, memberId).includes(topic)
    : assigned.some((one) => one.topic === topic && one.partitions.includes(partition));
};

/** The name of the process that a member shares; undefined for one that has its own, and for a producer. */
export const sharedProcessOf = ({ groups }: Pick<Scenario, 'groups'>, id: string): string | undefined =>
  groups.flatMap(({ members }) => members).find((member) => member.id === id)?.sharedProcess;

/** The ids of all that runs in the process of a member, itself included; of a producer, itself. */
export const processMates = (scenario: Pick<Scenario, 'groups'>, id: string): string[] => {
  const shared = sharedProcessOf(scenario, id);
  if (shared === undefined) return [id];
  const members = scenario.groups.flatMap((group) => group.members);
  return members.flatMap((member) => (member.sharedProcess === shared ? [member.id] : []));
};

/** The client ids of a member or producer, without the number of its incarnation, and of all that runs in its process. */
export const clientIdsOf = (scenario: Pick<Scenario, 'groups'>, id: string): string[] => {
  const shared = sharedProcessOf(scenario, id);
  return [...processMates(scenario, id), ...(shared === undefined ? [] : [shared])];
};

/** The members that an action happens to: that which it names and, where it happens to a process, all that run in it. */
export const membersHit = (scenario: Pick<Scenario, 'groups'>, action: Action): string[] => {
  if (!('member' in action)) return [];
  return isOfProcess(action.kind) ? processMates(scenario, action.member) : [action.member];
};

const isOfProcess = (kind: ActionKind): boolean =>
  kind === 'crash' || kind === 'terminate' || kind === 'stall';

type Issue = { path: PropertyKey[]; message: string };

/** The checks that relate one key to another: references, orders of numbers, what Kafka itself refuses. */
function* relations(scenario: Scenario): Generator<Issue> {
  const topics = new Map(scenario.topology.topics.map((topic) => [topic.name, topic]));
  const members = new Set(scenario.groups.flatMap((group) => group.members.map((member) => member.id)));
  const producers = new Set(scenario.producers.map((producer) => producer.id));
  const groups = new Map(scenario.groups.map((group) => [group.id, group]));

  yield* duplicates(scenario.topology.topics, (topic) => topic.name, ['topology', 'topics'], 'name');
  yield* duplicates(scenario.groups, (group) => group.id, ['groups'], 'id');
  // One name space for processes: a history names members and producers in the same field.
  const seenProcesses = new Set<string>();
  const processes = [
    ...scenario.producers.map((producer, i) => ({ id: producer.id, path: ['producers', i, 'id'] })),
    ...scenario.groups.flatMap((group, g) =>
      group.members.map((member, m) => ({ id: member.id, path: ['groups', g, 'members', m, 'id'] })),
    ),
  ];
  for (const { id, path } of processes) {
    if (seenProcesses.has(id)) yield { path, message: `expected an id used once, got '${id}' again` };
    seenProcesses.add(id);
  }

  yield* sharedProcesses(scenario, seenProcesses);
  for (const [i, topic] of scenario.topology.topics.entries()) {
    if (topic.replicationFactor > scenario.topology.brokers)
      yield {
        path: ['topology', 'topics', i, 'replicationFactor'],
        message: `expected at most the number of brokers (${scenario.topology.brokers})`,
      };
  }
  for (const [i, producer] of scenario.producers.entries()) {
    const path = ['producers', i];
    yield* unknownNames(producer.topics, topics, [...path, 'topics'], 'topic');
    if (producer.idempotent && producer.acks !== 'all')
      yield { path: [...path, 'acks'], message: "expected 'all', which an idempotent producer needs" };
    if (producer.transactions !== undefined && !producer.idempotent)
      yield { path: [...path, 'idempotent'], message: 'expected true, which transactions need' };
    if (producer.keyFormat !== undefined && producer.keys === null)
      yield { path: [...path, 'keys'], message: 'expected a number of keys, which keyFormat is about' };
    if (producer.stopMs < producer.startMs)
      yield { path: [...path, 'stopMs'], message: `expected at least startMs (${producer.startMs})` };
  }
  for (const [i, group] of scenario.groups.entries()) {
    const path = ['groups', i];
    yield* unknownNames(group.topics, topics, [...path, 'topics'], 'topic');
    if (group.heartbeatIntervalMs >= group.sessionTimeoutMs)
      yield {
        path: [...path, 'heartbeatIntervalMs'],
        message: `expected less than sessionTimeoutMs (${group.sessionTimeoutMs})`,
      };
    if (group.handler.timeMs.max < group.handler.timeMs.min)
      yield {
        path: [...path, 'handler', 'timeMs', 'max'],
        message: `expected at least min (${group.handler.timeMs.min})`,
      };
    if (group.commitMode.kind === 'per-batch' && group.consumeMode === 'each-message')
      yield {
        path: [...path, 'commitMode', 'kind'],
        message:
          "expected another kind, or consumeMode 'each-batch' or 'manual': each-message sees no batches",
      };
    for (const [m, member] of group.members.entries())
      for (const [t, topic] of (member.topics ?? []).entries())
        if (!group.topics.includes(topic))
          yield {
            path: [...path, 'members', m, 'topics', t],
            message: `expected a topic of the group (${group.topics.join(', ')}), got '${topic}'`,
          };
    if (group.resolvesPartially === true && group.consumeMode !== 'manual')
      yield { path: [...path, 'resolvesPartially'], message: "expected false, or consumeMode 'manual'" };
    if (group.resolvesPartially === true && group.commitOrder === 'commit-then-process')
      yield {
        path: [...path, 'resolvesPartially'],
        message:
          "expected false, or commitOrder 'process-then-commit': what is left would be committed already",
      };
    if (
      group.commitOrder === 'commit-then-process' &&
      (group.commitMode.kind === 'auto' || group.commitMode.kind === 'none')
    )
      yield {
        path: [...path, 'commitOrder'],
        message: `expected 'process-then-commit': with commitMode '${group.commitMode.kind}' the application never commits`,
      };
    if (group.commitOrder === 'commit-then-process' && group.commitMode.kind === 'transaction')
      yield {
        path: [...path, 'commitOrder'],
        message: "expected 'process-then-commit': a transaction has what comes of the records in it",
      };
  }
  for (const [i, group] of scenario.groups.entries())
    if (isByHand(group)) yield* byHand(group, ['groups', i], topics);
  yield* pipelines(scenario, topics);
  for (const [i, { commitMode, commitOrder }] of scenario.groups.entries()) {
    const isOfPolls =
      commitMode.kind === 'per-poll' || (commitMode.kind === 'asynchronous' && commitMode.after === 'poll');
    if (isOfPolls && commitOrder === 'commit-then-process')
      yield {
        path: ['groups', i, 'commitOrder'],
        message: "expected 'process-then-commit': the positions are committed when a poll has been worked on",
      };
  }
  const { racks } = scenario.topology;
  if (racks !== undefined && racks.length !== scenario.topology.brokers)
    yield {
      path: ['topology', 'racks'],
      message: `expected one for each of the ${scenario.topology.brokers} brokers, got ${racks.length}`,
    };
  const { dead } = scenario.settling;
  for (const [i, id] of (dead?.members ?? []).entries())
    if (!members.has(id))
      yield { path: ['settling', 'dead', 'members', i], message: expectedOneOf('member', members, id) };
  const { brokers } = scenario.topology;
  if (new Set(dead?.brokers).size * 2 >= brokers && (dead?.brokers.length ?? 0) > 0)
    yield {
      path: ['settling', 'dead', 'brokers'],
      message: `expected fewer than half of the ${brokers} brokers: the others could not go on`,
    };
  for (const [i, id] of (dead?.brokers ?? []).entries())
    if (id > brokers) yield { path: ['settling', 'dead', 'brokers', i], message: `expected 1 to ${brokers}` };
  const { network } = scenario.topology;
  if (network !== undefined) yield* latencyOrder(network.latencyMs, ['topology', 'network', 'latencyMs']);
  let previousMs = 0;
  for (const [i, action] of scenario.actions.entries()) {
    const path = ['actions', i];
    if (action.atMs < previousMs)
      yield {
        path: [...path, 'atMs'],
        message: `expected at least ${previousMs}, the time of the action before`,
      };
    previousMs = action.atMs;
    if ('member' in action && !members.has(action.member))
      yield { path: [...path, 'member'], message: expectedOneOf('member', members, action.member) };
    if (
      action.kind === 'twin' &&
      members.has(action.member) &&
      !scenario.groups.some(
        (group) => group.staticMembership === true && group.members.some(({ id }) => id === action.member),
      )
    )
      yield {
        path: [...path, 'member'],
        message: `expected a member of a group with staticMembership, got '${action.member}'`,
      };
    if ('producer' in action && !producers.has(action.producer))
      yield { path: [...path, 'producer'], message: expectedOneOf('producer', producers, action.producer) };
    if ('group' in action && !groups.has(action.group))
      yield { path: [...path, 'group'], message: expectedOneOf('group', groups.keys(), action.group) };
    if ('topic' in action && !topics.has(action.topic))
      yield { path: [...path, 'topic'], message: expectedOneOf('topic', topics.keys(), action.topic) };
    if ('broker' in action && action.broker > scenario.topology.brokers)
      yield { path: [...path, 'broker'], message: `expected 1 to ${scenario.topology.brokers}` };
    if ('link' in action) {
      const { process, broker } = action.link;
      if (!seenProcesses.has(process))
        yield {
          path: [...path, 'link', 'process'],
          message: expectedOneOf('member or producer', seenProcesses, process),
        };
      if (broker !== null && broker > scenario.topology.brokers)
        yield { path: [...path, 'link', 'broker'], message: `expected 1 to ${scenario.topology.brokers}` };
    }
    if (action.kind === 'isolate-brokers') {
      const [one, other] = action.brokers;
      if (one === other || Math.max(one, other) > scenario.topology.brokers)
        yield { path: [...path, 'brokers'], message: `expected two of 1 to ${scenario.topology.brokers}` };
    }
    if (action.kind === 'answer-error') {
      const errors: readonly string[] = injectableErrors[action.api];
      if (!errors.includes(action.error))
        yield {
          path: [...path, 'error'],
          message: `expected one of ${errors.join(', ')}, which ${action.api} may answer`,
        };
    }
    if ('process' in action && action.process !== null && !seenProcesses.has(action.process))
      yield {
        path: [...path, 'process'],
        message: expectedOneOf('member or producer', seenProcesses, action.process),
      };
    if (action.kind === 'throttle-client' && Object.keys(action.quotas).length === 0)
      yield { path: [...path, 'quotas'], message: 'expected at least one quota' };
    if (action.kind === 'slow-link') yield* latencyOrder(action.latencyMs, [...path, 'latencyMs']);
    if ('partition' in action) {
      const added = scenario.actions.flatMap((other) =>
        other.kind === 'add-partitions' && other.topic === action.topic && other.atMs <= action.atMs
          ? [other.partitions]
          : [],
      );
      const count = Math.max(topics.get(action.topic)?.partitions ?? 0, ...added);
      if (action.partition >= count)
        yield {
          path: [...path, 'partition'],
          message: `expected 0 to ${count - 1}: '${action.topic}' has ${count}`,
        };
    }
  }
}

/** A process has a name that nothing else has, and one clock. */
function* sharedProcesses({ groups }: Scenario, taken: ReadonlySet<string>): Generator<Issue> {
  const first = new Map<string, Group['members'][number]>();
  for (const [g, { members }] of groups.entries())
    for (const [m, member] of members.entries()) {
      if (member.sharedProcess === undefined) continue;
      const path = ['groups', g, 'members', m];
      if (taken.has(member.sharedProcess))
        yield {
          path: [...path, 'sharedProcess'],
          message: `expected a name of its own, which no member and no producer has, got '${member.sharedProcess}'`,
        };
      const other = first.get(member.sharedProcess);
      if (other === undefined) first.set(member.sharedProcess, member);
      else if (
        other.clock?.offsetMs !== member.clock?.offsetMs ||
        other.clock?.driftPerMillion !== member.clock?.driftPerMillion
      )
        yield {
          path: [...path, 'clock'],
          message: `expected the clock of ${other.id}, which runs in the same process`,
        };
    }
}

/** A consumer that is no member of its group has no use for what only members have. */
function* byHand(group: Group, path: PropertyKey[], topics: ReadonlyMap<string, Topic>): Generator<Issue> {
  const unused = ['assignors', 'staticMembership', 'subscription'] as const;
  for (const key of unused)
    if (group[key] !== undefined && group[key] !== false)
      yield { path: [...path, key], message: 'expected no such key where members take partitions by hand' };
  if (group.commitMode.kind === 'transaction')
    yield {
      path: [...path, 'commitMode', 'kind'],
      message: 'expected another kind: only a generation keeps a former owner from committing',
    };
  const taken = new Set<string>();
  for (const [m, { assigned, topics: own }] of group.members.entries()) {
    const ofMember = [...path, 'members', m];
    if (assigned === undefined)
      yield { path: [...ofMember, 'assigned'], message: 'expected partitions, as the other members have' };
    if (own !== undefined)
      yield { path: [...ofMember, 'topics'], message: "expected no such key beside 'assigned'" };
    for (const [a, { topic, partitions }] of (assigned ?? []).entries()) {
      const ofTopic = [...ofMember, 'assigned', a];
      if (!group.topics.includes(topic))
        yield { path: [...ofTopic, 'topic'], message: expectedOneOf('topic', group.topics, topic) };
      for (const [p, partition] of partitions.entries()) {
        const count = topics.get(topic)?.partitions ?? 0;
        const key = `${topic}-${partition}`;
        if (partition >= count || taken.has(key))
          yield {
            path: [...ofTopic, 'partitions', p],
            message: `expected 0 to ${count - 1}, each taken once, got ${partition}`,
          };
        taken.add(key);
      }
    }
  }
}

/** What a pipeline writes can be held against what it reads only where nobody else writes there. */
function* pipelines({ groups, producers }: Scenario, topics: ReadonlyMap<string, unknown>): Generator<Issue> {
  const writers = new Set(producers.flatMap((producer) => producer.topics));
  for (const [i, { id, topics: read, commitMode }] of groups.entries()) {
    if (commitMode.kind !== 'transaction') continue;
    const path = ['groups', i, 'commitMode', 'topic'];
    const { topic } = commitMode;
    if (!topics.has(topic)) yield { path, message: expectedOneOf('topic', topics.keys(), topic) };
    if (read.includes(topic))
      yield { path, message: `expected another topic than those that ${id} consumes` };
    if (writers.has(topic))
      yield { path, message: `expected a topic that nobody else writes to, got '${topic}'` };
    writers.add(topic);
  }
}

function* duplicates<T>(
  items: T[],
  key: (item: T) => string,
  path: PropertyKey[],
  last: string,
): Generator<Issue> {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    if (seen.has(key(item)))
      yield { path: [...path, i, last], message: `expected a ${last} used once, got '${key(item)}' again` };
    seen.add(key(item));
  }
}

function* latencyOrder({ min, max }: { min: number; max: number }, path: PropertyKey[]): Generator<Issue> {
  if (max < min) yield { path: [...path, 'max'], message: `expected at least min (${min})` };
}

function* unknownNames(
  names: string[],
  known: ReadonlyMap<string, unknown>,
  path: PropertyKey[],
  what: string,
): Generator<Issue> {
  for (const [i, one] of names.entries())
    if (!known.has(one)) yield { path: [...path, i], message: expectedOneOf(what, known.keys(), one) };
}

const expectedOneOf = (what: string, known: Iterable<string>, got: string): string =>
  `expected a ${what} of this scenario (${[...known].join(', ') || 'there is none'}), got '${got}'`;

/** The schema with all relations; its JSON Schema, for editors, is without them. */
export const scenarioSchema = scenarioShape.superRefine((scenario, context) => {
  for (const issue of relations(scenario))
    context.addIssue({ code: 'custom', path: issue.path, message: issue.message });
});

/** `groups[0].members[2].id`, the way JavaScript would write it. */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  ) || '(top level)';

/** Bad input: one line per offending key, with its path and what was expected. Exit code 2. */
export class ScenarioError extends UsageError {
  override name = 'ScenarioError';
}

/**
 * Validates any value as a scenario.
 * @param source where the value comes from, for the message (a file name)
 * @throws ScenarioError with one line per offending key
 */
export function parseScenario(value: unknown, source: string): Scenario {
  const result = scenarioSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `  ${formatPath([...issue.path, key])}: expected no such key`)
      : [`  ${formatPath(issue.path)}: ${issue.message}${describeInput(issue)}`],
  );
  throw new ScenarioError(`${source} is not a scenario:\n${lines.join('\n')}`);
}

/** What was there instead, where the message does not say so already. */
function describeInput(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' || issue.message.includes('received')) return '';
  const { input } = issue;
  if (input === undefined) return ' (the key is missing)';
  const text = JSON.stringify(input) ?? typeof input;
  return ` (got ${text.length > 60 ? `${text.slice(0, 57)}...` : text})`;
}

export const scenarioJsonSchema = (): object => ({
  ...z.toJSONSchema(scenarioSchema, { io: 'input' }),
  title: 'Scenario of kafka-trial',
});
