/**
 * A history by kind of event: a history enters, the events of the kinds that a checker is about leave in its order, so
 * that each of them looks at a few events and not at all, however many checkers there are.
 */
import type { EventKind, EventOf, History, HistoryEvent } from '../../harness/history/schema.ts';

const known = new WeakMap<History, ReadonlyMap<EventKind, readonly HistoryEvent[]>>();
const NONE: readonly HistoryEvent[] = [];

function byKindOf(history: History): ReadonlyMap<EventKind, readonly HistoryEvent[]> {
  let byKind = known.get(history);
  if (byKind === undefined) {
    byKind = index(history);
    known.set(history, byKind);
  }
  return byKind;
}

function index(history: History): Map<EventKind, HistoryEvent[]> {
  const byKind = new Map<EventKind, HistoryEvent[]>();
  for (const event of history.events) {
    const list = byKind.get(event.kind);
    if (list === undefined) byKind.set(event.kind, [event]);
    else list.push(event);
  }
  return byKind;
}

/** The events of these kinds, ascending by `seq`. */
export function eventsOf<K extends EventKind>(
  history: History,
  ...kinds: readonly K[]
): readonly EventOf<K>[] {
  const byKind = byKindOf(history);
  const found = kinds
    .map((kind) => byKind.get(kind) ?? NONE)
    .sort((a, b) => a.length - b.length)
    .reduce(merged, NONE);
  return found as readonly EventOf<K>[];
}

/** Both lists in one, ascending by `seq` as they are. */
function merged(some: readonly HistoryEvent[], others: readonly HistoryEvent[]): readonly HistoryEvent[] {
  if (some.length === 0) return others;
  const both: HistoryEvent[] = [];
  let next = 0;
  for (const event of others) {
    for (let one = some[next]; one !== undefined && one.seq < event.seq; one = some[next]) {
      both.push(one);
      next += 1;
    }
    both.push(event);
  }
  for (; next < some.length; next += 1) both.push(some[next] as HistoryEvent);
  return both;
}
