/**
 * A classic group as its coordinator knows it: members, generation, state and leader, with the rules that keep them
 * consistent (ClassicGroup). Who waits how long for what is decided in `rebalance.ts`.
 */
import { JavaHashMap } from '../../java-hash-map.ts';
import type { ErrorCode } from '../environment.ts';
import type { JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { SyncGroupResponse } from '../protocol/14-sync-group.ts';
import { ProtocolFormatError } from '../protocol/bytes.ts';
import { decodeSubscription } from '../protocol/consumer-protocol.ts';
import type { ClassicMember, MemberTerms, Respond } from './classic-member.ts';
import { joinError, syncError } from './error-answers.ts';
import { FENCED_INSTANCE_ID, NONE, UNKNOWN_MEMBER_ID } from './error-codes.ts';
import { selectProtocol } from './protocol-vote.ts';
import { type ClassicGroupState, canMove } from './state.ts';

/** What consumers call their protocol type; other users of group membership have other names and bytes. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

export class ClassicGroup {
  readonly id: string;
  state: ClassicGroupState = 'Empty';
  previousState: ClassicGroupState = 'Dead';
  /** When the state was entered; null where an old record does not say. */
  stateTimestampMs: number | null;
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** Their order, which is that of Java's map, decides who leads where the leader has gone. */
  readonly members = new JavaHashMap<ClassicMember>();
  /** Member ids by group instance id. */
  readonly staticMembers = new Map<string, string>();
  /** Member ids handed out with MEMBER_ID_REQUIRED that have not come back yet (KIP-394). */
  readonly pendingMembers = new Set<string>();
  /** Members that have not asked for their assignment in this generation yet. */
  readonly pendingSync = new Set<string>();
  awaitingJoinCount = 0;
  /** A member came during the initial rebalance, which gives others more time to come too (KIP-134). */
  newMemberAdded = false;
  /** Null where the coordinator cannot tell. */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** A record is replicated that was written after it was made; before that readers do not see the group. */
  isDurable = false;
  readonly #supportedProtocols = new Map<string, number>();

  constructor(id: string, stateTimestampMs: number | null) {
    this.id = id;
    this.stateTimestampMs = stateTimestampMs;
  }

  moveTo(state: ClassicGroupState, nowMs: number): void {
    if (!canMove(this.state, state))
      throw new Error(`group ${this.id} cannot move from ${this.state} to ${state}`);
    this.previousState = this.state;
    this.state = state;
    this.stateTimestampMs = nowMs;
  }

  add(member: ClassicMember, awaitingJoin: Respond<JoinGroupResponse> | null): void {
    const { groupInstanceId, protocolType } = member.identity;
    if (groupInstanceId !== null) this.staticMembers.set(groupInstanceId, member.memberId);
    if (this.members.size === 0) this.protocolType = protocolType;
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    this.#count(member, 1);
    member.awaitingJoin = awaitingJoin;
    if (awaitingJoin !== null) this.awaitingJoinCount++;
    this.pendingMembers.delete(member.memberId);
  }

  /** Of a member, a pending member or neither. A group that loses its leader takes the first of the others. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      this.#count(member, -1);
      if (member.awaitingJoin !== null) this.awaitingJoinCount--;
      const { groupInstanceId } = member.identity;
      if (groupInstanceId !== null) this.staticMembers.delete(groupInstanceId);
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys()[0] ?? null;
    this.pendingMembers.delete(memberId);
    this.pendingSync.delete(memberId);
  }

  update(member: ClassicMember, terms: MemberTerms, awaitingJoin: Respond<JoinGroupResponse> | null): void {
    this.#count(member, -1);
    member.terms = terms;
    this.#count(member, 1);
    this.awaitingJoinCount += Number(awaitingJoin !== null) - Number(member.awaitingJoin !== null);
    member.awaitingJoin = awaitingJoin;
  }

  /** Gives a static member's place to another member id, and fences whoever waits under the old one (KIP-345). */
  replaceStatic(member: ClassicMember, replacement: ClassicMember): void {
    this.answerJoin(member, joinError(FENCED_INSTANCE_ID, member.memberId));
    this.answerSync(member, syncError(FENCED_INSTANCE_ID));
    this.members.delete(member.memberId);
    this.members.set(replacement.memberId, replacement);
    if (this.leaderId === member.memberId) this.leaderId = replacement.memberId;
    const { groupInstanceId } = replacement.identity;
    if (groupInstanceId !== null) this.staticMembers.set(groupInstanceId, replacement.memberId);
  }

  /** Keeps the leader if it has rejoined, else takes the first member that has. @returns whether there is one */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false;
    if (this.members.get(this.leaderId)?.awaitingJoin) return true;
    for (const member of this.members.values()) {
      if (member.awaitingJoin === null) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  get allMembersJoined(): boolean {
    return this.members.size === this.awaitingJoinCount && this.pendingMembers.size === 0;
  }

  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const { terms } of this.members.values()) timeoutMs = Math.max(timeoutMs, terms.rebalanceTimeoutMs);
    return timeoutMs;
  }

  get canRebalance(): boolean {
    return canMove(this.state, 'PreparingRebalance');
  }

  /** Nobody ever joined: the group only keeps offsets. */
  get isSimple(): boolean {
    return this.protocolType === null && this.state === 'Empty' && this.pendingMembers.size === 0;
  }

  supportsProtocols(protocolType: string, names: readonly string[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && names.length > 0;
    return protocolType === this.protocolType && names.some((name) => this.#isSupportedByAll(name));
  }

  selectProtocol(): string {
    return selectProtocol(this.members.values(), (name) => this.#isSupportedByAll(name));
  }

  startGeneration(nowMs: number): void {
    this.generationId++;
    this.protocolName = this.members.size === 0 ? null : this.selectProtocol();
    this.subscribedTopics = this.#readSubscriptions();
    this.moveTo(this.members.size === 0 ? 'Empty' : 'CompletingRebalance', nowMs);
    this.pendingSync.clear();
  }

  /** For a group that was loaded. */
  readSubscriptions(): void {
    this.subscribedTopics = this.#readSubscriptions();
  }

  /** @returns an error where this member id may not speak for the group, or for the static member it says it is */
  validateMember(memberId: string, groupInstanceId: string | null): ErrorCode {
    if (groupInstanceId !== null) {
      const known = this.staticMembers.get(groupInstanceId);
      if (known === undefined) return UNKNOWN_MEMBER_ID;
      if (known !== memberId) return FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? NONE : UNKNOWN_MEMBER_ID;
  }

  answerJoin(member: ClassicMember, response: JoinGroupResponse): void {
    const respond = member.awaitingJoin;
    if (respond === null) return;
    member.awaitingJoin = null;
    this.awaitingJoinCount--;
    respond(response);
  }

  /** @returns whether somebody waited for it */
  answerSync(member: ClassicMember, response: SyncGroupResponse): boolean {
    const respond = member.awaitingSync;
    if (respond === null) return false;
    member.awaitingSync = null;
    respond(response);
    return true;
  }

  /** Where the coordinator cannot tell what consumers are subscribed to, it takes it that they are to everything. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  #isSupportedByAll(name: string): boolean {
    return (this.#supportedProtocols.get(name) ?? 0) === this.members.size;
  }

  #count(member: ClassicMember, change: 1 | -1): void {
    for (const { name } of member.terms.protocols)
      this.#supportedProtocols.set(name, (this.#supportedProtocols.get(name) ?? 0) + change);
  }

  #readSubscriptions(): ReadonlySet<string> | null {
    if (this.protocolType !== CONSUMER_PROTOCOL_TYPE) return null;
    const topics = new Set<string>();
    if (this.members.size === 0) return topics;
    if (this.protocolName === null) return null;
    for (const member of this.members.values()) {
      try {
        for (const topic of decodeSubscription(member.metadata(this.protocolName)).topics) topics.add(topic);
      } catch (error) {
        if (error instanceof ProtocolFormatError) return null;
        throw error;
      }
    }
    return topics;
  }
}
