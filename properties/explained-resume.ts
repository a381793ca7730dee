/** explained-resume: the first offsets that new owners deliver enter, those that nothing explains leave. */
import { proof, reporter } from './anomaly.ts';
import type { Stretch } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { isNextRecord, recordsBetween, shownTo } from './evidence/logs.ts';
import {
  type CommittedState,
  isOwned,
  mayHaveKeptPosition,
  mayHaveMovedOn,
  resetBreach,
  resumeOf,
} from './evidence/resume.ts';
import { nameOffsets } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('explained-resume');

export const explainedResume: Property = {
  id: 'explained-resume',
  title: 'A new owner starts where the group stood',
  statement:
    "The first offset that a new owner of a partition delivers is the group's last accepted commit, or one that was being made at that moment; without one it is what auto.offset.reset says. Offsets at which the log holds no record are passed over, and so are deleted ones. (Where a member's position was out of range, offset-reset says what follows.)",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) =>
      [...group.consumption.values()].flatMap(({ stretches }) =>
        stretches.flatMap((stretch) => unexplained(evidence, group, stretch) ?? []),
      ),
    );
  },
  policy: () => 'illegal',
};

function unexplained(evidence: Evidence, group: GroupEvidence, stretch: Stretch): Anomaly | null {
  // A partition that the coordinator gave to somebody else has no position to resume from.
  if (stretch.opening !== 'join' || !isOwned(stretch)) return null;
  const { process, key, topic, partition, first, openSeq } = stretch;
  const { committed, fetched, listed, outOfRange } = resumeOf(evidence, group, stretch);
  if (outOfRange !== null || mayHaveKeptPosition(evidence, group, stretch)) return null;
  const log = shownTo(group.config, evidence.logs.get(key));
  const states = [committed.certain, ...committed.possible];
  const isReachable = (offset: number): boolean =>
    isNextRecord(log, offset, first) || mayHaveMovedOn(evidence, group, stretch, offset);
  if (states.some((state) => state.offset !== null && isReachable(state.offset))) return null;
  const subject = { group: group.id, topic, partition, process };
  const none = states.find((state) => state.offset === null);
  if (none !== undefined) {
    const breach = resetBreach(evidence, group, stretch, listed);
    if (breach === null) return null;
    return report(
      'start without a commit is not what auto.offset.reset says',
      `${process} started ${key} in group ${group.id} at ${first} without a committed offset, but ${breach}.`,
      proof(none.entry?.seq, fetched?.seq, ...listed.map(({ seq }) => seq), openSeq),
      subject,
    );
  }
  const expected = (states.at(-1) as CommittedState).offset as number;
  const skipped = log === undefined ? [] : recordsBetween(log, expected, first);
  return first < expected
    ? report(
        'resumed before the last commit',
        `${process} resumed ${key} in group ${group.id} at ${first}, although ${expected} had been committed.`,
        proof(...states.map((state) => state.entry?.seq), fetched?.seq, openSeq),
        subject,
      )
    : report(
        'skipped past the last commit',
        `${process} resumed ${key} in group ${group.id} at ${first} and not at the committed ${expected}, so it skipped ${nameOffsets(skipped)}.`,
        proof(...states.map((state) => state.entry?.seq), fetched?.seq, openSeq),
        subject,
      );
}
