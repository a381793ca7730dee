/** complete-assignment: the coordinator's stable generations enter, partitions left out or made up leave. */
import { proof, reporter } from './anomaly.ts';
import {
  coverageBreaches,
  howMissed,
  isLeaderBlind,
  lastGeneration,
  missed,
  namePartitions,
  timesOf,
  withheldIn,
} from './coverage.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  hadToDrain,
  liveMembers,
} from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import type { Property } from './property.ts';

const report = reporter('complete-assignment');

const BLIND = 'partition left out while brokers refused its metadata';
const SIGNATURES = {
  unowned: 'partition left without an owner',
  'unknown partition': 'partition assigned that does not exist',
  'unsubscribed topic': 'topic assigned that the member does not subscribe to',
} as const;

export const completeAssignment: Property = {
  id: 'complete-assignment',
  title: 'Every partition has an owner',
  statement:
    'In each stable generation that the group coordinator wrote, the assignments cover exactly the partitions of the topics that its members subscribe to, and each member is assigned only topics it subscribes to; a generation that is written again for a static member that is back keeps the assignment that it was made with, whatever that member subscribes to by now (KIP-345). While partitions are being added, and until metadata.max.age.ms and one rebalance later, the old count and the new one are both right, and so is what was right when the leader joined, where the generation was written later; the last stable generation of a settled run, where one of its members lives, has the new one. With cooperative-sticky as the only assignor (KIP-429), a generation may leave out a partition whose last owner is still a member, since it gives the partition up only then; another generation has to follow. Partitions that were added while a static leader was away, and those of a topic that was created again meanwhile, are noticed by nobody until something else causes a rebalance (KIP-814), and so are those that a static member had to give up when it went away and came back, and those of a topic that nobody subscribes to but a static member since it is back, and those that were assigned to one whose return could not be written in time and was taken back (KIP-345): observed; so is what a sticky assignor gives a member that subscribes to nothing, which those of Java take for one that subscribes as the next does; so is a generation, unless it is the last one and its leader is still there, of a leader to which the brokers refused the metadata of its topics.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => {
      // Of a group that fails at every start nobody is there to see to anything.
      const last = hadToDrain(evidence, group) ? lastOfTheLiving(evidence, group) : null;
      return group.generations
        .filter((generation) => generation.isStable)
        .flatMap((generation) => {
          // The last generation stands until the run has settled, so it has to be right for that time.
          const atTimes =
            generation === last && evidence.settled !== null
              ? [evidence.settled.time]
              : timesOf(evidence, generation);
          const isFollowed = generation !== last && group.generations[generation.index + 1] !== undefined;
          // A group whose members have all ended owes nobody another generation.
          const isPassing = isFollowed || last === null;
          const withheld = isPassing ? withheldIn(group, generation) : undefined;
          return coverageBreaches(evidence, group, generation, atTimes, withheld).map((breach) => {
            const { kind, topic, partitions, process } = breach;
            const named = namePartitions(topic, partitions);
            const message =
              kind === 'unowned'
                ? `Generation ${generation.generation} of group ${group.id} assigns ${named} to nobody.`
                : kind === 'unknown partition'
                  ? `Generation ${generation.generation} of group ${group.id} assigns ${named}, which did not exist.`
                  : `Generation ${generation.generation} of group ${group.id} assigns ${named} to ${process}, which does not subscribe to ${topic}.`;
            const why = howMissed(evidence, group, generation, breach);
            const isBlind = kind === 'unowned' && isPassing && isLeaderBlind(evidence, group, generation);
            return report(why ?? (isBlind ? BLIND : SIGNATURES[kind]), message, proof(generation.seq), {
              group: group.id,
              topic,
              ...(partitions.length === 1 ? { partition: partitions[0] as number } : {}),
              ...(process === null ? {} : { process }),
            });
          });
        });
    });
  },
  policy: (_scenario, { signature }) =>
    Object.values<string>(missed).includes(signature) || signature === BLIND ? 'observed' : 'illegal',
};

/** Where none of its members is left, nobody sees to it any more, and another generation is due. */
function lastOfTheLiving(evidence: Evidence, group: GroupEvidence): GenerationEvidence | null {
  const last = lastGeneration(evidence, group);
  const living = new Set(liveMembers(evidence, group).map(({ process }) => process));
  return last?.members.some(({ clientId }) => living.has(clientId)) ? last : null;
}
