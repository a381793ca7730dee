/**
 * The History, schema version 1: what happened in one run, one event per JSON line; worlds and clients write events,
 * checkers and renderers read them, and nothing else passes between the two.
 *
 * Three sources, kept apart by their kinds and never mixed:
 * - claims: what a client or application says of itself (`client-*`, `application-commit*`);
 * - wire: what left and reached the member's sockets (`wire-*`, `commit-invoke|ok|fail|unknown`);
 * - evidence: what the group coordinator and the partition logs hold (`group-*`, `commit-accepted|removed|rejected`,
 *   `fact-*`).
 *
 * Offsets are decimal strings, since Kafka's are 64 bits wide. `time` is in milliseconds since scenario time 0, with
 * a fraction where the source has one; coordinator events carry the coordinator's own time stamp, in whole
 * milliseconds, so order among them comes from `logPosition`, never from `time`.
 */
import { z } from 'zod';
import { scenarioSchema } from '../../scenarios/schema.ts';

const offset = z.string().regex(/^-?\d+$/, 'a decimal integer in a string');
const partition = z.int().min(0);
const topicPartitions = z.strictObject({ topic: z.string(), partitions: z.array(partition) });
/** What a member owns: topics in order of name, partitions ascending. */
const assignment = z.array(topicPartitions);
const topicPartitionOffset = z.strictObject({ topic: z.string(), partition, offset });
/** Kafka's error name, such as ILLEGAL_GENERATION, or null for success. */
const errorName = z.string().nullable();

const applicationCall = z.enum(['seek', 'pause', 'resume', 'stop', 'run', 'commit', 'position', 'committed']);

const common = {
  /** Milliseconds since scenario time 0. */
  time: z.number(),
  /** Position in the history, from 0; ties in `time` keep the order in which the recorder saw them. */
  seq: z.int().min(0),
  /** Process id (`member.incarnation`, such as `m1.2`), or `harness`, `coordinator`, `cluster`. */
  process: z.string(),
};

const event = <K extends string, S extends z.core.$ZodLooseShape>(kind: K, shape: S) =>
  z.strictObject({ ...common, kind: z.literal(kind), ...shape });

/** Where the coordinator wrote a record: partition and offset of `__consumer_offsets`. */
const logPosition = z.strictObject({ partition, offset });

const groupMember = z.strictObject({
  memberId: z.string(),
  /** The member's client id, which every adapter sets to its process id, or to that of the process that members share. */
  clientId: z.string(),
  /** Which process it is, where its client id is not its own. */
  process: z.string().optional(),
  groupInstanceId: z.string().nullable(),
  subscription: z.array(z.string()),
  assignment,
});

export const historyEventSchema = z.discriminatedUnion('kind', [
  /** First event of every history. */
  event('start', {
    schema: z.literal(1),
    scenario: scenarioSchema,
    world: z.enum(['kafka', 'simulated']),
    client: z.strictObject({ name: z.string(), version: z.string() }),
    /** A client or application broken on purpose, or null. */
    mutant: z.string().nullable(),
    /** Where the members run an application of the user's, of which only what it is handed and asks for can be seen. */
    application: z.literal(true).optional(),
    versions: z.record(z.string(), z.string()),
  }),
  /** Last event. `incomplete` names what evidence is missing; where it is not empty the verdict is at best unknown. */
  event('finish', { incomplete: z.array(z.string()) }),

  event('process-start', {
    role: z.enum(['member', 'producer']),
    /** The id of the member or producer in the scenario. */
    id: z.string(),
    group: z.string().nullable(),
    incarnation: z.int().min(1),
    /** The process of the machine that it runs in together with others, such as `shop.1`; left out where it is alone. */
    sharedProcess: z.string().optional(),
  }),
  event('process-exit', { code: z.int().nullable(), signal: z.string().nullable() }),
  /**
   * Its code runs on and on within one turn of its event loop, so that it never again reads a byte or hears a timer.
   * Only the simulated world can tell that from a process that is busy.
   */
  event('process-frozen', {}),
  /** One action of the scenario: its index there, and what became of it. A fault with a duration begins and ends. */
  event('action', {
    action: z.int().min(0),
    actionKind: z.string(),
    phase: z.enum(['begin', 'end']),
    outcome: z.enum(['applied', 'skipped']),
    /** Why it was skipped, or null. */
    reason: z.string().nullable(),
    /** What run-time values the action came down to, such as the offset of delete-records. */
    detail: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
  /** These were killed and stay dead: what follows is up to the others. */
  event('core', { deadMembers: z.array(z.string()), deadBrokers: z.array(z.int().min(1)) }),
  /** All faults are over and all producers are done: from here on the group has to converge. */
  event('heal', {}),
  /** The end of settling; `undrained` has one sentence for each thing that was not there yet at the bound. */
  event('settled', { undrained: z.array(z.string()) }),

  // Claims: what the client says of itself.
  event('client-joined', {
    group: z.string(),
    memberId: z.string(),
    leader: z.boolean(),
    protocol: z.string(),
    assignment,
  }),
  /** It has taken these partitions by hand: no group gives them to it, or takes them away. */
  event('client-assigned', { group: z.string(), assignment }),
  event('client-rebalancing', { group: z.string(), memberId: z.string() }),
  event('client-crashed', { group: z.string(), error: z.string(), restart: z.boolean() }),
  event('client-stopped', { group: z.string() }),
  /** An error that reached the application from a call, such as connect, subscribe or disconnect. */
  event('application-error', { call: z.string(), error: z.string() }),

  /** A call of the consumer's API that an action of the scenario asks for, before it is made. */
  event('application-call', {
    group: z.string(),
    action: z.int().min(0),
    call: applicationCall,
    topic: z.string().nullable(),
    /** Null for all of the topic, and for a call that is not about partitions. */
    partitions: z.array(partition).nullable(),
    /** Where a seek goes to. */
    offset: offset.nullable(),
  }),
  event('application-call-end', {
    group: z.string(),
    action: z.int().min(0),
    call: applicationCall,
    outcome: z.enum(['applied', 'skipped']),
    /** Why the client did not do it, or null. */
    reason: z.string().nullable(),
    /** Of a call that asks for an offset: the answer, or null where the group has committed none. */
    answer: offset.nullable().optional(),
  }),

  // What the application was given and did.
  /** One handler call: the records that the client handed over, in order. */
  event('delivery', {
    group: z.string(),
    topic: z.string(),
    partition,
    offsets: z.array(offset).min(1),
    /**
     * How long ago, by the member's own clock, the poll returned that the records came from, where the client has polls:
     * the application had them in its hand from then on.
     */
    sincePollMs: z.number().min(0).optional(),
  }),
  event('processing-begin', {
    group: z.string(),
    topic: z.string(),
    partition,
    offset,
    /** Record id, taken from the value; null for a record that no producer of the scenario wrote. */
    record: z.string().nullable(),
  }),
  event('processing-end', {
    group: z.string(),
    topic: z.string(),
    partition,
    offset,
    outcome: z.enum(['ok', 'failed']),
  }),
  /** Without an `application-commit-end` the application never learnt of the outcome, or did not ask; the wire may tell. */
  event('application-commit', {
    group: z.string(),
    /** Number of the call within its process. */
    call: z.int().min(0),
    awaited: z.boolean(),
    offsets: z.array(topicPartitionOffset),
  }),
  event('application-commit-end', {
    group: z.string(),
    call: z.int().min(0),
    outcome: z.enum(['ok', 'failed', 'unknown']),
    error: z.string().nullable(),
  }),

  // Wire: requests of the member before they leave, answers as they arrive.
  event('wire-join', {
    group: z.string(),
    memberId: z.string(),
    generation: z.int(),
    leaderMemberId: z.string(),
    error: errorName,
  }),
  event('wire-sync', {
    group: z.string(),
    memberId: z.string(),
    generation: z.int(),
    assignment,
    error: errorName,
  }),
  /** Heartbeats are recorded only where the answer is an error. */
  event('wire-heartbeat', {
    group: z.string(),
    memberId: z.string(),
    generation: z.int(),
    error: z.string(),
  }),
  event('wire-leave', { group: z.string(), memberIds: z.array(z.string()) }),
  /** OffsetFetch answer; an offset of null means that the coordinator has none. */
  event('wire-offset-fetch', {
    group: z.string(),
    offsets: z.array(z.strictObject({ topic: z.string(), partition, offset: offset.nullable() })),
    error: errorName,
  }),
  /** ListOffsets answer, one event per partition. */
  event('wire-list-offsets', {
    topic: z.string(),
    partition,
    /** 'earliest' (-2), 'latest' (-1), or the time stamp asked for. */
    at: z.string(),
    offset: offset.nullable(),
    error: errorName,
  }),
  /** A partition's error in a Fetch answer, with the offset that was asked for. */
  event('wire-fetch-error', {
    topic: z.string(),
    partition,
    offset,
    /** The leader's epoch that the request was meant for (KIP-320), where it said one. */
    leaderEpoch: z.int().min(0).optional(),
    error: z.string(),
  }),
  /** A Fetch answer that names a follower to read the partition from (KIP-392). */
  event('wire-read-replica', { topic: z.string(), partition, broker: z.int().min(1) }),
  /**
   * An answer that tells the client to send nothing more on that connection for so long, for the sake of a quota (KIP-219). An
   * older version of the API does not tell it so, and the broker does not read the connection meanwhile.
   */
  event('wire-throttle', {
    /** Kafka's name of the API. */
    api: z.string(),
    throttleTimeMs: z.int().min(1),
  }),
  /** An OffsetCommit request, written before its first byte leaves. */
  event('commit-invoke', {
    group: z.string(),
    /** Number of the commit within its process. */
    commit: z.int().min(0),
    memberId: z.string(),
    /** -1 where the client commits outside group management. */
    generation: z.int(),
    offsets: z.array(topicPartitionOffset),
    /** A TxnOffsetCommit: its answer says that it was written, and the end of the transaction whether it counts. */
    transactional: z.literal(true).optional(),
  }),
  event('commit-ok', { group: z.string(), commit: z.int().min(0) }),
  /** The coordinator refused these partitions; the commit's other partitions were accepted. */
  event('commit-fail', {
    group: z.string(),
    commit: z.int().min(0),
    errors: z.array(z.strictObject({ topic: z.string(), partition, error: z.string() })),
  }),
  /** No answer will come: the connection ended. A commit with no outcome event at all is unknown too. */
  event('commit-unknown', { group: z.string(), commit: z.int().min(0), reason: z.string() }),

  // Producers. A produce-invoke without an outcome event is unknown.
  event('produce-invoke', {
    /** Number of the send call within its process. */
    produce: z.int().min(0),
    /** Number of the transaction within its process, for a send in one. */
    transaction: z.int().min(0).optional(),
    topic: z.string(),
    acks: z.union([z.literal(0), z.literal(1), z.literal('all')]),
    records: z.array(z.strictObject({ record: z.string(), key: z.string().nullable() })),
  }),
  /** What the send call answered: the offset of the first record per partition; with acks 0 empty or -1. */
  event('produce-ok', {
    produce: z.int().min(0),
    answers: z.array(z.strictObject({ partition, baseOffset: offset })),
  }),
  /** The broker refused the records: they are not in the log. */
  event('produce-fail', { produce: z.int().min(0), error: z.string() }),
  /** The call failed without saying whether the records were written. */
  event('produce-unknown', { produce: z.int().min(0), error: z.string() }),
  /** A call of a transactional producer; a transaction is named by its number within its process, from 0. */
  event('transaction', { transaction: z.int().min(0), call: z.enum(['begin', 'commit', 'abort']) }),
  /** What the call that ends a transaction answered. Without it nobody knows how it ended. */
  event('transaction-end', {
    transaction: z.int().min(0),
    ending: z.enum(['commit', 'abort']),
    outcome: z.enum(['ok', 'failed', 'unknown']),
    error: z.string().nullable(),
    /** The error over which a pipeline aborted it; left out where it wanted to, and of other producers, whose sends say it. */
    because: z.string().optional(),
  }),
  event('producer-close', { phase: z.enum(['begin', 'end']), error: z.string().nullable() }),

  // Evidence of the group coordinator, in its own order.
  /** A generation as the coordinator wrote it: stable with assignments, or empty. */
  event('group-generation', {
    group: z.string(),
    generation: z.int(),
    state: z.enum(['stable', 'empty']),
    protocol: z.string().nullable(),
    leaderMemberId: z.string().nullable(),
    members: z.array(groupMember),
    logPosition,
  }),
  event('group-removed', { group: z.string(), logPosition }),
  event('commit-accepted', {
    group: z.string(),
    topic: z.string(),
    partition,
    offset,
    metadata: z.string(),
    logPosition,
    /** Of a commit in a transaction: the offset of the marker, in the same partition, with which it came into force. */
    transactionEnd: offset.optional(),
  }),
  /** The committed offset is gone: deleted, expired, or its topic was deleted. */
  event('commit-removed', { group: z.string(), topic: z.string(), partition, logPosition }),
  /** The coordinator refused to commit this partition's offset. Only the simulated world can see it. */
  event('commit-rejected', {
    group: z.string(),
    topic: z.string(),
    partition,
    offset,
    error: z.string(),
    memberId: z.string(),
    /** As the request says it; -1 where the client commits outside group management. */
    generation: z.int(),
  }),

  /**
   * No replica in sync was left, and one that was behind became leader: what it had not got is lost. Only the simulated
   * world can see it.
   */
  event('unclean-election', { topic: z.string(), partition, broker: z.int().min(1) }),
  /** A broker answered a request with the error that an action asks for. Only the simulated world can do that. */
  event('error-answered', {
    action: z.int().min(0),
    api: z.string(),
    error: z.string(),
    broker: z.int().min(1),
    /** The client id of whoever asked; empty where it gave none. */
    client: z.string(),
  }),

  // Evidence at the end, after all processes have ended (the group's description: before they are told to).
  /** All records that the partition log holds, read independently of the client on trial. */
  event('fact-log', {
    topic: z.string(),
    partition,
    logStartOffset: offset,
    logEndOffset: offset,
    records: z.array(
      z.strictObject({
        offset,
        record: z.string().nullable(),
        /** Only of a record that was written in a transaction: how that ended, by the marker that follows it. */
        transaction: z
          .strictObject({
            state: z.enum(['committed', 'aborted', 'open']),
            /** Scenario time of the marker, by the clock of the partition's leader; null while it is open. */
            endedAt: z.number().nullable(),
          })
          .optional(),
      }),
    ),
  }),
  event('fact-committed', { group: z.string(), topic: z.string(), partition, offset: offset.nullable() }),
  event('fact-group', { group: z.string(), state: z.string(), members: z.array(groupMember) }),
]);

export type HistoryEvent = z.infer<typeof historyEventSchema>;
export type EventKind = HistoryEvent['kind'];
export type EventOf<K extends EventKind> = Extract<HistoryEvent, { kind: K }>;
export type Assignment = EventOf<'wire-sync'>['assignment'];
export type GroupMember = EventOf<'fact-group'>['members'][number];
export type TopicPartitionOffset = z.infer<typeof topicPartitionOffset>;

/** An event before the recorder has given it its place. */
export type UnplacedEvent = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'seq'>
    : never
  : never;

/** A whole history: its first event is `start` and its last is `finish`. */
export interface History {
  readonly start: EventOf<'start'>;
  readonly events: readonly HistoryEvent[];
}

/**
 * The tail records that the harness itself writes into every partition during settling, so that "the group has
 * drained this partition" is a fact about a record and not a guess about silence.
 */
export const MARKER_PREFIX = 'marker-';
