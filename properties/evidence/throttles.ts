/**
 * The times for which brokers made clients wait, or a process was silent: a history enters, spans without gaps leave. Such a
 * time goes on when the quota that caused it is gone, so that the actions of a scenario do not tell when it ends.
 */
import type { History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { ProcessEvidence } from './processes.ts';

export interface Span {
  readonly fromTime: number;
  readonly toTime: number;
}

const waitsOf = (history: History): (Span & { readonly process: string })[] =>
  eventsOf(history, 'wire-throttle').map(({ process, time, throttleTimeMs }) => ({
    process,
    fromTime: time,
    toTime: time + throttleTimeMs,
  }));

/** What the spans cover together, without overlaps and in order. */
export function merged(spans: readonly Span[]): Span[] {
  const result: { fromTime: number; toTime: number }[] = [];
  for (const { fromTime, toTime } of [...spans].sort((a, b) => a.fromTime - b.fromTime)) {
    const last = result.at(-1);
    if (last !== undefined && fromTime <= last.toTime) last.toTime = Math.max(last.toTime, toTime);
    else result.push({ fromTime, toTime });
  }
  return result;
}

export const indexThrottles = (history: History): Span[] => merged(waitsOf(history));

/** When a process stood still or was made to wait. */
export const silencesOf = (
  history: History,
  { process, stalls }: Pick<ProcessEvidence, 'process' | 'stalls'>,
): Span[] => merged([...stalls, ...waitsOf(history).filter((wait) => wait.process === process)]);
