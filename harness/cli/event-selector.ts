/** What `--until` names: its text enters, what finds the event in a history leaves. */
import { UsageError } from '../errors.ts';
import { type EventKind, type HistoryEvent, historyEventSchema } from '../history/schema.ts';

export interface EventSelector {
  readonly text: string;
  /** Null where any kind will do. */
  readonly kind: EventKind | null;
  /** A process such as `m1.2`, or a member or producer such as `m1` in any of its lives; null for any. */
  readonly process: string | null;
  /** The first event that may be it. */
  readonly fromSeq: number;
}

const kinds: readonly EventKind[] = historyEventSchema.options.map(({ shape }) => shape.kind.value);

/** @throws UsageError that says what was expected */
export function parseEventSelector(text: string): EventSelector {
  const match = /^(?:(?<only>\d+)|(?<kind>[a-z-]+)(?:@(?<process>[^:@]+))?(?::(?<from>\d+))?)$/.exec(text);
  if (match?.groups === undefined)
    throw new UsageError(`--until ${text}: expected an event.`, {
      hint: 'A number (its seq), a kind, or kind@process, such as 120, commit-fail or process-exit@m1; :120 behind a kind begins there.',
    });
  const { only, kind, process, from } = match.groups;
  if (kind !== undefined && !kinds.some((one) => one === kind))
    throw new UsageError(`--until ${text}: there is no kind of event '${kind}'.`, {
      hint: `The kinds are: ${kinds.join(', ')}.`,
    });
  return {
    text,
    kind: (kind as EventKind | undefined) ?? null,
    process: process ?? null,
    fromSeq: Number(only ?? from ?? 0),
  };
}

/** The first event that it names. @throws UsageError where the history has none */
export function findEvent(
  { text, kind, process, fromSeq }: EventSelector,
  events: readonly HistoryEvent[],
): HistoryEvent {
  const found = events.find(
    (event) =>
      event.seq >= fromSeq &&
      (kind === null || event.kind === kind) &&
      (process === null || event.process === process || event.process.replace(/\.\d+$/, '') === process),
  );
  if (found !== undefined) return found;
  const same = kind === null ? [] : events.filter((event) => event.kind === kind);
  const processes = [...new Set(same.map((event) => event.process))];
  throw new UsageError(`--until ${text}: no such event happens.`, {
    hint:
      same.length === 0
        ? `The history has the events 0 to ${events.at(-1)?.seq ?? 0}${kind === null ? '' : `, none of kind ${kind}`}.`
        : `Events of kind ${kind} happen in ${processes.join(', ')}, the last one is ${same.at(-1)?.seq}.`,
  });
}
