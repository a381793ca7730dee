/**
 * A history by kind of event: a history enters, the events of the kinds that a checker is about leave in its order, so
 * that each of them looks at a few events and not at all, however many checkers there are.
 */
import type { EventKind, EventOf, History, HistoryEvent } from '../../harness/history/schema.ts';

const known = new WeakMap<History, ReadonlyMap<EventKind, readonly HistoryEvent[]>>();
const NONE: readonly never[] = [];

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
  const lists = kinds.flatMap((kind) => {
    const list = byKind.get(kind);
    return list === undefined ? [] : [list];
  });
  const found = lists.length > 1 ? lists.flat().sort((a, b) => a.seq - b.seq) : (lists[0] ?? NONE);
  return found as readonly HistoryEvent[] as readonly EventOf<K>[];
}
