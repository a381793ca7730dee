/** How long a group may take to drain once the faults are over: a scenario's groups enter, a bound in ms leaves. */
import {
  type Action,
  type Group,
  isOutage,
  type LinkConditions,
  type Producer,
  type Scenario,
} from './schema.ts';

/**
 * What a client may legally spend on getting back after a broker, or the link to it, was gone. kafkajs retries five times from 300 ms,
 * doubling each time with 20 % jitter, then restarts its consumer and may go round once more; the Java client's
 * `request.timeout.ms` and reconnect backoff stay below that.
 */
const BROKER_RECOVERY_MS = 45_000;
/** Process start, first connection and group join on a machine that runs several scenarios at once. */
const START_MS = 10_000;
/** JoinGroup twice, SyncGroup, and the initial rebalance delay where the group had become empty. */
const REJOIN_MS = 1_000;
/** That it leaves, asks twice to join, takes its assignment, and reads its offsets and the first records. */
const REJOIN_REQUESTS = 6;
/**
 * `transaction.timeout.ms`, and how soon the coordinator looks for what has run out: a producer that died in a transaction
 * holds up readers with read_committed for so long (KIP-98).
 */
const OPEN_TRANSACTION_MS = 60_000 + 10_000;
/** Until a client tries a record again that its handler failed at. */
const RETRY_MS = 1_000;
/** Request and answer in one machine room, with what the broker needs to replicate a commit. */
const LAN_ROUND_TRIP_MS = 5;

/**
 * What it costs that a member takes more records from one poll than it can work on in max.poll.interval.ms: after each
 * such interval it leaves, and joins again when the others have had as long to notice. A commit for each record is part of
 * the work.
 */
function overrunMs(
  { maxPollRecords, maxPollIntervalMs, rebalanceTimeoutMs, handler, commitMode }: Group,
  backlogMs: number,
  roundTripMs: number,
): number {
  const intervalMs = maxPollIntervalMs ?? rebalanceTimeoutMs;
  const eachMs = handler.timeMs.max + (commitMode.kind === 'per-record' ? roundTripMs : 0);
  if (maxPollRecords === undefined || maxPollRecords * eachMs <= intervalMs) return 0;
  const rejoinMs = REJOIN_MS + REJOIN_REQUESTS * roundTripMs;
  return Math.ceil(backlogMs / intervalMs) * (intervalMs + rejoinMs);
}

/**
 * What each transaction of a pipeline may take before the next one: until the markers of the last are written the
 * coordinator answers CONCURRENT_TRANSACTIONS, which kafkajs tries again after 300 ms, give or take 20 %.
 */
const NEXT_TRANSACTION_MS = 360;
/** Requests of one transaction, one after the other: partitions, records, offsets and the end. */
const TRANSACTION_REQUESTS = 8;

/** A pipeline may have a transaction for each record, one after the other, and works again on those that it aborts. */
function transactionsMs({ commitMode }: Group, records: number, roundTripMs: number): number {
  if (commitMode.kind !== 'transaction') return 0;
  const aborted = commitMode.abortEvery === null ? 0 : Math.ceil(records / (commitMode.abortEvery - 1));
  const eachMs = NEXT_TRANSACTION_MS + TRANSACTION_REQUESTS * roundTripMs;
  return (records + aborted) * eachMs + aborted * RETRY_MS;
}

/** How long what is processed may wait to be committed. */
export const autoCommitMs = ({ commitMode }: Pick<Group, 'commitMode'>): number =>
  commitMode.kind === 'auto' ? (commitMode.intervalMs ?? 0) : 0;

/** How often the handler may fail, over all records. */
const failuresOf = (
  { handler: { failuresPerThousand, failuresPerRecord } }: Group,
  records: number,
): number => Math.ceil((records * failuresPerThousand * failuresPerRecord) / 1_000);

/**
 * About how many records have to be worked on once more, since the handler failed: a batch counts as a whole or not at all, on
 * average half of it is done by then, and it has as many records as can be worked on within half of the poll interval.
 */
function repeatedOf(group: Group, records: number): number {
  const { consumeMode, maxPollRecords, maxPollIntervalMs, rebalanceTimeoutMs, handler } = group;
  const intervalMs = maxPollIntervalMs ?? rebalanceTimeoutMs;
  const inBatch = maxPollRecords ?? Math.floor(intervalMs / 2 / Math.max(1, handler.timeMs.max));
  const each = consumeMode === 'each-batch' ? Math.max(1, Math.min(records, inBatch) / 2) : 1;
  return Math.ceil(failuresOf(group, records) * each);
}

const roundTripMsOf = (network?: LinkConditions): number =>
  LAN_ROUND_TRIP_MS + 2 * (network?.latencyMs.max ?? 0);

/** How long one member of the group may take for so many records, all by itself, with a commit for each. */
export const workMs = (group: Group, records: number, network?: LinkConditions): number =>
  (records + repeatedOf(group, records)) * (group.handler.timeMs.max + roundTripMsOf(network)) +
  transactionsMs(group, records, roundTripMsOf(network));

/** How long the work on one record may take, with the requests of its transaction: what a poll interval has to hold. */
export const recordMs = ({ handler, commitMode }: Group, network?: LinkConditions): number =>
  handler.timeMs.max +
  roundTripMsOf(network) * (commitMode.kind === 'transaction' ? 1 + TRANSACTION_REQUESTS : 1);

/** What a record takes in a batch beside its value. */
const RECORD_OVERHEAD_BYTES = 100;

type Load = Pick<Scenario, 'producers'>;

/** About what all records take together. */
export const bytesOf = ({ producers }: Load): number =>
  producers.reduce((sum, { records, valueBytes }) => sum + records * (valueBytes + RECORD_OVERHEAD_BYTES), 0);

/** `batch.size` where a producer does not say it. */
const BATCH_BYTES = 16_384;

/** What one batch takes at most: of one call's records, or of those that a client gathers. */
export const largestBatchBytes = ({ producers }: Load): number =>
  Math.max(
    RECORD_OVERHEAD_BYTES,
    ...producers.map(({ records, recordsPerSend, valueBytes, batchBytes }) => {
      const recordBytes = valueBytes + RECORD_OVERHEAD_BYTES;
      const gathered = Math.max(recordsPerSend * recordBytes, batchBytes ?? BATCH_BYTES);
      return Math.min(records * recordBytes, gathered);
    }),
  );

type Throttle = Extract<Action, { kind: 'throttle-client' }>;

/** No request costs more of `request_percentage` than this. */
const REQUEST_THROTTLE_MS = 1_000;
/** A quota is measured over so long: what is allowed at once is as much as comes in that time. */
export const QUOTA_WINDOW_MS = 10_000;
/** The eleventh window, and how long a broker takes to hear of a change. */
const QUOTA_SLACK_MS = 2_000;

/**
 * How long a client may still have to wait when a quota is taken away, which ends no wait that has begun (KIP-219). An answer to a
 * consumer has in it what is allowed at once, or one batch that is larger; a pipeline's producer may have gathered everything. Once
 * there has been a quota, brokers go on counting without one, and what was read meanwhile, after a rebalance once more, counts for
 * the next (ClientQuotaManager).
 */
export function throttleMs(
  { groups, producers, actions }: Pick<Scenario, 'groups' | 'producers' | 'actions'>,
  { quotas, atMs }: Throttle,
): number {
  const isCounted = actions.some(
    (one) =>
      one.kind === 'throttle-client' && one.quotas.consumerBytesPerSecond !== undefined && one.atMs < atMs,
  );
  const readBytes = isCounted ? 2 * bytesOf({ producers }) : largestBatchBytes({ producers });
  const { consumerBytesPerSecond, producerBytesPerSecond, requestPercent } = quotas;
  const hasPipelines = groups.some(({ commitMode }) => commitMode.kind === 'transaction');
  const secondsMs = (bytes: number, perSecond: number): number => Math.ceil((bytes / perSecond) * 1_000);
  const readMs =
    consumerBytesPerSecond === undefined
      ? 0
      : Math.max(QUOTA_WINDOW_MS, secondsMs(readBytes, consumerBytesPerSecond));
  const writeMs =
    producerBytesPerSecond === undefined || !hasPipelines
      ? 0
      : secondsMs(bytesOf({ producers }), producerBytesPerSecond);
  return Math.max(readMs, writeMs, requestPercent === undefined ? 0 : REQUEST_THROTTLE_MS) + QUOTA_SLACK_MS;
}

/**
 * Where each partition brings a few records at a time, any answer may have to wait for fetch.max.wait.ms: because there is less
 * than fetch.min.bytes, or because a client that asks for no more of what it has in hand already (as Java's does) asks the
 * broker for the other partitions, in which there is nothing, and has one request under way at a time. What an application
 * leaves of a poll it gets again only after the request that is under way for what is behind it.
 */
function starvedMs(
  { maxPartitionFetchBytes, fetchMaxWaitMs, maxPollRecords, resolvesPartially }: Group,
  records: number,
  valueBytes: number,
): number {
  const inAnswer = Math.floor(maxPartitionFetchBytes / (valueBytes + RECORD_OVERHEAD_BYTES));
  const ofPoll =
    resolvesPartially === true && maxPollRecords !== undefined ? Math.ceil(maxPollRecords / 2) : inAnswer;
  return Math.ceil(records / Math.max(1, Math.min(inAnswer, ofPoll))) * fetchMaxWaitMs;
}

/** Records that the harness writes itself: one into each partition that the group reads, those that are added among them. */
function markersOf({ topics }: Group, topology: Scenario['topology'], actions: readonly Action[]): number {
  const added = (topic: string): number[] =>
    actions.flatMap((action) =>
      action.kind === 'add-partitions' && action.topic === topic ? [action.partitions] : [],
    );
  return topology.topics
    .filter(({ name }) => topics.includes(name))
    .reduce((sum, { name, partitions }) => sum + Math.max(partitions, ...added(name)), 0);
}

/**
 * The settling bound that a configuration justifies, as the sum of the longest waits that it allows one after the
 * other: a dead member is noticed (session timeout), the others are called back (rebalance timeout), both once more
 * where a member dies during the rebalance, new partitions are noticed (metadata age), and the backlog, with a marker in
 * each partition, is worked off and committed.
 * @returns milliseconds
 */
export function settlingBoundMs(
  { topology, groups, producers, actions }: Pick<Scenario, 'topology' | 'groups' | 'producers' | 'actions'>,
  dead?: Scenario['settling']['dead'],
): number {
  const roundTripMs = roundTripMsOf(topology.network);
  const sourcesOf = (group: Group): readonly Producer[] =>
    producers.filter(({ topics }) => topics.some((topic) => group.topics.includes(topic)));
  const producedFor = (group: Group): number =>
    sourcesOf(group).reduce((sum, producer) => sum + producer.records, 0) +
    markersOf(group, topology, actions);
  const perGroup = groups.map((group) => {
    const sources = sourcesOf(group);
    // What a pipeline makes of its records is read by whoever reads its output.
    const pipelines = groups.filter(
      ({ commitMode }) => commitMode.kind === 'transaction' && group.topics.includes(commitMode.topic),
    );
    const records = [group, ...pipelines].reduce((sum, one) => sum + producedFor(one), 0);
    const valueBytesMax = sources.reduce((most, { valueBytes }) => Math.max(most, valueBytes), 0);
    // One member may have to work off everything alone, twice over where a crash makes records come again, and with
    // a commit's round trip for each.
    const backlogMs = (2 * records + repeatedOf(group, records)) * (group.handler.timeMs.max + roundTripMs);
    const metadataMs = actions.some((action) => action.kind === 'add-partitions')
      ? group.metadataMaxAgeMs * 2
      : 0;
    return (
      overrunMs(group, backlogMs, roundTripMs) +
      2 * starvedMs(group, records, valueBytesMax) +
      2 * (group.sessionTimeoutMs + group.rebalanceTimeoutMs + (group.maxPollIntervalMs ?? 0)) +
      backlogMs +
      transactionsMs(group, records, roundTripMs) +
      // The record comes again with the first fetch after that; one that is under way may have to be over before.
      failuresOf(group, records) * (RETRY_MS + group.fetchMaxWaitMs) +
      metadataMs +
      autoCommitMs(group) +
      group.fetchMaxWaitMs
    );
  });
  const throttledMs = actions.map((action) =>
    action.kind === 'throttle-client' ? throttleMs({ groups, producers, actions }, action) : 0,
  );
  const awayFromBroker = actions.some(isOutage) || (dead?.brokers.length ?? 0) > 0;
  const producerHoldsUp =
    producers.some(({ transactions }) => transactions !== undefined) &&
    (awayFromBroker || actions.some(({ kind }) => kind === 'crash-producer'));
  // A pipeline's member may end, or be cut off, within a transaction at any time.
  const holdsUp = producerHoldsUp || groups.some(({ commitMode }) => commitMode.kind === 'transaction');
  return Math.ceil(
    START_MS +
      Math.max(...perGroup) +
      Math.max(0, ...throttledMs) +
      (awayFromBroker ? BROKER_RECOVERY_MS : 0) +
      (holdsUp ? OPEN_TRANSACTION_MS : 0),
  );
}
