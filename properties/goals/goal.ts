/**
 * What a goal is: something that generated scenarios have to reach now and then, for a property that holds in histories
 * where nothing happens proves nothing. A history enters, indexed once for all goals, and whether it got there leaves.
 */
import type { EventKind, EventOf, History } from '../../harness/history/schema.ts';
import { eventsOf } from '../evidence/by-kind.ts';
import { type Evidence, evidenceOf } from '../evidence/evidence.ts';

export interface Goal {
  /** As it stands in results: small letters and hyphens. */
  readonly name: string;
  /** What has to happen, as the end of a sentence that begins with "In some scenario". */
  readonly description: string;
  /** Some runs of thousands of scenarios may not reach it: it needs one client, or much luck. */
  readonly isRare: boolean;
  readonly isReached: (reached: Reached) => boolean;
}

export interface Reached {
  readonly evidence: Evidence;
  /** The history's events of a kind, in its order. */
  readonly of: <K extends EventKind>(kind: K) => readonly EventOf<K>[];
}

const known = new WeakMap<History, Reached>();

export function reachedBy(history: History): Reached {
  const before = known.get(history);
  if (before !== undefined) return before;
  const reached: Reached = {
    evidence: evidenceOf(history),
    of: (kind) => eventsOf(history, kind),
  };
  known.set(history, reached);
  return reached;
}

export const goal = (name: string, description: string, isReached: Goal['isReached']): Goal => ({
  name,
  description,
  isRare: false,
  isReached,
});

export const rare = (one: Goal): Goal => ({ ...one, isRare: true });
