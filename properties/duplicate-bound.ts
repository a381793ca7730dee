/** duplicate-bound: the duplicate ledger enters, repetitions beyond its bounds and repetitions that are missing leave. */
import { proof, reporter } from './anomaly.ts';
import { type BoundBreach, ledgersOf } from './duplicate-ledger.ts';
import { type Evidence, evidenceOf } from './evidence/evidence.ts';
import { positionsOf } from './evidence/positions.ts';
import { lastBefore, nameOffsets } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('duplicate-bound');

export const duplicateBound: Property = {
  id: 'duplicate-bound',
  title: 'Records come again only as far as they must',
  statement:
    "Whenever consuming a partition begins anew, after a crash, a stall, a leave, a rebalance, a failed handler call, a restart of the client or a reset, the records that are processed again are two-sided bounded: at least those that had been processed and were not committed, as far as the new owner gets, and at most those whose processing had begun and whose commit had not been accepted when the new owner's position was decided. After a failed handler call, or one whose transaction was aborted, the records of that call may come again too. A member whose ownership the coordinator has ended without its knowing may go on with what it has in hand; a member that has joined again without the partition may not. Nothing is processed again without one of these causes.",
  check(history) {
    const evidence = evidenceOf(history);
    return ledgersOf(evidence).flatMap(({ breaches }) => breaches.map((one) => toAnomaly(evidence, one)));
  },
  policy: () => 'illegal',
};

/** What an application seeks for the end of a log. */
const LOG_END = -1;

const SIGNATURES: Readonly<Record<BoundBreach['kind'], string>> = {
  'after its commit': 'processed again after its commit',
  'without a cause': 'processed again without a cause',
  'of another owner': 'processed again by a member that did not own it',
  'two owners': 'processed by two owners at once',
  'after giving it up': 'processed on after giving the partition up',
  'not replayed': 'uncommitted records did not come again',
};

const SENT_BACK = 'processed again: the client went back when the end was sought';
/** With a commit, where the partition was given to the member only after its application had sought. */
const SENT_BACK_KINDS: readonly BoundBreach['kind'][] = ['without a cause', 'after its commit'];

/** Whether the application had sought the end of the partition, and the client never asked where that is. */
function isSentBack({ positions }: Evidence, { kind, stretch }: BoundBreach): boolean {
  const { process, key, openSeq } = stretch;
  const { sought, listed } = positionsOf(positions, process, key);
  const order = lastBefore(sought, openSeq);
  if (!SENT_BACK_KINDS.includes(kind) || order?.offset !== LOG_END) return false;
  return !listed.some(({ at, seq }) => at === 'latest' && seq > order.seq && seq < openSeq);
}

function toAnomaly(evidence: Evidence, breach: BoundBreach): Anomaly {
  const { kind, stretch, offsets, committed, earlier, later } = breach;
  const { process, key, group, topic, partition } = stretch;
  const which = `${nameOffsets(offsets)} of ${key} in group ${group}`;
  const before =
    earlier === null || earlier.process === process ? '' : `, which ${earlier.process} had begun`;
  const message = {
    'after its commit': `${process} processed ${which} again${before}, although ${committed?.offset} had been committed before it resumed at ${stretch.first}.`,
    'without a cause': `${process} processed ${which} again${before}, and nothing had happened that would explain it: no crash, stall or rebalance, no failed handler, no seek, no restart of its client, no deletion of offsets or records.`,
    'of another owner': `${process} processed ${which} again${before}, although the partition was not its own.`,
    'two owners': `${process} and another member processed ${which}, and generation ${stretch.join?.generation?.generation} assigns it to both.`,
    'after giving it up': `${process} processed ${which} after it had joined again without that partition, and so did its new owner.`,
    'not replayed': `${process} resumed at ${stretch.first}, so ${which} did not come again, although ${committed?.offset ?? 'nothing'} was the last commit.`,
  }[kind];
  return report(
    isSentBack(evidence, breach) ? SENT_BACK : SIGNATURES[kind],
    message,
    proof(committed?.entry?.seq, earlier?.seq, stretch.openSeq, later?.seq),
    { group, topic, partition, process },
  );
}
