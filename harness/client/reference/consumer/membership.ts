/**
 * The member's place in its group, kept up in the background: a subscription enters through JoinGroup and SyncGroup, an
 * assignment leaves, and heartbeats go out on a clock of their own until the application stops polling. After Kafka's
 * class AbstractCoordinator; classic protocol only.
 */
import { joinGroupApi } from '../../../cluster/protocol/11-join-group.ts';
import { heartbeatApi } from '../../../cluster/protocol/12-heartbeat.ts';
import { leaveGroupApi } from '../../../cluster/protocol/13-leave-group.ts';
import { syncGroupApi } from '../../../cluster/protocol/14-sync-group.ts';
import { after, nowMs, type Signal } from '../clock.ts';
import type { ConsumerConfig } from '../config.ts';
import { BrokerError, isRetriable, KafkaError, typeOf } from '../errors.ts';
import type { NetworkClient } from '../network/client.ts';
import { CoordinatorFinder } from '../network/coordinator.ts';

const PROTOCOL_TYPE = 'consumer';
const NO_GENERATION_ID = -1;
/** JoinGroup is answered when the others have joined, which may take the rebalance timeout; Java adds this. */
const JOIN_SLACK_MS = 5_000;

export interface Generation {
  readonly id: number;
  readonly memberId: string;
  readonly protocol: string | null;
}

const NO_GENERATION: Generation = { id: NO_GENERATION_ID, memberId: '', protocol: null };

/** `preparing` waits for the others to join, `completing` for the leader's assignment. */
export type MemberState = 'unjoined' | 'preparing' | 'completing' | 'stable';

export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface GroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}

/** What the leader of the group and every member have to say. */
export interface MembershipTasks {
  protocols(): GroupProtocol[];
  /** Called in the leader alone, which watches the topics of the whole group from then on. */
  assign(
    protocol: string,
    members: readonly GroupMember[],
    /** A static leader that is back: the group's assignment stays as it is (KIP-814). */
    isSkipped: boolean,
  ): Promise<Map<string, Uint8Array>>;
}

export interface Joined {
  readonly generation: Generation;
  readonly isLeader: boolean;
  readonly assignment: Uint8Array;
}

/** After these the group is joined anew at once; after other passing errors, after a backoff. */
const REJOIN_AT_ONCE: ReadonlySet<string | null> = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'MEMBER_ID_REQUIRED',
]);
const COORDINATOR_MOVED: ReadonlySet<string | null> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);
const LOST_MEMBERSHIP: ReadonlySet<string | null> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);
/** Of all answers only that to a heartbeat makes a fenced member give up the place that it had. */
const LOST_BY_HEARTBEAT: ReadonlySet<string | null> = new Set([...LOST_MEMBERSHIP, 'FENCED_INSTANCE_ID']);

export class Membership {
  readonly finder: CoordinatorFinder;
  readonly #config: ConsumerConfig;
  readonly #groupId: string;
  readonly #network: NetworkClient;
  readonly #signal: Signal;
  readonly #tasks: MembershipTasks;
  #state: MemberState = 'unjoined';
  #generation = NO_GENERATION;
  #isLookingUp = false;
  #failure: Error | null = null;
  #joining = false;
  #joined: Joined | null = null;
  #notBeforeMs = 0;
  #rejoinReason = '';
  /** The application has to be told before the next JoinGroup. */
  needsPrepare = true;
  isRejoinNeeded = true;
  #cancelTick: () => void = () => {};
  #isBeating = false;
  #heartbeatDueMs = 0;
  #sessionEndsMs = 0;
  /** By when the application has to poll again. */
  #pollDueMs = Number.POSITIVE_INFINITY;

  constructor(
    config: ConsumerConfig,
    groupId: string,
    network: NetworkClient,
    signal: Signal,
    tasks: MembershipTasks,
  ) {
    this.#config = config;
    this.#groupId = groupId;
    this.#network = network;
    this.#signal = signal;
    this.#tasks = tasks;
    this.finder = new CoordinatorFinder(network, 'group', groupId);
  }

  get state(): MemberState {
    return this.#state;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get isRebalancing(): boolean {
    return this.#state === 'preparing' || this.#state === 'completing';
  }

  get isJoining(): boolean {
    return this.#joining;
  }

  /** @throws what the background met and cannot mend, such as FENCED_INSTANCE_ID */
  throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** While the application is inside poll, it cannot be late for it. */
  pollBegins(): void {
    this.#pollDueMs = Number.POSITIVE_INFINITY;
  }

  pollEnds(): void {
    this.#pollDueMs = nowMs() + this.#config['max.poll.interval.ms'];
    if (this.#isBeatable) this.#schedule();
  }

  requestRejoin(reason: string): void {
    this.isRejoinNeeded = true;
    this.#rejoinReason = reason;
    this.#signal.notify();
  }

  /** Looks for the coordinator in the background where it is not known. @returns its node or null */
  coordinator(): number | null {
    const { nodeId } = this.finder;
    if (nodeId === null && !this.#isLookingUp && nowMs() >= this.#notBeforeMs) void this.#lookUp();
    return nodeId;
  }

  /** Sends JoinGroup and SyncGroup in the background, unless they are under way; the signal says when it is over. */
  join(): void {
    const nodeId = this.finder.nodeId;
    if (this.#joining || nodeId === null || nowMs() < this.#notBeforeMs) return;
    this.#joining = true;
    this.#joined = null;
    this.#state = 'preparing';
    this.#cancelTick();
    void this.#join(nodeId)
      .then((joined) => {
        this.#joined = joined;
      })
      .catch((error: unknown) => this.#joinFailed(nodeId, error))
      .finally(() => {
        this.#joining = false;
        this.#signal.notify();
      });
  }

  /** The outcome of a join, once; null where there is none or the member has lost its place since. */
  takeJoined(): Joined | null {
    const joined = this.#joined;
    this.#joined = null;
    if (joined === null) return null;
    return joined.generation === this.#generation && this.#state === 'stable' ? joined : null;
  }

  /** What an answer to one of the member's own requests means for its place in the group. */
  lostMembership(generation: Generation, type: string, losses = LOST_MEMBERSHIP): boolean {
    if (generation !== this.#generation || !losses.has(type)) return false;
    this.#reset(type !== 'ILLEGAL_GENERATION', `the coordinator answered ${type}`);
    return true;
  }

  /** Leaves for good or until the next join; a static member says nothing (KIP-345). */
  async leave(reason: string): Promise<void> {
    const nodeId = this.finder.nodeId;
    const { memberId } = this.#generation;
    const isHeard =
      this.#config['group.instance.id'] === null &&
      nodeId !== null &&
      memberId !== '' &&
      this.#state !== 'unjoined';
    this.#reset(true, reason);
    if (!isHeard) return;
    try {
      await this.#network.request(nodeId, leaveGroupApi, {
        groupId: this.#groupId,
        memberId,
        members: [{ memberId, reason }],
      });
    } catch (error) {
      // The session will end by its timeout instead.
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  close(): void {
    this.#cancelTick();
    this.#state = 'unjoined';
  }

  #reset(forgetMemberId: boolean, reason: string): void {
    this.#generation = forgetMemberId
      ? NO_GENERATION
      : { ...NO_GENERATION, memberId: this.#generation.memberId };
    this.#state = 'unjoined';
    this.needsPrepare = true;
    this.#cancelTick();
    this.requestRejoin(reason);
  }

  async #lookUp(): Promise<void> {
    this.#isLookingUp = true;
    try {
      await this.finder.find();
    } catch (error) {
      if (isRetriable(error)) this.#backOff();
      else this.#failure = error as Error;
    } finally {
      this.#isLookingUp = false;
      this.#signal.notify();
    }
  }

  #backOff(): void {
    const delayMs = this.#config['retry.backoff.ms'];
    this.#notBeforeMs = nowMs() + delayMs;
    after(delayMs, () => this.#signal.notify());
  }

  // Joining

  async #join(nodeId: number): Promise<Joined> {
    const config = this.#config;
    const groupInstanceId = config['group.instance.id'];
    const asked = this.#generation;
    const answer = await this.#network.request(
      nodeId,
      joinGroupApi,
      {
        groupId: this.#groupId,
        sessionTimeoutMs: config['session.timeout.ms'],
        rebalanceTimeoutMs: config['max.poll.interval.ms'],
        memberId: asked.memberId,
        groupInstanceId,
        protocolType: PROTOCOL_TYPE,
        protocols: this.#tasks.protocols(),
        reason: this.#rejoinReason,
      },
      { timeoutMs: Math.max(config['request.timeout.ms'], config['max.poll.interval.ms'] + JOIN_SLACK_MS) },
    );
    const what = `JoinGroup of ${this.#groupId}`;
    const error = answer.errorCode === 0 ? null : new BrokerError(answer.errorCode, what);
    if (error?.type === 'MEMBER_ID_REQUIRED')
      this.#generation = { ...NO_GENERATION, memberId: answer.memberId };
    else if (error !== null) this.lostMembership(asked, error.type);
    if (error !== null) throw error;
    // The member has left, or was thrown out, while it waited.
    if (this.#state !== 'preparing') throw new BrokerError(UNKNOWN_MEMBER_ID, what);
    const { generationId: id, memberId, protocolName: protocol } = answer;
    const generation: Generation = { id, memberId, protocol };
    this.#generation = generation;
    this.#state = 'completing';
    this.#startHeartbeats();
    const isLeader = answer.leader === memberId;
    const assignments = isLeader
      ? await this.#tasks.assign(protocol ?? '', answer.members, answer.skipAssignment)
      : new Map<string, Uint8Array>();
    const assignment = await this.#sync(nodeId, generation, assignments);
    return { generation, isLeader, assignment };
  }

  async #sync(
    nodeId: number,
    generation: Generation,
    assignments: ReadonlyMap<string, Uint8Array>,
  ): Promise<Uint8Array> {
    const what = `SyncGroup of ${this.#groupId}`;
    const answer = await this.#network.request(
      nodeId,
      syncGroupApi,
      {
        groupId: this.#groupId,
        generationId: generation.id,
        memberId: generation.memberId,
        groupInstanceId: this.#config['group.instance.id'],
        protocolType: PROTOCOL_TYPE,
        protocolName: generation.protocol,
        assignments: [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
      },
      {
        timeoutMs: Math.max(
          this.#config['request.timeout.ms'],
          this.#config['max.poll.interval.ms'] + JOIN_SLACK_MS,
        ),
      },
    );
    if (answer.errorCode !== 0) {
      const error = new BrokerError(answer.errorCode, what);
      this.lostMembership(generation, error.type);
      throw error;
    }
    if (this.#state !== 'completing' || this.#generation !== generation)
      throw new BrokerError(UNKNOWN_MEMBER_ID, what);
    this.#state = 'stable';
    // Here and not later: an answer that comes along with this one may ask for the next join.
    this.isRejoinNeeded = false;
    return answer.assignment;
  }

  #joinFailed(nodeId: number, error: unknown): void {
    const type = typeOf(error);
    const isLost = !(error instanceof BrokerError);
    if (COORDINATOR_MOVED.has(type) || (isLost && isRetriable(error))) this.finder.markUnknown(nodeId);
    // The state stays as it is: who has a place in a generation without an assignment has to keep it until the next poll.
    if (type !== 'MEMBER_ID_REQUIRED') this.requestRejoin(`rebalance failed: ${(error as Error).message}`);
    if (REJOIN_AT_ONCE.has(type)) return;
    if (isRetriable(error)) this.#backOff();
    else this.#failure = error as Error;
  }

  // Heartbeats

  get #isBeatable(): boolean {
    return this.#state === 'completing' || this.#state === 'stable';
  }

  #startHeartbeats(): void {
    this.#heard();
    this.#heartbeatDueMs = nowMs() + this.#config['heartbeat.interval.ms'];
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTick();
    const dueMs = Math.min(this.#heartbeatDueMs, this.#pollDueMs);
    this.#cancelTick = after(dueMs - nowMs(), () => this.#tick());
  }

  #tick(): void {
    if (!this.#isBeatable) return;
    if (nowMs() >= this.#pollDueMs) {
      const intervalMs = this.#config['max.poll.interval.ms'];
      console.error(`reference client: leaving ${this.#groupId}, no call of poll in ${intervalMs} ms`);
      void this.leave('consumer poll timeout has expired.');
      return;
    }
    if (nowMs() >= this.#heartbeatDueMs) this.#beat();
    this.#schedule();
  }

  #beat(): void {
    const config = this.#config;
    const { nodeId } = this.finder;
    this.#heartbeatDueMs = nowMs() + config['heartbeat.interval.ms'];
    if (nodeId === null) {
      this.coordinator();
      this.#heartbeatDueMs = nowMs() + config['retry.backoff.ms'];
    } else if (nowMs() >= this.#sessionEndsMs) {
      // Nothing heard for so long: the coordinator is perhaps another one by now.
      this.finder.markUnknown(nodeId);
      this.#sessionEndsMs = nowMs() + config['session.timeout.ms'];
      this.#heartbeatDueMs = nowMs() + config['retry.backoff.ms'];
    } else if (!this.#isBeating) void this.#heartbeat(nodeId);
  }

  async #heartbeat(nodeId: number): Promise<void> {
    const generation = this.#generation;
    this.#isBeating = true;
    try {
      const { errorCode } = await this.#network.request(nodeId, heartbeatApi, {
        groupId: this.#groupId,
        generationId: generation.id,
        memberId: generation.memberId,
        groupInstanceId: this.#config['group.instance.id'],
      });
      if (errorCode === 0) this.#heard();
      else this.#refused(nodeId, generation, new BrokerError(errorCode, `Heartbeat of ${this.#groupId}`));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.finder.markUnknown(nodeId);
      this.#heartbeatDueMs = nowMs() + this.#config['retry.backoff.ms'];
      if (this.#isBeatable) this.#schedule();
    } finally {
      this.#isBeating = false;
    }
  }

  #heard(): void {
    this.#sessionEndsMs = nowMs() + this.#config['session.timeout.ms'];
  }

  #refused(nodeId: number, generation: Generation, error: BrokerError): void {
    const { type } = error;
    if (COORDINATOR_MOVED.has(type)) {
      this.finder.markUnknown(nodeId);
      this.#heartbeatDueMs = nowMs() + this.#config['retry.backoff.ms'];
      if (this.#isBeatable) this.#schedule();
    } else if (type === 'REBALANCE_IN_PROGRESS') {
      this.#heard();
      if (this.#state === 'stable') this.requestRejoin('group is already rebalancing');
    } else if (LOST_BY_HEARTBEAT.has(type)) {
      if (this.lostMembership(generation, type, LOST_BY_HEARTBEAT) && type === 'FENCED_INSTANCE_ID')
        this.#failure = error;
    } else if (!error.isRetriable) this.#failure = error;
  }
}

const UNKNOWN_MEMBER_ID = 25;
