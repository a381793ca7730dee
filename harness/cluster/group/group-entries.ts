/** What a coordinator writes about a classic group: the group as it stands enters, an entry for the log leaves. */
import type { ClassicGroup } from './classic-group.ts';
import { EMPTY_BYTES } from './classic-member.ts';
import type { GroupEntry } from './records.ts';

const stateTimestamp = ({ stateTimestampMs }: ClassicGroup): bigint =>
  stateTimestampMs === null ? -1n : BigInt(stateTimestampMs);

/** The current generation, with these assignments (GroupCoordinatorRecordHelpers.newGroupMetadataRecord). */
export function generationEntry(
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Uint8Array>,
): GroupEntry {
  const { protocolName } = group;
  return {
    kind: 'group',
    group: group.id,
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: protocolName,
      leader: group.leaderId,
      currentStateTimestamp: stateTimestamp(group),
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.identity.groupInstanceId,
        clientId: member.identity.clientId,
        clientHost: member.identity.clientHost,
        rebalanceTimeoutMs: member.terms.rebalanceTimeoutMs,
        sessionTimeoutMs: member.terms.sessionTimeoutMs,
        subscription: protocolName === null ? EMPTY_BYTES : member.metadata(protocolName),
        assignment: assignments.get(member.memberId) ?? EMPTY_BYTES,
      })),
    },
  };
}

/** A group that has just been created, before it has a generation (newEmptyGroupMetadataRecord). */
export const newGroupEntry = (group: ClassicGroup): GroupEntry => ({
  kind: 'group',
  group: group.id,
  value: {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: stateTimestamp(group),
    members: [],
  },
});
