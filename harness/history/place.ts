/**
 * An event's common fields, in the order in which a history has them, so that equal histories are equal byte for byte: an
 * event enters as it is reported, with its time and without its place, and its place in the history is filled in later.
 */
import type { HistoryEvent, UnplacedEvent } from './schema.ts';

/** Until the place is known. */
const UNPLACED = -1;

/** An event of this time and process whose place is left open, made once and not again when it is placed. */
export const stamped = (time: number, process: string, event: { readonly kind: string }): object => ({
  time,
  seq: UNPLACED,
  process,
  kind: event.kind,
  ...(event as object),
});

/** @returns the event at this place of the history; itself where `stamped` has left the place open */
export function place(event: UnplacedEvent & { seq?: number }, seq: number): HistoryEvent {
  if (event.seq !== undefined) {
    event.seq = seq;
    return event as HistoryEvent;
  }
  const { time, process, kind, ...rest } = event;
  return { time, seq, process, kind, ...rest } as HistoryEvent;
}
