/**
 * One member of a classic group as its coordinator knows it: what it asked for in JoinGroup, what it was assigned, and
 * the requests of it that wait for an answer (ClassicGroupMember).
 */
import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { SyncGroupResponse } from '../protocol/14-sync-group.ts';

export type Respond<Response> = (response: Response) => void;

/** A way of assigning that a member knows, with its own bytes for it. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export const EMPTY_BYTES = new Uint8Array(0);

/** What does not change while the member keeps its id. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  /** As Java prints an address: a slash and the number. */
  readonly clientHost: string;
  readonly protocolType: string;
}

export interface MemberTerms {
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** In the member's order of preference. */
  readonly protocols: readonly MemberProtocol[];
}

export class ClassicMember {
  readonly identity: MemberIdentity;
  terms: MemberTerms;
  assignment: Uint8Array = EMPTY_BYTES;
  /** Added during this rebalance: its session may run out although its JoinGroup waits for an answer. */
  isNew = false;
  awaitingJoin: Respond<JoinGroupResponse> | null = null;
  awaitingSync: Respond<SyncGroupResponse> | null = null;
  /** The name of its session timer. */
  readonly sessionTimer: string;
  /** What happens when its session runs out; kept here so that a heartbeat allocates nothing. */
  readonly onSessionEnd: () => void;

  constructor(identity: MemberIdentity, terms: MemberTerms, sessionTimer: string, onSessionEnd: () => void) {
    this.identity = identity;
    this.terms = terms;
    this.sessionTimer = sessionTimer;
    this.onSessionEnd = onSessionEnd;
  }

  get memberId(): string {
    return this.identity.memberId;
  }

  get isStatic(): boolean {
    return this.identity.groupInstanceId !== null;
  }

  /** Waiting for the coordinator is as good as a heartbeat, but for a new member, whose client may be long gone. */
  get keepsSession(): boolean {
    return !this.isNew && (this.awaitingJoin !== null || this.awaitingSync !== null);
  }

  metadata(protocolName: string): Uint8Array {
    return this.terms.protocols.find(({ name }) => name === protocolName)?.metadata ?? EMPTY_BYTES;
  }

  /** The same protocols with the same bytes in the same order. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    const own = this.terms.protocols;
    return (
      own.length === protocols.length &&
      own.every(({ name, metadata }, i) => {
        const other = protocols[i];
        return other !== undefined && other.name === name && Buffer.compare(metadata, other.metadata) === 0;
      })
    );
  }
}

/** Copies what a JoinGroup asks for, since the request's bytes are views of its frame. */
export function termsOf(request: JoinGroupRequest, apiVersion: number): MemberTerms {
  const protocols = new Map<string, MemberProtocol>();
  for (const { name, metadata } of request.protocols)
    if (!protocols.has(name)) protocols.set(name, { name, metadata: Buffer.from(metadata) });
  return {
    // Version 0 has one timeout for both (JoinGroupRequest.maybeOverrideRebalanceTimeout).
    rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: [...protocols.values()],
  };
}
