/**
 * StickyAssignor: balanced first, then as few moves as possible. Members give up everything before a rebalance, so
 * what they had travels in the user data, with the generation it is from (KIP-54, KIP-341).
 */

import { ProtocolFormatError, Reader, Writer } from '../../../cluster/protocol/bytes.ts';
import { array, at, field, int32, string, struct } from '../../../cluster/protocol/codec.ts';
import { JavaHashMap } from '../../../java-hash-map.ts';
import type { Assignor, TopicPartition } from './assignor.ts';
import { groupOf } from './group.ts';
import type { MemberData } from './previous-owners.ts';
import { assignSticky } from './sticky-assignment.ts';

/** Version 0 has no generation; nothing in the bytes says which version they are. */
const previousAssignment = struct({
  topics: field(array(struct({ topic: field(string), partitions: field(array(int32)) }))),
  generation: field(int32, { from: 1, default: -1 }),
});

function readUserData(userData: Uint8Array): MemberData {
  for (const version of [1, 0])
    try {
      const { topics, generation } = previousAssignment.read(new Reader(userData), at(version, false));
      const partitions = topics.flatMap((one) =>
        one.partitions.map((partition) => ({ topic: one.topic, partition })),
      );
      return { partitions, generation };
    } catch (error) {
      if (!(error instanceof ProtocolFormatError)) throw error;
    }
  return { partitions: [], generation: -1 };
}

/** What a member says of its past in the user data of the sticky assignor; nothing, where they are unreadable. */
export const stickyMemberData = (userData: Uint8Array | null): MemberData =>
  userData === null || userData.length === 0 ? { partitions: [], generation: -1 } : readUserData(userData);

function groupByTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const byTopic = new JavaHashMap<number[]>();
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic);
    if (known === undefined) byTopic.set(topic, [partition]);
    else known.push(partition);
  }
  return [...byTopic].map(([topic, numbers]) => ({ topic, partitions: numbers }));
}

export const sticky: Assignor = {
  name: 'sticky',
  rebalanceProtocol: 'eager',
  assign(partitionCounts, members) {
    const { assignment } = assignSticky(groupOf(partitionCounts, members), ({ userData }) =>
      stickyMemberData(userData),
    );
    const byMember = new Map(assignment);
    return new Map(members.map(({ memberId }) => [memberId, byMember.get(memberId) ?? []]));
  },
  subscriptionUserData(owned, generationId) {
    if (generationId < 0) return null;
    const writer = new Writer();
    previousAssignment.write(writer, { topics: groupByTopic(owned), generation: generationId }, at(1, false));
    return writer.bytes();
  },
};
