/**
 * What an observer reading `__consumer_offsets` would report: replicated entries enter, evidence for the history
 * leaves, once per record, whichever broker coordinated when it was written or replicated. One for the whole cluster.
 *
 * The mapping is that of `harness/world/kafka/observer/coordinator-view.ts`, and a test holds the two together.
 */

import type { GroupMember } from '../../history/schema.ts';
import type { ClusterEvent } from '../environment.ts';
import { ProtocolFormatError } from '../protocol/bytes.ts';
import { decodeAssignment, decodeSubscription } from '../protocol/consumer-protocol.ts';
import { CONSUMER_PROTOCOL_TYPE } from './classic-group.ts';
import type { CoordinatorEntry, StoredGroup, StoredMember } from './records.ts';

export class GroupEvidence {
  readonly #observe: (event: ClusterEvent) => void;
  /** By partition of `__consumer_offsets`: records from here on have not been reported. */
  readonly #next = new Map<number, bigint>();

  constructor(observe: (event: ClusterEvent) => void) {
    this.#observe = observe;
  }

  get observe(): (event: ClusterEvent) => void {
    return this.#observe;
  }

  /**
   * Reports what has not been reported, and counts the records as seen.
   * @param isTransactional counts only once the transaction commits: see `transactionCommitted`
   */
  replicated(
    partition: number,
    entries: readonly CoordinatorEntry[],
    baseOffset: bigint,
    isTransactional = false,
  ): void {
    const next = this.next(partition);
    let offset = baseOffset;
    for (const entry of entries) {
      if (offset >= next && !isTransactional) this.#observe(toEvent(entry, partition, offset));
      offset++;
    }
    if (offset > next) this.#next.set(partition, offset);
  }

  /**
   * Reports a transaction's commits, with their own places in the log, and counts its marker as seen.
   * @param markerOffset of the marker that ends the transaction
   */
  transactionEnded(
    partition: number,
    committed: readonly { readonly entry: CoordinatorEntry; readonly offset: bigint }[],
    markerOffset: bigint,
  ): void {
    if (markerOffset < this.next(partition)) return;
    this.#next.set(partition, markerOffset + 1n);
    for (const { entry, offset } of committed) {
      const event = toEvent(entry, partition, offset);
      this.#observe(
        event.kind === 'commit-accepted' ? { ...event, transactionEnd: String(markerOffset) } : event,
      );
    }
  }

  /** The first record that has not been reported. */
  next(partition: number): bigint {
    return this.#next.get(partition) ?? 0n;
  }

  /** The log ends here: after an unclean election offsets are given out a second time. */
  endsAt(partition: number, endOffset: bigint): void {
    if (this.next(partition) > endOffset) this.#next.set(partition, endOffset);
  }
}

export function toEvent(entry: CoordinatorEntry, partition: number, offset: bigint): ClusterEvent {
  const { group } = entry;
  const logPosition = { partition, offset: String(offset) };
  if (entry.kind === 'offset') {
    const { topic, value } = entry;
    if (value === null)
      return { kind: 'commit-removed', group, topic, partition: entry.partition, logPosition };
    return {
      kind: 'commit-accepted',
      group,
      topic,
      partition: entry.partition,
      offset: String(value.offset),
      metadata: value.metadata,
      logPosition,
    };
  }
  if (entry.value === null) return { kind: 'group-removed', group, logPosition };
  const { generation, protocol, leader, members } = entry.value;
  return {
    kind: 'group-generation',
    group,
    generation,
    state: members.length === 0 ? 'empty' : 'stable',
    protocol,
    leaderMemberId: leader,
    members: groupMembers(entry.value),
    logPosition,
  };
}

const groupMembers = ({ protocolType, members }: StoredGroup): GroupMember[] =>
  members
    .map((member) => groupMember(protocolType, member))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : a.memberId > b.memberId ? 1 : 0));

const groupMember = (protocolType: string, member: StoredMember): GroupMember => ({
  memberId: member.memberId,
  clientId: member.clientId,
  groupInstanceId: member.groupInstanceId,
  subscription: readable(
    protocolType,
    member.subscription,
    () => decodeSubscription(member.subscription).topics,
  ),
  assignment: readable(protocolType, member.assignment, () => decodeAssignment(member.assignment).assignment),
});

/** A member's own bytes are whatever its client sent: what cannot be read counts as empty, as for the observer. */
function readable<T>(protocolType: string, bytes: Uint8Array, decode: () => T[]): T[] {
  if (bytes.length === 0 || protocolType !== CONSUMER_PROTOCOL_TYPE) return [];
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolFormatError) return [];
    throw error;
  }
}
