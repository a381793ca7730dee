/**
 * What a run came to, without the order and the times that differ between any two runs: a history and its verdict
 * enter, an `EndState` that two worlds can be compared by leaves.
 */
import type { Verdict } from '../../properties/property.ts';
import type { KnownIssueOf } from '../../reports/results.ts';
import type { History } from '../history/schema.ts';
import { MARKER_PREFIX } from '../history/schema.ts';
import { stoppedPartitions } from './stopped.ts';

export interface EndState {
  readonly outcome: Verdict['outcome'];
  /** `property: signature` of every illegal anomaly, once each, sorted. */
  readonly illegal: readonly string[];
  /** Those of them that are known bugs of the client. */
  readonly known: ReadonlySet<string>;
  /** `property: signature` of what was observed, which the configuration or the world allows. */
  readonly observed: ReadonlySet<string>;
  /**
   * By `group topic-partition`: `none`, or how many records of the scenario's producers lie at or after the committed
   * offset. Markers do not count, since how many a run needs depends on its timing.
   */
  readonly uncommitted: ReadonlyMap<string, string>;
  /** By `group topic-partition`: the known bug of the client that ended consumption there for good. */
  readonly stopped: ReadonlyMap<string, string>;
  /** By topic: how often each record of the scenario's producers is in its partition logs. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Indices of the actions that were skipped, with the reason. */
  readonly skipped: ReadonlyMap<number, string>;
}

export function endStateOf(
  history: History,
  verdict: Verdict,
  knownIssueOf: KnownIssueOf = () => null,
): EndState {
  // By signature: one is known where all anomalies that have it are.
  const findings = new Map<string, string | null>();
  for (const anomaly of verdict.anomalies) {
    if (anomaly.policy !== 'illegal') continue;
    const name = `${anomaly.property}: ${anomaly.signature}`;
    const isNew = findings.get(name) === null;
    findings.set(name, isNew ? null : knownIssueOf(anomaly, verdict));
  }
  const logs = history.events.filter((event) => event.kind === 'fact-log');
  const records = new Map<string, Map<string, number>>();
  for (const log of logs) {
    const counts = records.get(log.topic) ?? new Map<string, number>();
    records.set(log.topic, counts);
    for (const { record } of log.records)
      if (isOfProducer(record)) counts.set(record, (counts.get(record) ?? 0) + 1);
  }
  const uncommitted = new Map<string, string>();
  const skipped = new Map<number, string>();
  for (const event of history.events) {
    if (event.kind === 'fact-committed') {
      const log = logs.find(({ topic, partition }) => topic === event.topic && partition === event.partition);
      const committed = event.offset === null ? null : BigInt(event.offset);
      const left = log?.records.filter(
        ({ offset, record }) => committed !== null && BigInt(offset) >= committed && isOfProducer(record),
      );
      uncommitted.set(
        `${event.group} ${event.topic}-${event.partition}`,
        committed === null ? 'none' : String(left?.length ?? 0),
      );
    } else if (event.kind === 'action' && event.outcome === 'skipped')
      skipped.set(event.action, event.reason ?? '');
  }
  return {
    outcome: verdict.outcome,
    illegal: [...findings.keys()].sort(),
    observed: new Set(
      verdict.anomalies
        .filter(({ policy }) => policy === 'observed')
        .map(({ property, signature }) => `${property}: ${signature}`),
    ),
    known: new Set([...findings].flatMap(([name, bug]) => (bug === null ? [] : [name]))),
    uncommitted,
    stopped: stoppedPartitions(history, verdict, knownIssueOf),
    records,
    skipped,
  };
}

const isOfProducer = (record: string | null): record is string =>
  record !== null && !record.startsWith(MARKER_PREFIX);
