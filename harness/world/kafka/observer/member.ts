/**
 * Members as coordinators describe them: a member's own subscription and assignment bytes enter, a GroupMember of the
 * history leaves, in a fixed order.
 *
 * The bytes are whatever the client sent, and Kafka keeps them unread: bytes that are not of the consumer protocol
 * give empty lists and a note, never an exception.
 */

import { decodeAssignment, decodeSubscription } from '../../../cluster/protocol/consumer-protocol.ts';
import type { GroupMember } from '../../../history/schema.ts';

export interface RawMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly groupInstanceId: string | null;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

/** What consumers call their protocol type; other users of group membership put other bytes in. */
const CONSUMER_PROTOCOL_TYPE = 'consumer';

export function decodeMember(protocolType: string, raw: RawMember): { member: GroupMember; notes: string[] } {
  const notes: string[] = [];
  const tryTo = <T>(what: string, bytes: Uint8Array, decode: () => T[]): T[] => {
    // Empty bytes are usual: a member without an assignment, or a group that is between two generations.
    if (bytes.length === 0) return [];
    if (protocolType !== CONSUMER_PROTOCOL_TYPE) {
      notes.push(`${what} of member ${raw.memberId} is of protocol type '${protocolType}'`);
      return [];
    }
    try {
      return decode();
    } catch (error) {
      notes.push(
        `${what} of member ${raw.memberId} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
      return [];
    }
  };
  const member: GroupMember = {
    memberId: raw.memberId,
    clientId: raw.clientId,
    groupInstanceId: raw.groupInstanceId,
    subscription: tryTo('subscription', raw.subscription, () => decodeSubscription(raw.subscription).topics),
    assignment: tryTo('assignment', raw.assignment, () => decodeAssignment(raw.assignment).assignment),
  };
  return { member, notes };
}

/** The order of members in every event. */
export const byMemberId = (a: GroupMember, b: GroupMember): number =>
  a.memberId < b.memberId ? -1 : a.memberId > b.memberId ? 1 : 0;
