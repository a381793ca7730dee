/**
 * Which protocol a generation uses: members' preferences enter, a name leaves. Each member votes for its first
 * protocol that all members know (ClassicGroup.selectProtocol).
 */
import type { ClassicMember } from './classic-member.ts';
import { javaHashCode } from './partition-for.ts';

/**
 * Kafka counts votes in a HashMap and takes the first of those with the most votes, so a tie is decided by the names'
 * hash codes. This is the order of a Java HashMap of up to 12 keys.
 */
const bucket = (name: string): number => {
  const hash = javaHashCode(name);
  return (hash ^ (hash >>> 16)) & 15;
};

/** @param members at least one, with a protocol in common */
export function selectProtocol(
  members: Iterable<ClassicMember>,
  isCandidate: (name: string) => boolean,
): string {
  const votes = new Map<string, number>();
  for (const { memberId, terms } of members) {
    const choice = terms.protocols.find(({ name }) => isCandidate(name));
    if (choice === undefined) throw new Error(`member ${memberId} supports none of the group's protocols`);
    votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  const [winner] = [...votes].sort(([a, ofA], [b, ofB]) => ofB - ofA || bucket(a) - bucket(b));
  if (winner === undefined) throw new Error('a group without members selects no protocol');
  return winner[0];
}
