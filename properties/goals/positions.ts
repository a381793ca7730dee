/** Goals about where members read: out of range, reset, resumed, repeated, and read by two at once. */
import { ledgersOf } from '../duplicate-ledger.ts';
import { entriesOf } from '../evidence/evidence.ts';
import type { LedgerEntry } from '../property.ts';
import { type Goal, goal, type Reached, rare } from './goal.ts';

const replayedBy = (cause: LedgerEntry['cause']) => (reached: Reached) =>
  ledgersOf(reached.evidence).some(({ entries }) =>
    entries.some((one) => one.cause === cause && one.replayed > 0),
  );

const outOfRange = (reached: Reached) =>
  [...reached.evidence.positions.positions.values()].flatMap((partitions) =>
    [...partitions].flatMap(([key, { outOfRange: all }]) =>
      all.map(({ offset }) => ({ offset, log: reached.evidence.logs.get(key) })),
    ),
  );

const stretches = ({ evidence }: Reached) =>
  evidence.groups.flatMap(({ consumption }) => [...consumption.values()].flatMap((one) => one.stretches));

export const positionGoals: readonly Goal[] = [
  goal('position-below-the-log', 'a fetch is below the start of the log', (r) =>
    outOfRange(r).some(({ offset, log }) => offset >= 0 && offset < (log?.logStartOffset ?? 0)),
  ),
  goal('position-above-the-log', 'a fetch is above the end of the log', (r) =>
    outOfRange(r).some(({ offset, log }) => offset > (log?.logEndOffset ?? offset)),
  ),
  goal('spurious-out-of-range', 'a fetch in range is answered with OFFSET_OUT_OF_RANGE', (r) =>
    outOfRange(r).some(
      ({ offset, log }) =>
        offset >= (log?.logStartOffset ?? offset + 1) && offset <= (log?.logEndOffset ?? -1),
    ),
  ),
  goal(
    'sent-to-a-follower',
    'a member is told to read from a follower in its rack',
    (r) => r.of('wire-read-replica').length > 0,
  ),
  rare(
    goal('follower-behind', 'a follower calls a position out of range that the log has', (r) =>
      [...r.evidence.positions.positions.values()].some((partitions) =>
        [...partitions].some(([key, { outOfRange: all }]) =>
          all.some(
            ({ offset, mayBeFollowers }) =>
              mayBeFollowers && offset <= (r.evidence.logs.get(key)?.logEndOffset ?? -1),
          ),
        ),
      ),
    ),
  ),
  goal('fetch-from-a-former-leader', 'a fetch is answered with NOT_LEADER_OR_FOLLOWER', (r) =>
    r.of('wire-fetch-error').some(({ error }) => error === 'NOT_LEADER_OR_FOLLOWER'),
  ),
  goal('fetch-with-another-epoch', 'a fetch is answered with a fenced or an unknown leader epoch', (r) =>
    r
      .of('wire-fetch-error')
      .some(({ error }) => error === 'FENCED_LEADER_EPOCH' || error === 'UNKNOWN_LEADER_EPOCH'),
  ),
  goal('resumed-from-anothers-commit', 'a member goes on where another one committed', (r) =>
    r.evidence.groups.some((group) =>
      [...group.consumption.values()].some((consumption) =>
        consumption.stretches.some(({ opening, process, first, openSeq, key }) =>
          entriesOf(group, key).some(
            ({ offset, request, seq }) =>
              opening === 'join' &&
              offset === first &&
              seq < openSeq &&
              request !== null &&
              request.process !== process,
          ),
        ),
      ),
    ),
  ),
  goal('went-back-inside-an-ownership', 'a member is given records again without a rebalance', (r) =>
    stretches(r).some(({ opening }) => opening === 'back'),
  ),
  goal('repeated-after-a-crash', 'records come again after a crash', replayedBy('crash')),
  goal('repeated-after-a-stall', 'records come again after a stall', replayedBy('stall')),
  goal('repeated-after-a-rebalance', 'records come again after a rebalance', replayedBy('rebalance')),
  goal(
    'repeated-after-a-failed-handler',
    'records come again after the handler failed',
    replayedBy('handler-failure'),
  ),
  goal(
    'repeated-after-deleted-offsets',
    'records come again after offsets were deleted',
    replayedBy('offsets-deleted'),
  ),
  goal('repeated-after-a-seek', 'records come again after a seek', replayedBy('seek')),
  goal(
    'zombie-processing',
    'a member processes on while the coordinator has given the partition to another',
    (r) =>
      r.evidence.groups.some((group) =>
        [...group.consumption.values()].some(({ key, processing }) =>
          processing.some(({ process, time }) => {
            const current = group.generations.findLast((one) => one.time <= time - ZOMBIE_MS);
            const next = group.generations[(current?.index ?? -1) + 1];
            return (
              current?.isStable === true &&
              (next?.time ?? Number.POSITIVE_INFINITY) > time &&
              !(current.owners.get(key)?.includes(process) ?? true)
            );
          }),
        ),
      ),
  ),
];

/** Far enough behind the coordinator's record that it is no matter of two clocks. */
const ZOMBIE_MS = 100;
