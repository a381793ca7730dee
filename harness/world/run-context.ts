/** What the parts of one run share in every world: its scenario, its names, its clock and its history. */
import { setMaxListeners } from 'node:events';
import type { Scenario } from '../../scenarios/schema.ts';
import { MemberProcesses } from '../history/member-processes.ts';
import { stamped } from '../history/place.ts';
import type { GroupMember, HistoryEvent } from '../history/schema.ts';
import type { Recorder, Subject } from './world.ts';

/** An event of this run with logical names, on its way to the recorder. */
export type RunEvent = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'seq'>
    : never
  : never;
/** The same before the clock has stamped it. */
type UnstampedEvent = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'time'> : never) : never;

/** The time of a world: the wall clock, or a virtual one. */
export interface RunClock {
  /** Milliseconds of scenario time. */
  now(): number;
  /** Calls back once after the delay, never synchronously. @returns what ends it before that */
  after(delayMs: number, callback: () => void): () => void;
}

/** Between the scenario's names and those on the cluster, which differ where scenarios share one. */
export interface RunNames {
  readonly real: (name: string) => string;
  /** The event with logical names in its fields. */
  readonly toLogical: <E extends Partial<HistoryEvent>>(event: E) => E;
}

export interface RunContext extends RunClock {
  readonly scenario: Scenario;
  readonly subject: Subject;
  readonly names: RunNames;
  /** The clock of the client processes at scenario time 0, in milliseconds since the Unix epoch. */
  readonly timeOriginEpochMs: number;
  readonly signal: AbortSignal;
  /** Records an event that carries its own time. */
  record(event: RunEvent): void;
  /** Records an event of the harness, the cluster or a process, now. */
  note(event: UnstampedEvent): void;
  /** Every recorded event, as it is recorded. */
  onEvent(listener: (event: RunEvent) => void): void;
  /** Names evidence that is missing; the verdict is then at best unknown. */
  incomplete(reason: string): void;
}

export interface RunContextOptions {
  readonly scenario: Scenario;
  readonly subject: Subject;
  readonly names: RunNames;
  readonly clock: RunClock;
  readonly timeOriginEpochMs: number;
  readonly recorder: Recorder;
  readonly incomplete: (reason: string) => void;
  readonly signal: AbortSignal;
}

export function createRunContext(options: RunContextOptions): RunContext {
  const { clock, recorder, scenario, subject, names, timeOriginEpochMs, incomplete, signal } = options;
  const listeners: ((event: RunEvent) => void)[] = [];
  const name = createNaming(scenario);
  const record = (event: RunEvent): void => {
    name(event);
    recorder.record(event);
    for (const listener of listeners) listener(event);
  };
  const context = {
    scenario,
    subject,
    names,
    timeOriginEpochMs,
    now: () => clock.now(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    record,
    note: (event) => record(stamped(clock.now(), event.process, event) as RunEvent),
    onEvent: (listener) => listeners.push(listener),
    incomplete,
  } satisfies Omit<RunContext, 'signal'>;
  return abortedBy(context, signal);
}

/** The run, or a part of it, that this signal aborts. */
export function abortedBy(context: Omit<RunContext, 'signal'>, signal: AbortSignal): RunContext {
  // Every action that lasts waits on it, and Node takes more than ten that do for a leak.
  setMaxListeners(0, signal);
  return { ...context, signal };
}

/** Says of members that share a client, and so a client id, which process each of them is, as far as that is known. */
function createNaming({ groups }: Scenario): (event: RunEvent) => void {
  const sharesAny = groups.some(({ members }) =>
    members.some((member) => member.sharedProcess !== undefined),
  );
  if (!sharesAny) return () => {};
  const processes = new MemberProcesses();
  const name = (member: GroupMember): void => {
    const process = processes.processOf(member);
    if (process !== member.clientId) member.process = process;
  };
  return (event) => {
    processes.observe(event);
    if (event.kind === 'group-generation' || event.kind === 'fact-group') event.members.forEach(name);
  };
}

/**
 * Waits until the time is over or `wake` is called.
 * @param arm gets `wake`, before the wait begins
 * @throws the signal's reason when the run is aborted
 */
export async function waitMs(
  context: Pick<RunContext, 'after' | 'signal'>,
  delayMs: number,
  arm: (wake: () => void) => void = () => {},
): Promise<void> {
  const { signal } = context;
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = context.after(delayMs, end);
    signal.addEventListener('abort', end);
    arm(end);
  });
  signal.throwIfAborted();
}

/** Waits until a moment of scenario time; rejects when the run is aborted. */
export async function sleepUntil(context: RunContext, atMs: number): Promise<void> {
  const leftMs = atMs - context.now();
  if (leftMs > 0) await waitMs(context, leftMs);
  context.signal.throwIfAborted();
}
