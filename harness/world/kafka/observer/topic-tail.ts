/**
 * Follows all partitions of one topic from their ends on: a link to the cluster enters, every record batch that is
 * written from then on leaves, once and in the order of its partition log, however brokers die and leaders move.
 *
 * The position of a partition is the only state, and it moves only when a batch has been handed over: whatever goes
 * wrong in between, the next attempt asks for the same offset. What the log no longer holds is told as a gap:
 * - deleted: the log start passed the position (DeleteRecords, retention);
 * - compacted: offsets in between are missing. The log cleaner never touches the active segment, and
 *   `__consumer_offsets` begins a new segment after 100 MiB or 7 days (offsets.topic.segment.bytes, segment.ms). A
 *   tail that is seconds behind reads the active segment, so this takes a long stall on a very busy cluster;
 * - truncated: a new leader's log ends before the position (unclean leader election, KIP-101). The leader epoch of
 *   the last record read is checked whenever a partition gets a new leader, as Kafka's own consumer does (KIP-320),
 *   because a log that was truncated and has grown again cannot be told by its length.
 */
import { errorOrNull } from '../../../cluster/protocol/errors.ts';
import { type Broker, type ClusterLink, withRetries } from './cluster-link.ts';
import { backoffMs, type Deadline, DeadlinePassed, sleep } from './deadline.ts';
import { type FetchedPartition, fetchV11 } from './fetch-request.ts';
import { DeadlineExceededError, KafkaRequestError, throwOnError } from './kafka-error.ts';
import { leaderEpochV3 } from './leader-epoch-request.ts';
import { type ListedOffset, listOffsets } from './offsets-request.ts';
import { decodeRecordBatches, type RecordBatch } from './record-batches.ts';

export interface TailGap {
  readonly partition: number;
  readonly reason: 'compacted' | 'deleted' | 'truncated';
  /** The first offset that is missing, or, where truncated, that was read and is not in the log any more. */
  readonly fromOffset: bigint;
  /** The offset after the last such one. */
  readonly toOffset: bigint;
}

export interface TailListener {
  batch(partition: number, batch: RecordBatch): void;
  gap(gap: TailGap): void;
}

/**
 * A long poll: the broker answers as soon as there is a byte, and after this time without one. It bounds the delay of
 * the records for which Kafka 3.9 does not wake waiting fetches: tombstones of deleted offsets and groups.
 */
const MAX_WAIT_MS = 100;
/** A broker that lets a long poll wait for longer than this is paused or gone. */
export const FETCH_TIMEOUT_MS = 4_000;
const PARTITION_BYTES_MAX = 1024 * 1024;
const EPOCH_UNKNOWN = -1;

interface Followed {
  readonly partition: number;
  position: bigint;
  /** Null while it is looked for. */
  leader: Broker | null;
  /** The newest that anyone told us; older metadata is stale. */
  leaderEpoch: number;
  /** Leader epoch of the record before the position. */
  readEpoch: number;
  /** The leader epoch under which the position was found to be in the log. */
  verifiedEpoch: number;
  /** Attempts in vain since the last answer. */
  failures: number;
  lastProblem: string | null;
}

interface Waiter {
  readonly partition: number;
  offset: bigint;
  readonly resolve: () => void;
}

export class TopicTail {
  readonly #topic: string;
  readonly #listener: TailListener;
  readonly #followed: readonly Followed[];
  /** Long polls have connections of their own, so that nothing else waits behind them. */
  readonly #fetchLink: ClusterLink;
  readonly #metadataLink: ClusterLink;
  readonly #stopping = new AbortController();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #supervisor: Promise<void>;
  #waiters: Waiter[] = [];
  #wakeSupervisor: () => void = () => {};

  private constructor(topic: string, link: ClusterLink, followed: Followed[], listener: TailListener) {
    this.#topic = topic;
    this.#listener = listener;
    this.#followed = followed;
    this.#fetchLink = link.fork();
    this.#metadataLink = link.fork();
    this.#supervisor = this.#supervise();
  }

  /** Resolves when the ends of all partitions are known: what is written from then on is delivered. */
  static async start(
    topic: string,
    link: ClusterLink,
    listener: TailListener,
    deadline: Deadline,
  ): Promise<TopicTail> {
    const ends = await partitionEnds(topic, link, deadline);
    const followed = ends.map(({ partition, offset, leaderEpoch }) => ({
      partition,
      position: offset,
      leader: null,
      leaderEpoch: EPOCH_UNKNOWN,
      readEpoch: leaderEpoch,
      verifiedEpoch: EPOCH_UNKNOWN,
      failures: 0,
      lastProblem: null,
    }));
    return new TopicTail(topic, link, followed, listener);
  }

  get partitions(): number {
    return this.#followed.length;
  }

  /**
   * Resolves when everything before the offset has been handed over (or is known to be lost: see the gaps).
   * @throws DeadlineExceededError with the partition's last problem
   */
  async reached(partition: number, offset: bigint, deadline: Deadline): Promise<void> {
    const one = this.#followed.find((followed) => followed.partition === partition);
    if (!one || one.position >= offset) return;
    let waiter: Waiter | undefined;
    const arrival = new Promise<void>((resolve) => {
      waiter = { partition, offset, resolve };
      this.#waiters.push(waiter);
    });
    try {
      await deadline.race(arrival);
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      throw new DeadlineExceededError(
        `following ${this.#topic}-${partition} from ${one.position} to ${offset}`,
        deadline.timeoutMs,
        one.lastProblem === null ? null : new Error(one.lastProblem),
      );
    } finally {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wakeSupervisor();
    this.#fetchLink.close();
    this.#metadataLink.close();
    await Promise.allSettled([this.#supervisor, ...this.#loops.values()]);
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Finds leaders for the partitions that have none, and keeps one loop running for each leader. */
  async #supervise(): Promise<void> {
    while (!this.#stopped) {
      const homeless = this.#followed.filter((one) => one.leader === null);
      if (homeless.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeSupervisor = resolve;
        });
        continue;
      }
      // The freshest loss decides: a partition that has been without a leader for long must not delay the others.
      const failures = Math.min(...homeless.map((one) => one.failures));
      if (failures > 0) await sleep(backoffMs(failures - 1), this.#stopping.signal).catch(() => {});
      if (this.#stopped) return;
      try {
        await this.#findLeaders(homeless);
      } catch (error) {
        for (const one of homeless) this.#release(one, error);
      }
    }
  }

  async #findLeaders(homeless: readonly Followed[]): Promise<void> {
    const metadata = await this.#metadataLink.metadata([this.#topic]);
    const topic = metadata.topics[0];
    throwOnError(`finding the leaders of ${this.#topic}`, topic?.errorCode ?? 0);
    for (const one of homeless) {
      const found = topic?.partitions.find((other) => other.partition === one.partition);
      const leader = metadata.brokers.find((broker) => broker.nodeId === found?.leader);
      // A broker that was paused tells of the past until it has caught up with the controller.
      if (!found || !leader || found.leaderEpoch < one.leaderEpoch) {
        this.#release(one, new KafkaRequestError(`finding the leader`, 'LEADER_NOT_AVAILABLE'));
        continue;
      }
      one.leader = leader;
      one.leaderEpoch = found.leaderEpoch;
      // The loop begins in a later turn: it must find itself registered.
      if (!this.#loops.has(leader.nodeId))
        this.#loops.set(
          leader.nodeId,
          Promise.resolve().then(async () => await this.#follow(leader)),
        );
    }
    if (homeless.some((one) => one.leader === null)) this.#metadataLink.tryAnother();
  }

  #release(one: Followed, problem: unknown): void {
    one.leader = null;
    one.failures++;
    one.lastProblem = problem instanceof Error ? problem.message : String(problem);
    this.#wakeSupervisor();
  }

  /** Fetches from one broker as long as it leads some partition. Only this loop touches those partitions. */
  async #follow(broker: Broker): Promise<void> {
    for (;;) {
      const led = this.#followed.filter((one) => one.leader?.nodeId === broker.nodeId);
      if (led.length === 0 || this.#stopped) {
        this.#loops.delete(broker.nodeId);
        return;
      }
      // A broker that came back may have moved to another address.
      const address = led[0]?.leader as Broker;
      try {
        await this.#verify(address, led);
        await this.#fetch(
          address,
          led.filter((one) => one.leader !== null),
        );
      } catch (error) {
        this.#metadataLink.avoid(address);
        for (const one of led) if (one.leader !== null) this.#release(one, error);
      }
    }
  }

  /** After a change of leader: is what we read still in the log? */
  async #verify(broker: Broker, led: readonly Followed[]): Promise<void> {
    const unverified = led.filter(
      (one) => one.verifiedEpoch !== one.leaderEpoch && one.readEpoch !== EPOCH_UNKNOWN,
    );
    if (unverified.length === 0) return;
    const partitions = unverified.map((one) => ({
      partition: one.partition,
      currentLeaderEpoch: one.leaderEpoch,
      leaderEpoch: one.readEpoch,
    }));
    const ends = await this.#fetchLink.request(broker, leaderEpochV3, [{ topic: this.#topic, partitions }]);
    for (const one of unverified) {
      const result = ends.find((other) => other.partition === one.partition);
      const errorName = result ? errorOrNull(result.errorCode) : 'UNKNOWN_TOPIC_OR_PARTITION';
      if (!result || errorName !== null) {
        this.#release(one, new KafkaRequestError('checking the leader epoch', errorName ?? 'NONE'));
        continue;
      }
      // No end offset: the leader knows nothing of epochs that old, so nothing speaks against our position.
      if (result.endOffset >= 0n && result.endOffset < one.position) {
        const { end } = await this.#range(broker, one);
        this.#restart(one, 'truncated', result.endOffset, result.leaderEpoch, end.offset);
      }
      one.verifiedEpoch = one.leaderEpoch;
    }
  }

  async #fetch(broker: Broker, led: readonly Followed[]): Promise<void> {
    if (led.length === 0) return;
    const partitions = led.map((one) => ({
      partition: one.partition,
      currentLeaderEpoch: one.leaderEpoch,
      fetchOffset: one.position,
    }));
    const answer = await this.#fetchLink.request(
      broker,
      fetchV11,
      [{ topic: this.#topic, partitions, maxWaitMs: MAX_WAIT_MS, partitionMaxBytes: PARTITION_BYTES_MAX }],
      FETCH_TIMEOUT_MS,
    );
    throwOnError(`following ${this.#topic}`, answer.errorCode);
    for (const one of led) {
      try {
        const fetched = answer.partitions.find((other) => other.partition === one.partition);
        if (!fetched) throw new KafkaRequestError(`following ${this.#topic}`, 'UNKNOWN_TOPIC_OR_PARTITION');
        await this.#take(broker, one, fetched);
        one.failures = 0;
        one.lastProblem = null;
      } catch (error) {
        this.#release(one, error);
      }
    }
  }

  async #take(broker: Broker, one: Followed, fetched: FetchedPartition): Promise<void> {
    if (errorOrNull(fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') return await this.#outOfRange(broker, one);
    throwOnError(`following ${this.#topic}-${one.partition}`, fetched.errorCode);
    for (const batch of decodeRecordBatches(fetched.recordBytes)) {
      if (batch.lastOffset < one.position) continue;
      if (batch.baseOffset > one.position) this.#tellGap(one, 'compacted', one.position, batch.baseOffset);
      if (batch.removedRecords > 0) this.#tellGap(one, 'compacted', batch.baseOffset, batch.lastOffset + 1n);
      const { position } = one;
      one.position = batch.lastOffset + 1n;
      one.readEpoch = batch.leaderEpoch;
      this.#listener.batch(one.partition, {
        ...batch,
        records: batch.records.filter((record) => record.offset >= position),
      });
    }
    this.#resolveWaiters();
  }

  async #outOfRange(broker: Broker, one: Followed): Promise<void> {
    const { start, end } = await this.#range(broker, one);
    if (one.position < start.offset) this.#restart(one, 'deleted', start.offset, EPOCH_UNKNOWN, end.offset);
    else if (one.position > end.offset)
      this.#restart(one, 'truncated', end.offset, end.leaderEpoch, end.offset);
    else throw new KafkaRequestError(`following ${this.#topic}-${one.partition}`, 'OFFSET_NOT_AVAILABLE');
  }

  async #range(broker: Broker, one: Followed): Promise<{ start: ListedOffset; end: ListedOffset }> {
    const [start] = await listOffsets(this.#fetchLink, broker, this.#topic, [one], 'start');
    const [end] = await listOffsets(this.#fetchLink, broker, this.#topic, [one], 'end');
    const what = `finding the range of ${this.#topic}-${one.partition}`;
    if (!start || !end) throw new KafkaRequestError(what, 'UNKNOWN_TOPIC_OR_PARTITION');
    throwOnError(what, start.errorCode);
    throwOnError(what, end.errorCode);
    return { start, end };
  }

  /** The log no longer has our position: tells what is lost and goes on where the log does. */
  #restart(
    one: Followed,
    reason: 'deleted' | 'truncated',
    position: bigint,
    readEpoch: number,
    end: bigint,
  ): void {
    if (reason === 'deleted') this.#tellGap(one, reason, one.position, position);
    else this.#tellGap(one, reason, position, one.position);
    one.position = position;
    one.readEpoch = readEpoch;
    // Offsets that someone waits for may have been truncated too; that they are lost has just been told.
    for (const waiter of this.#waiters)
      if (waiter.partition === one.partition && waiter.offset > end) waiter.offset = end;
    this.#resolveWaiters();
  }

  #tellGap(one: Followed, reason: TailGap['reason'], fromOffset: bigint, toOffset: bigint): void {
    this.#listener.gap({ partition: one.partition, reason, fromOffset, toOffset });
  }

  #resolveWaiters(): void {
    const positions = new Map(this.#followed.map((one) => [one.partition, one.position]));
    const done = this.#waiters.filter((waiter) => (positions.get(waiter.partition) ?? 0n) >= waiter.offset);
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const waiter of done) waiter.resolve();
  }
}

/** The end of each partition log, with the leader epoch of its last record. */
export async function partitionEnds(
  topic: string,
  link: ClusterLink,
  deadline: Deadline,
): Promise<{ partition: number; offset: bigint; leaderEpoch: number }[]> {
  const what = `finding the ends of ${topic}`;
  return await withRetries(what, deadline, async () => {
    const metadata = await link.metadata([topic]);
    const found = metadata.topics[0];
    throwOnError(what, found?.errorCode ?? 0);
    if (!found || found.partitions.length === 0)
      throw new KafkaRequestError(what, 'UNKNOWN_TOPIC_OR_PARTITION');
    const perLeader = await Promise.all(
      [...new Set(found.partitions.map((one) => one.leader))].map(async (node) => {
        const leader = metadata.brokers.find((broker) => broker.nodeId === node);
        if (!leader) throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE');
        const partitions = found.partitions.filter((one) => one.leader === node);
        const ends = await listOffsets(link, leader, topic, partitions, 'end');
        for (const end of ends) throwOnError(what, end.errorCode);
        return ends;
      }),
    );
    return perLeader
      .flat()
      .map(({ partition, offset, leaderEpoch }) => ({ partition, offset, leaderEpoch }))
      .sort((a, b) => a.partition - b.partition);
  });
}
