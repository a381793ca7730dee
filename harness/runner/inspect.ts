/**
 * Looks into a simulated run: a scenario, a subject and what to look for enter; its history leaves, with the messages
 * of its clients where they are wanted, and the state of everything at the event that was looked for.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import { WorldUnavailableError } from '../errors.ts';
import type { History, HistoryEvent } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { WireMessage } from '../world/simulated/message-tap.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { WorldState } from '../world/simulated/world-state.ts';
import type { Subject } from '../world/world.ts';

export interface InspectOptions {
  readonly scenario: Scenario;
  readonly subject: Subject;
  /** Whether messages are wanted: there are many. */
  readonly messages: boolean;
  readonly signal: AbortSignal;
}

/** A line of what happened: an event of the history, or a message between two of them. */
export type Happening = { readonly event: HistoryEvent } | { readonly message: WireMessage };

export interface Inspected {
  readonly history: History;
  /** In the order in which it happened. */
  readonly happenings: readonly Happening[];
  /** For each event by `seq`, how many had been recorded before it. */
  readonly arrivals: readonly number[];
  /** Why the world failed before the end, or null. */
  readonly failure: WorldUnavailableError | null;
}

/**
 * Runs a scenario to its end.
 * @throws WorldUnavailableError where the world failed before anything happened; the signal's reason
 */
export async function inspect({ scenario, subject, messages, signal }: InspectOptions): Promise<Inspected> {
  const recorder = new HistoryRecorder();
  const seen: WireMessage[] = [];
  const world = new SimulatedWorld(messages ? { inspection: { onMessage: (one) => seen.push(one) } } : {});
  let failure: WorldUnavailableError | null = null;
  try {
    await world.run(scenario, subject, recorder, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof WorldUnavailableError) || recorder.size === 0) throw error;
    failure = error;
  }
  const history = recorder.finishHistory();
  const arrivals = recorder.arrivals();
  return { history, arrivals, failure, happenings: [...interleave(history, arrivals, seen)] };
}

/** The coordinator's events are placed by its log, so a message stands before the first event that came after it. */
function* interleave(
  { events }: History,
  arrivals: readonly number[],
  messages: readonly WireMessage[],
): Generator<Happening> {
  let next = 0;
  for (const event of events) {
    const arrival = arrivals[event.seq] as number;
    for (; next < messages.length && (messages[next] as WireMessage).eventsBefore <= arrival; next++)
      yield { message: messages[next] as WireMessage };
    yield { event };
  }
  for (const message of messages.slice(next)) yield { message };
}

/**
 * Runs it again, up to an event: it is the same run, so what is recorded first now was then.
 * @param arrival how many events had been recorded before the one at which to stop
 */
export async function stateAt(
  { scenario, subject, signal }: InspectOptions,
  arrival: number,
): Promise<WorldState> {
  let state: WorldState | null = null;
  const onState = (one: WorldState): void => {
    state = one;
  };
  const world = new SimulatedWorld({ inspection: { stop: { events: arrival + 1, onState } } });
  await world.run(scenario, subject, new HistoryRecorder(), signal);
  if (state === null) throw new Error('the second run ended before the event at which it was to stop');
  return state;
}
