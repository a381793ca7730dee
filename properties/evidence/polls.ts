/**
 * Whether an application worked longer on what one poll gave it than its client may wait for the next one: deliveries and
 * processing enter, a yes or no leaves. Such a client sends no heartbeats any more and takes itself for gone until the
 * next poll (max.poll.interval.ms, KIP-62), so nobody can tell it anything before.
 */
import type { Group } from '../../scenarios/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { Evidence, GroupEvidence } from './evidence.ts';
import { handedOverAt } from './hand-overs.ts';

/** In the Java client one setting is both. */
export const pollIntervalMs = ({ maxPollIntervalMs, rebalanceTimeoutMs }: Group): number =>
  maxPollIntervalMs ?? rebalanceTimeoutMs;

/** Whether the interval of a poll had run out between the two times, while its records were still worked on. */
export function hasOverrunPollWithin(
  evidence: Evidence,
  { id, config }: GroupEvidence,
  process: string,
  fromTime: number,
  toTime: number,
): boolean {
  let poll: number | null = null;
  let isWorking = false;
  const isOver = (time: number): boolean => {
    const overAt = (poll ?? Number.POSITIVE_INFINITY) + pollIntervalMs(config);
    return time >= overAt && time > fromTime && overAt < toTime;
  };
  for (const event of eventsOf(
    evidence.history,
    'delivery',
    'processing-begin',
    'processing-end',
    'transaction-end',
  )) {
    if (event.process !== process) continue;
    if (event.kind === 'transaction-end') {
      // It ends before the next poll, whatever it was made of.
      if (isOver(event.time)) return true;
      continue;
    }
    if (event.group !== id) continue;
    if (isWorking && isOver(event.time)) return true;
    if (event.kind === 'delivery') poll = handedOverAt(event, evidence.scenario);
    isWorking = event.kind !== 'processing-end';
    if (isOver(event.time)) return true;
  }
  return isWorking && isOver(evidence.settled?.time ?? 0);
}
