/**
 * Replication between brokers: appends wake a fetcher, and after the replication delay it copies batches from leader to
 * follower, reconciles logs that have parted, and tells the leader how far the follower has got.
 *
 * One fetcher serves one pair of brokers, with all their partitions, as in Kafka. It sleeps on the follower's timers, so
 * a crashed or paused follower falls behind. The leader is told of what a fetch has copied at once, and not, as by
 * Kafka, with the next fetch. The follower learns the high watermark with the next fetch, as in Kafka; but there is one
 * only when there is something new, or when a consumer reads from that follower.
 */
import type { Cancel } from './environment.ts';
import type { Replica } from './replica.ts';

/** `replica.fetch.max.bytes`, per partition. */
const FETCH_BYTES_MAX = 1_048_576;

export interface ReplicationHost {
  /** The broker's replica of a partition; null where it has none or is not up. */
  replica(brokerId: number, topicId: string, partition: number): Replica | null;
  /** Whether bytes can pass from one broker to the other now. */
  isLinked(leaderId: number, followerId: number): boolean;
  /** A timer of the follower's. */
  after(followerId: number, callback: () => void): Cancel;
}

interface Fetcher {
  readonly leaderId: number;
  readonly followerId: number;
  /** Leader's replicas with something new for the follower, in the order in which it came. */
  waiting: Replica[];
  isScheduled: boolean;
}

export class Replication {
  readonly #host: ReplicationHost;
  readonly #fetchers = new Map<number, Map<number, Fetcher>>();

  constructor(host: ReplicationHost) {
    this.#host = host;
  }

  #fetcher(leaderId: number, followerId: number): Fetcher {
    let ofLeader = this.#fetchers.get(leaderId);
    if (ofLeader === undefined) {
      ofLeader = new Map();
      this.#fetchers.set(leaderId, ofLeader);
    }
    let fetcher = ofLeader.get(followerId);
    if (fetcher === undefined) {
      fetcher = { leaderId, followerId, waiting: [], isScheduled: false };
      ofLeader.set(followerId, fetcher);
    }
    return fetcher;
  }

  /** A leader has something new. */
  wake(leader: Replica, leaderId: number): void {
    for (const followerId of leader.state.replicas) {
      if (followerId === leaderId) continue;
      const fetcher = this.#fetcher(leaderId, followerId);
      this.#enqueue(fetcher, leader);
    }
  }

  /** A follower looks for what its leader has. */
  follow(leader: Replica, leaderId: number, followerId: number): void {
    this.#enqueue(this.#fetcher(leaderId, followerId), leader);
  }

  #enqueue(fetcher: Fetcher, leader: Replica): void {
    if (!fetcher.waiting.includes(leader)) fetcher.waiting.push(leader);
    this.#schedule(fetcher);
  }

  /** A broker or a link has come back, or a broker has newer metadata: whatever waits there is tried again. */
  retry(brokerId: number): void {
    for (const ofLeader of this.#fetchers.values())
      for (const fetcher of ofLeader.values())
        if (fetcher.leaderId === brokerId || fetcher.followerId === brokerId) this.#schedule(fetcher);
  }

  /** The broker's process is gone, and its timers with it. */
  stopped(brokerId: number): void {
    for (const ofLeader of this.#fetchers.values())
      for (const fetcher of ofLeader.values()) {
        if (fetcher.followerId === brokerId) fetcher.isScheduled = false;
        if (fetcher.leaderId === brokerId) fetcher.waiting = [];
      }
  }

  #schedule(fetcher: Fetcher): void {
    if (fetcher.isScheduled || fetcher.waiting.length === 0) return;
    if (!this.#host.isLinked(fetcher.leaderId, fetcher.followerId)) return;
    fetcher.isScheduled = true;
    this.#host.after(fetcher.followerId, () => this.#run(fetcher));
  }

  #run(fetcher: Fetcher): void {
    fetcher.isScheduled = false;
    if (!this.#host.isLinked(fetcher.leaderId, fetcher.followerId)) return;
    const { waiting } = fetcher;
    fetcher.waiting = [];
    let hasMore = false;
    for (const leader of waiting) {
      const result = this.#copy(leader, fetcher);
      if (result === 'done') continue;
      if (!fetcher.waiting.includes(leader)) fetcher.waiting.push(leader);
      if (result === 'more') hasMore = true;
    }
    if (hasMore) this.#schedule(fetcher);
  }

  /** @returns `later` where metadata has not yet reached both sides; `retry` then comes with it */
  #copy(leader: Replica, { leaderId, followerId }: Fetcher): 'done' | 'more' | 'later' {
    if (!leader.isLeader || !leader.state.replicas.includes(followerId)) return 'done';
    const follower = this.#host.replica(followerId, leader.topic.id, leader.partition);
    if (follower === null || follower.state.leader !== leaderId) return 'later';
    if (follower.leaderEpoch !== leader.leaderEpoch) return 'later';
    if (follower.reconciledEpoch !== leader.leaderEpoch) {
      reconcile(leader, follower);
      follower.reconciledEpoch = leader.leaderEpoch;
    }
    const known = leader.log.highWatermark;
    const batches = leader.log.replicaBatches(follower.log.logEndOffset, FETCH_BYTES_MAX);
    const [first] = batches;
    // A log that begins anew inside a batch takes the whole of it (Kafka's UnexpectedAppendOffsetException).
    if (first !== undefined && first.baseOffset < follower.log.logEndOffset && follower.log.isEmpty)
      follower.log.restartAt(first.baseOffset);
    for (const batch of batches) follower.log.appendReplica(batch);
    if (follower.log.logEndOffset < leader.log.logStartOffset)
      follower.log.restartAt(leader.log.logStartOffset);
    follower.log.advanceLogStart(leader.log.logStartOffset);
    follower.followHighWatermark(known);
    leader.followerFetched(followerId, follower.log.logEndOffset);
    return follower.log.logEndOffset < leader.log.logEndOffset ? 'more' : 'done';
  }
}

/**
 * Cuts off what the follower has and the leader has not (KIP-101, KIP-279): step by step down the follower's epochs
 * until one ends in both logs at the same offset.
 */
function reconcile(leader: Replica, follower: Replica): void {
  const { log } = follower;
  for (let epoch = log.epochs.latest; epoch >= 0 && log.logEndOffset > log.logStartOffset; ) {
    const atLeader = leader.log.endOfEpoch(epoch);
    if (atLeader === null) break;
    const ownEnd = log.endOfEpoch(atLeader.epoch)?.endOffset ?? log.logEndOffset;
    log.truncateTo(Math.min(atLeader.endOffset, ownEnd));
    if (atLeader.epoch === epoch || log.epochs.latest === epoch) break;
    epoch = log.epochs.latest;
  }
  log.truncateTo(leader.log.logEndOffset);
  if (log.logEndOffset < leader.log.logStartOffset) log.restartAt(leader.log.logStartOffset);
}
