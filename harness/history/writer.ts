/**
 * Makes a history out of what a run reports: events enter a `HistoryRecorder` in the order in which they become
 * known, a history in the order in which they happened leaves, and `writeHistory` puts it on disk as JSON Lines.
 */
import assert from 'node:assert/strict';
import type { Recorder, TraceSummary } from '../world/world.ts';
import { writeFileAtomically } from './atomic-write.ts';
import { place } from './place.ts';
import type { EventOf, History, UnplacedEvent } from './schema.ts';

/** What `finish` says of a run that never got there. */
export const UNFINISHED =
  'the run ended before its end was recorded, so everything after its last event is missing';

type Placed = { readonly event: UnplacedEvent; time: number };
type CoordinatorEvent = Extract<UnplacedEvent, { logPosition: unknown }>;

/** Collects the events of one run in memory. */
export class HistoryRecorder implements Recorder {
  readonly #events: UnplacedEvent[] = [];
  #trace: TraceSummary | null = null;
  #requests: Readonly<Record<string, number>> | null = null;

  traced(trace: TraceSummary): void {
    this.#trace = trace;
  }

  counted(requests: Readonly<Record<string, number>>): void {
    this.#requests = requests;
  }

  /** By API; null where the world does not count them, and until the run is over. */
  get requests(): Readonly<Record<string, number>> | null {
    return this.#requests;
  }

  /** Null where the world has none, and until the run is over. */
  get trace(): TraceSummary | null {
    return this.#trace;
  }

  record(event: UnplacedEvent): void {
    this.#events.push(event);
  }

  /** The number of events so far; none means that the run never began. */
  get size(): number {
    return this.#events.length;
  }

  /**
   * Orders the events and numbers them. A run that recorded no `finish` gets one that says so, and with it a verdict
   * of at best unknown.
   */
  finishHistory(): History {
    const recorded = inOrderAlready(this.#events) ? this.#events : this.#inOrder().map(withTime);
    const events = recorded.map(place);
    return { start: events[0] as EventOf<'start'>, events };
  }

  /** For each event of the history, by `seq`, how many had been recorded before it. */
  arrivals(): number[] {
    if (inOrderAlready(this.#events)) return this.#events.map((_, index) => index);
    const places = new Map(this.#events.map((event, index) => [event, index]));
    return this.#inOrder().map(({ event }) => places.get(event) ?? this.#events.length);
  }

  #inOrder(): Placed[] {
    const starts = this.#events.filter((event) => event.kind === 'start');
    const finishes = this.#events.filter((event) => event.kind === 'finish');
    const [start] = starts;
    assert(start !== undefined && starts.length === 1, 'a run records exactly one start event');
    assert(finishes.length <= 1, 'a run records at most one finish event');
    const between = orderByTime(
      this.#events.filter((event) => event.kind !== 'start' && event.kind !== 'finish'),
    );
    const finish: UnplacedEvent = finishes[0] ?? {
      time: Math.max(start.time, between.at(-1)?.time ?? start.time),
      process: 'harness',
      kind: 'finish',
      incomplete: [UNFINISHED],
    };
    return [{ event: start, time: start.time }, ...between, { event: finish, time: finish.time }];
  }
}

/**
 * Whether they are recorded as they happened, from the start to the finish, as those of the simulated world are: then
 * there is nothing to sort.
 */
function inOrderAlready(events: readonly UnplacedEvent[]): boolean {
  if (events.at(-1)?.kind !== 'finish') return false;
  const logEnds = new Map<number, number>();
  let time = Number.NEGATIVE_INFINITY;
  return events.every((event, index) => {
    const { kind } = event;
    if ((kind === 'start') !== (index === 0) || (kind === 'finish') !== (index === events.length - 1))
      return false;
    if (kind !== 'start' && event.time < time) return false;
    if (kind !== 'start') time = event.time;
    if (!isCoordinatorEvent(event)) return true;
    const { partition } = event.logPosition;
    const offset = Number(event.logPosition.offset);
    if (!Number.isSafeInteger(offset) || offset < (logEnds.get(partition) ?? 0)) return false;
    logEnds.set(partition, offset);
    return true;
  });
}

/**
 * Sorts by time, ties in order of arrival; but what the coordinator wrote keeps the order of its log.
 *
 * The coordinator's time stamps can tie or go backwards (they are whole milliseconds of the broker's clock), so each
 * of its events counts as no earlier than the one before it in the same log partition, and carries that time. A commit in a
 * transaction has the place of the marker that brings it into force.
 */
function orderByTime(events: readonly UnplacedEvent[]): Placed[] {
  const placed: Placed[] = events.map((event) => ({ event, time: event.time }));
  const logs = new Map<number, Placed[]>();
  for (const one of placed) {
    if (!isCoordinatorEvent(one.event)) continue;
    const log = logs.get(one.event.logPosition.partition) ?? [];
    log.push(one);
    logs.set(one.event.logPosition.partition, log);
  }
  for (const log of logs.values()) {
    log.sort(byLogOffset);
    let latest = Number.NEGATIVE_INFINITY;
    for (const one of log) {
      latest = Math.max(latest, one.time);
      one.time = latest;
    }
  }
  placed.sort((a, b) => a.time - b.time);
  // Ties still stand in order of arrival. Each log now takes the places that its own events got, in log order; times
  // rise along both, so no event changes its time by this.
  const next = new Map<number, number>();
  return placed.map((one) => {
    if (!isCoordinatorEvent(one.event)) return one;
    const { partition } = one.event.logPosition;
    const index = next.get(partition) ?? 0;
    next.set(partition, index + 1);
    return logs.get(partition)?.[index] ?? one;
  });
}

const isCoordinatorEvent = (event: UnplacedEvent): event is CoordinatorEvent => 'logPosition' in event;

function byLogOffset(a: Placed, b: Placed): number {
  if (!isCoordinatorEvent(a.event) || !isCoordinatorEvent(b.event)) return 0;
  const difference =
    inForceFrom(a.event) - inForceFrom(b.event) ||
    BigInt(a.event.logPosition.offset) - BigInt(b.event.logPosition.offset);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** A commit in a transaction counts from the marker on, and what lies between the two does not wait for that. */
const inForceFrom = (event: CoordinatorEvent): bigint =>
  BigInt(
    'transactionEnd' in event && event.transactionEnd !== undefined
      ? event.transactionEnd
      : event.logPosition.offset,
  );

const withTime = ({ event, time }: Placed): UnplacedEvent =>
  event.time === time ? event : { ...event, time };

/** The lines of a history, each with its line end. */
export function* historyLines(history: History): Generator<string> {
  for (const event of history.events) yield `${JSON.stringify(event)}\n`;
}

/**
 * Writes a history as JSON Lines, whole or not at all.
 * @throws HarnessError with exit code 3 where the disk is full or the folder cannot be written to
 */
export async function writeHistory(path: string, history: History): Promise<void> {
  await writeFileAtomically(path, historyLines(history));
}
