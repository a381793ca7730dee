/**
 * One broker's replica of one partition: its log, its role, and as leader what it knows of its followers. Metadata and
 * appends enter; the high watermark, proposals for the in-sync set and the completion of waiting requests leave.
 */
import type { Cancel } from './environment.ts';
import type { AppendResult, PartitionLog } from './log/partition-log.ts';
import type { PartitionState, TopicState } from './metadata-image.ts';
import { errorCode } from './protocol/errors.ts';

const NONE = errorCode('NONE');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = errorCode('NOT_ENOUGH_REPLICAS_AFTER_APPEND');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const REQUEST_TIMED_OUT = errorCode('REQUEST_TIMED_OUT');

/** What a leader knows of one follower. */
interface FollowerState {
  logEndOffset: number;
  /** The leader's log end offset at the follower's last fetch. */
  leaderEndAtFetch: number;
  lastFetchMs: number;
  /** The last time at which the follower had all that the leader then had. */
  caughtUpMs: number;
  isKnown: boolean;
}

/** An append that waits until the in-sync replicas have it. */
interface ReplicationWaiter {
  readonly endOffset: number;
  readonly done: (error: number) => void;
  cancel: Cancel | null;
  isDone: boolean;
}

/** A fetch that waits for more bytes or for a change of role. */
export interface FetchWaiter {
  /** @param changed whether the replica's role has changed, which ends the wait at once */
  check(changed: boolean): void;
}

/** What a replica asks of its broker. */
export interface ReplicaHost {
  readonly brokerId: number;
  nowMs(): number;
  /** A time-out that hardly ever comes. */
  deadline(delayMs: number, callback: () => void): Cancel;
  /** There is something new for the followers. */
  replicate(replica: Replica): void;
  /** There is a newer high watermark for this follower. */
  replicateTo(replica: Replica, followerId: number): void;
  /** A consumer reads from this follower, so it has to keep up with the high watermark. */
  followerRead(replica: Replica): void;
  /** Whether a broker may be in an in-sync set, as far as this broker knows. */
  isEligible(brokerId: number): boolean;
  proposeIsr(replica: Replica, isr: readonly number[]): void;
}

export class Replica {
  readonly log: PartitionLog;
  readonly partition: number;
  readonly #host: ReplicaHost;
  #topic: TopicState;
  #state: PartitionState;
  /** Where the epoch of this leader begins; consumers may not look behind it too early (KIP-207). */
  #epochStartOffset = 0;
  readonly #followers = new Map<number, FollowerState>();
  /** The in-sync set that was asked for and is not yet confirmed. */
  #proposed: readonly number[] | null = null;
  #waiters: ReplicationWaiter[] = [];
  #fetches: FetchWaiter[] = [];
  /** As leader: followers from which consumers read. */
  readonly #readFollowers = new Set<number>();
  /** Whether the partition no longer exists. */
  isGone = false;
  /** As follower: whether the log has been compared with this leader's. */
  reconciledEpoch = -1;

  constructor(host: ReplicaHost, topic: TopicState, state: PartitionState, log: PartitionLog) {
    this.#host = host;
    this.#topic = topic;
    this.#state = state;
    this.log = log;
    this.partition = state.partition;
  }

  get topic(): TopicState {
    return this.#topic;
  }

  get state(): PartitionState {
    return this.#state;
  }

  get isLeader(): boolean {
    return this.#state.leader === this.#host.brokerId;
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch;
  }

  get epochStartOffset(): number {
    return this.#epochStartOffset;
  }

  /** Takes over what a newer image says. @returns what became of its leadership */
  apply(topic: TopicState, state: PartitionState): 'elected' | 'resigned' | 'unchanged' {
    const wasLeader = this.isLeader;
    const isNewEpoch = state.leaderEpoch !== this.#state.leaderEpoch;
    const isChanged = state !== this.#state;
    this.#topic = topic;
    this.#state = state;
    if (!isChanged) return 'unchanged';
    if (this.isLeader && (!wasLeader || isNewEpoch)) {
      if (wasLeader) this.#endLeadership(NOT_LEADER);
      this.lead();
      return 'elected';
    }
    if (this.isLeader) {
      this.#proposed = null;
      this.#advance();
      this.considerAllExpanding();
      return 'unchanged';
    }
    if (wasLeader) this.#endLeadership(NOT_LEADER);
    if (isNewEpoch) this.#wakeFetches(true);
    return wasLeader ? 'resigned' : 'unchanged';
  }

  /** Begins this leader epoch. */
  lead(): void {
    const nowMs = this.#host.nowMs();
    this.#epochStartOffset = this.log.logEndOffset;
    this.#proposed = null;
    this.#followers.clear();
    for (const id of this.#state.replicas)
      if (id !== this.#host.brokerId)
        this.#followers.set(id, {
          logEndOffset: -1,
          leaderEndAtFetch: -1,
          lastFetchMs: -1,
          caughtUpMs: this.#state.isr.includes(id) ? nowMs : 0,
          isKnown: false,
        });
    this.log.epochs.assign(this.leaderEpoch, this.log.logEndOffset);
    this.#advance();
    this.#host.replicate(this);
    this.#wakeFetches(true);
  }

  #endLeadership(error: number): void {
    this.#followers.clear();
    this.#readFollowers.clear();
    this.#proposed = null;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) this.#finish(waiter, error);
    this.#wakeFetches(true);
  }

  /** The topic is gone. */
  close(): void {
    this.isGone = true;
    this.#endLeadership(UNKNOWN_TOPIC_OR_PARTITION);
  }

  /** The broker has crashed: requests that waited here have nobody left to be answered. */
  forget(): void {
    for (const waiter of this.#waiters) {
      waiter.isDone = true;
      waiter.cancel?.();
    }
    this.#waiters = [];
    this.#fetches = [];
    this.#followers.clear();
    this.#readFollowers.clear();
    this.#proposed = null;
    this.reconciledEpoch = -1;
  }

  // Leader

  /** Whether the in-sync set is large enough for acks all. */
  hasEnoughReplicas(minInsyncReplicas: number): boolean {
    return this.#state.isr.length >= Math.min(minInsyncReplicas, this.#state.replicas.length);
  }

  /** The log has grown: followers, high watermark and waiting fetches take note. */
  appended(): void {
    if (this.#followers.size > 0) this.#host.replicate(this);
    if (!this.#advance() && this.#fetches.length > 0) this.#wakeFetches(false);
  }

  /**
   * Waits until the high watermark reaches an append's end.
   *
   * @param timeoutMs null for an append of the broker's own, which waits as long as it leads
   */
  whenReplicated(
    append: Pick<AppendResult, 'endOffset'>,
    timeoutMs: number | null,
    done: (error: number) => void,
  ): void {
    if (this.log.highWatermark >= append.endOffset) {
      done(this.#replicatedResult());
      return;
    }
    const waiter: ReplicationWaiter = { endOffset: append.endOffset, done, cancel: null, isDone: false };
    if (timeoutMs !== null)
      waiter.cancel = this.#host.deadline(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        this.#finish(waiter, REQUEST_TIMED_OUT);
      });
    this.#waiters.push(waiter);
  }

  /** The in-sync set may have shrunk between the append and now. */
  #replicatedResult(): number {
    return this.hasEnoughReplicas(this.minInsyncReplicas) ? NONE : NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }

  #finish(waiter: ReplicationWaiter, error: number): void {
    if (waiter.isDone) return;
    waiter.isDone = true;
    waiter.cancel?.();
    waiter.done(error);
  }

  /** `min.insync.replicas` of the topic; kept up to date by the broker. */
  minInsyncReplicas = 1;

  /**
   * The high watermark is the least log end offset of the in-sync set and of those that are about to join it; it stands
   * still while the set is smaller than its minimum (KIP-966). @returns whether it moved
   */
  #advance(): boolean {
    if (!this.isLeader || !this.hasEnoughReplicas(this.minInsyncReplicas)) return false;
    let least = this.log.logEndOffset;
    for (const [id, follower] of this.#followers)
      if (follower.logEndOffset < least && this.#isInMaximalIsr(id)) least = follower.logEndOffset;
    if (!this.log.advanceHighWatermark(least)) return false;
    this.#settleWaiters();
    this.#wakeFetches(false);
    for (const id of this.#readFollowers) this.#host.replicateTo(this, id);
    return true;
  }

  #isInMaximalIsr(id: number): boolean {
    return this.#state.isr.includes(id) || (this.#proposed?.includes(id) ?? false);
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter((one) => one.endOffset <= this.log.highWatermark);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter((one) => one.endOffset > this.log.highWatermark);
    const result = this.#replicatedResult();
    for (const waiter of reached) this.#finish(waiter, result);
  }

  /** A follower has everything up to this offset. */
  followerFetched(id: number, logEndOffset: number): void {
    const follower = this.#followers.get(id);
    if (follower === undefined) return;
    const nowMs = this.#host.nowMs();
    if (logEndOffset >= this.log.logEndOffset) follower.caughtUpMs = nowMs;
    else if (logEndOffset >= follower.leaderEndAtFetch && follower.lastFetchMs >= 0)
      follower.caughtUpMs = Math.max(follower.caughtUpMs, follower.lastFetchMs);
    follower.logEndOffset = logEndOffset;
    follower.leaderEndAtFetch = this.log.logEndOffset;
    follower.lastFetchMs = nowMs;
    follower.isKnown = true;
    this.#advance();
    this.#considerExpanding(id, logEndOffset);
  }

  /** The in-sync set has changed, or who may be in it. */
  considerAllExpanding(): void {
    if (!this.isLeader || this.#state.isr.length === this.#state.replicas.length) return;
    for (const [id, follower] of this.#followers)
      if (follower.isKnown) this.#considerExpanding(id, follower.logEndOffset);
  }

  /** A follower joins the set once it has what is committed and what this leader began with. */
  #considerExpanding(id: number, logEndOffset: number): void {
    if (this.#proposed !== null || this.#state.isr.includes(id) || !this.#host.isEligible(id)) return;
    if (logEndOffset < this.log.highWatermark || logEndOffset < this.#epochStartOffset) return;
    this.#propose([...this.#state.isr, id]);
  }

  /** Drops followers from the set that have been behind for too long. @returns whether any is behind at all */
  considerShrinking(lagMaxMs: number): boolean {
    if (!this.isLeader) return false;
    const nowMs = this.#host.nowMs();
    let isAnyBehind = false;
    const isr = this.#state.isr.filter((id) => {
      const follower = this.#followers.get(id);
      if (follower === undefined || follower.logEndOffset >= this.log.logEndOffset) return true;
      isAnyBehind = true;
      return nowMs - follower.caughtUpMs <= lagMaxMs;
    });
    if (isr.length < this.#state.isr.length && this.#proposed === null) this.#propose(isr);
    return isAnyBehind;
  }

  #propose(isr: readonly number[]): void {
    this.#proposed = isr;
    this.#host.proposeIsr(this, isr);
  }

  /** The controller refused, or could not be asked. */
  proposalFailed(): void {
    this.#proposed = null;
  }

  // Readers

  /** A consumer reads here although this is a follower. */
  readAsFollower(): void {
    this.#host.followerRead(this);
  }

  /** As leader: a consumer reads from this follower. */
  noteFollowerRead(followerId: number): void {
    if (this.#readFollowers.has(followerId)) return;
    this.#readFollowers.add(followerId);
    this.#host.replicateTo(this, followerId);
  }

  /** As leader: whom a consumer in another rack may be sent to (KIP-392); the most caught-up of them first. */
  inSyncFollowersWith(offset: number): readonly number[] {
    return [...this.#followers]
      .filter(([id, follower]) => this.#state.isr.includes(id) && follower.logEndOffset >= offset)
      .sort(([a, one], [b, other]) =>
        one.logEndOffset === other.logEndOffset
          ? other.caughtUpMs - one.caughtUpMs || b - a
          : other.logEndOffset - one.logEndOffset,
      )
      .map(([id]) => id);
  }

  watch(waiter: FetchWaiter): void {
    this.#fetches.push(waiter);
  }

  unwatch(waiter: FetchWaiter): void {
    const place = this.#fetches.indexOf(waiter);
    if (place >= 0) this.#fetches.splice(place, 1);
  }

  #wakeFetches(changed: boolean): void {
    if (this.#fetches.length === 0) return;
    // One that is answered is taken out of the list.
    for (const waiter of this.#fetches.slice()) waiter.check(changed);
  }

  /** As follower: what the leader said of the committed part of the log. */
  followHighWatermark(offset: number): void {
    if (this.log.advanceHighWatermark(offset)) this.#wakeFetches(false);
  }
}
