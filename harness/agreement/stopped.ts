/**
 * Where a known bug of the client ended a group's consumption for good: a history, its verdict and what is known enter;
 * the partitions that nobody reads any more, with the bug's name, leave.
 *
 * How far such a group had got is decided by the instant at which the bug struck, which no two runs share. So this holds
 * only where nobody was left to go on, one bug did it, and what is committed fits what the members were handed: it lies in
 * the log, and not beyond the last record of a delivery. All other committed offsets have to be explained exactly.
 */
import { givenUp } from '../../properties/absent-member.ts';
import { evidenceOf } from '../../properties/evidence/evidence.ts';
import { isRunningAt } from '../../properties/evidence/processes.ts';
import { partitionKey } from '../../properties/evidence/values.ts';
import type { Verdict } from '../../properties/property.ts';
import type { KnownIssueOf } from '../../reports/results.ts';
import type { History } from '../history/schema.ts';

/** @returns by `group topic-partition` the known bug */
export function stoppedPartitions(
  history: History,
  verdict: Verdict,
  knownIssueOf: KnownIssueOf,
): Map<string, string> {
  const stopped = new Map<string, string>();
  const { logs } = evidenceOf(history);
  for (const { id, bug } of stoppedGroups(history, verdict, knownIssueOf)) {
    const deliveredTo = lastDeliveries(history, id);
    for (const event of history.events) {
      if (event.kind !== 'fact-committed' || event.group !== id || event.offset === null) continue;
      const partition = `${event.topic}-${event.partition}`;
      const log = logs.get(partitionKey(event.topic, event.partition));
      const committed = Number(event.offset);
      const fits =
        log !== undefined &&
        committed >= log.logStartOffset &&
        committed <= log.logEndOffset &&
        committed <= (deliveredTo.get(partition) ?? -1) + 1;
      if (fits) stopped.set(`${id} ${partition}`, bug);
    }
  }
  return stopped;
}

/** Those of which every process that ran at the end of settling had given up, all by the same known bug. */
function stoppedGroups(
  history: History,
  verdict: Verdict,
  knownIssueOf: KnownIssueOf,
): { id: string; bug: string }[] {
  const bugs = new Map<string, string | null>();
  for (const anomaly of verdict.anomalies)
    if (givenUp.has(anomaly.signature) && anomaly.subject.process !== undefined)
      bugs.set(anomaly.subject.process, knownIssueOf(anomaly, verdict));
  const { groups, settled } = evidenceOf(history);
  if (bugs.size === 0 || settled === null) return [];
  return groups.flatMap(({ id, processes }) => {
    const running = processes.filter((process) => isRunningAt(process, settled.seq));
    const [bug, ...others] = new Set(running.map(({ process }) => bugs.get(process) ?? null));
    return bug == null || others.length > 0 ? [] : [{ id, bug }];
  });
}

function lastDeliveries({ events }: History, group: string): Map<string, number> {
  const last = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== 'delivery' || event.group !== group) continue;
    const key = `${event.topic}-${event.partition}`;
    for (const offset of event.offsets.map(Number)) if (offset > (last.get(key) ?? -1)) last.set(key, offset);
  }
  return last;
}
