/**
 * The times for which brokers made clients wait: a history enters, spans without gaps between them leave. Such a time goes on
 * when the quota that caused it is gone, so that the actions of a scenario do not tell when it ends.
 */
import type { History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';

export interface Span {
  readonly fromTime: number;
  readonly toTime: number;
}

export function indexThrottles(history: History): Span[] {
  const spans: { fromTime: number; toTime: number }[] = [];
  const told = eventsOf(history, 'wire-throttle').map(({ time, throttleTimeMs }) => ({
    fromTime: time,
    toTime: time + throttleTimeMs,
  }));
  for (const span of told.sort((a, b) => a.fromTime - b.fromTime)) {
    const last = spans.at(-1);
    if (last !== undefined && span.fromTime <= last.toTime) last.toTime = Math.max(last.toTime, span.toTime);
    else spans.push(span);
  }
  return spans;
}
