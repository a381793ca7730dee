/** exclusive-processing: processing and the coordinator's generations enter, records begun in somebody else's partition leave. */
import { proof, reporter } from './anomaly.ts';
import { isCooperative } from './coverage.ts';
import type { PartitionConsumption, Processing } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import { type GenerationEvidence, owns } from './evidence/generations.ts';
import { handedOverAt, handOversOf } from './evidence/hand-overs.ts';
import { type MembershipChange, membershipOf } from './evidence/membership.ts';
import { isStalledWithin } from './evidence/processes.ts';
import { CLOCK_TOLERANCE_MS, firstIndexWhere } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('exclusive-processing');

const KNOWING = 'handed over although the member knew that the partition was given to another';
const IN_HAND = 'begun from a batch that was in hand when the partition went to another';
const ZOMBIE = 'begun by a zombie that was stalled or cut off';
const UNAWARE = 'begun by a member that had not heard that the partition went to another';

export const exclusiveProcessing: Property = {
  id: 'exclusive-processing',
  title: 'No partition is processed by two members',
  statement:
    "A member's time with a partition is the span of the generations, as the coordinator wrote them, that assign it to the member. No record of a partition begins processing outside the member's own time and inside another member's. Illegal where the client handed the record over after it had been told of the generation that gave the partition away. Observed, since no broker can prevent it: a record that was in the application's hand when the client was told, and one that a member began before it was told, a zombie that was stalled or cut off from the cluster apart from one that was merely late. Times closer than two clocks can be told apart say nothing.",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) =>
      [...group.consumption.values()].flatMap((consumption) => overlaps(evidence, group, consumption)),
    );
  },
  policy: (_scenario, { signature }) => (signature === KNOWING ? 'illegal' : 'observed'),
};

function overlaps(evidence: Evidence, group: GroupEvidence, consumption: PartitionConsumption): Anomaly[] {
  const { key, topic, partition, processing } = consumption;
  const found = new Map<
    string,
    { first: Processing; records: number; other: string; at: GenerationEvidence }
  >();
  for (const one of processing) {
    const at = somebodyElses(group, key, one);
    if (at === null) continue;
    const signature = signatureOf(evidence, group, at, one);
    const place = `${signature}\n${one.process} ${at.index}`;
    const seen = found.get(place);
    if (seen === undefined)
      found.set(place, { first: one, records: 1, other: at.owners.get(key)?.join(' and ') ?? '', at });
    else seen.records += 1;
  }
  return [...found].map(([place, { first, records, other, at }]) => {
    const signature = place.slice(0, place.indexOf('\n'));
    return report(
      signature,
      `${first.process} began offset ${first.offset} of ${key} in group ${group.id}${records === 1 ? '' : ` and ${records - 1} more`} when generation ${at.generation} had given it to ${other}.`,
      proof(at.seq, handOversOf(evidence).get(first.seq)?.seq, first.seq),
      { group: group.id, topic, partition, process: first.process },
    );
  });
}

/** The generation that was current when the record was begun, where it assigns the partition to others only. */
function somebodyElses(
  { generations }: GroupEvidence,
  key: string,
  { process, time }: Processing,
): GenerationEvidence | null {
  const next = firstIndexWhere(generations, (generation) => generation.time >= time - CLOCK_TOLERANCE_MS);
  const current = generations[next - 1];
  if (current === undefined || owns(current, process, key)) return null;
  if ((current.owners.get(key)?.length ?? 0) === 0) return null;
  // One that was written at about the same time may have been current too.
  for (let index = next; index < generations.length; index += 1) {
    const near = generations[index] as GenerationEvidence;
    if (near.time > time + CLOCK_TOLERANCE_MS) break;
    if (owns(near, process, key)) return null;
  }
  return current;
}

function signatureOf(
  evidence: Evidence,
  group: GroupEvidence,
  at: GenerationEvidence,
  { process, seq, time }: Processing,
): string {
  const told = membershipOf(evidence, process).find((change) => tellsOf(group, at, change));
  if (told === undefined || told.seq > seq) {
    const runner = evidence.processes.get(process);
    const silenceMs = group.config.sessionTimeoutMs + group.config.rebalanceTimeoutMs;
    const isCutOff =
      (runner !== undefined && isStalledWithin(runner, at.time - silenceMs, time)) ||
      isOutageWithin(evidence, at.time - silenceMs, time);
    return isCutOff ? ZOMBIE : UNAWARE;
  }
  const delivery = handOversOf(evidence).get(seq);
  if (delivery === undefined) return KNOWING;
  return delivery.seq < told.seq || handedOverAt(delivery, evidence.scenario) < told.time ? IN_HAND : KNOWING;
}

/** An eager member that is answered its JoinGroup has given up all it had; a cooperative one hears with its assignment. */
const tellsOf = (group: GroupEvidence, at: GenerationEvidence, change: MembershipChange): boolean =>
  (change.kind === 'assigned' || (change.kind === 'joining' && !isCooperative(group))) &&
  change.generation >= at.generation &&
  at.memberById.has(change.memberId);
