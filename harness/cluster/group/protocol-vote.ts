/**
 * Which protocol a generation uses: members' preferences enter, a name leaves. Each member votes for its first
 * protocol that all members know (ClassicGroup.selectProtocol).
 */
import { JavaHashMap } from '../../java-hash-map.ts';
import type { ClassicMember } from './classic-member.ts';

/** @param members at least one, with a protocol in common */
export function selectProtocol(
  members: Iterable<ClassicMember>,
  isCandidate: (name: string) => boolean,
): string {
  // As in Kafka, which takes the first of those with the most votes: a tie is decided by the order of this map.
  const votes = new JavaHashMap<number>();
  for (const { memberId, terms } of members) {
    const choice = terms.protocols.find(({ name }) => isCandidate(name));
    if (choice === undefined) throw new Error(`member ${memberId} supports none of the group's protocols`);
    votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  const [winner] = [...votes].sort(([, ofA], [, ofB]) => ofB - ofA);
  if (winner === undefined) throw new Error('a group without members selects no protocol');
  return winner[0];
}
