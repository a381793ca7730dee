/** What the parts of one run on real Kafka share: its scenario, its names, its clock and its history. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../../../scenarios/schema.ts';
import type { HistoryEvent } from '../../history/schema.ts';
import type { Subject } from '../world.ts';
import type { Names } from './names.ts';

/** An event of this run with logical names, on its way to the recorder. */
export type RunEvent = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'seq'>
    : never
  : never;
/** The same before the clock has stamped it. */
type UnstampedEvent = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'time'> : never) : never;

export interface RunContext {
  readonly scenario: Scenario;
  readonly subject: Subject;
  readonly names: Names;
  /** The wall clock at scenario time 0, in milliseconds since the Unix epoch. */
  readonly timeOriginEpochMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds of scenario time. */
  now(): number;
  /** Records an event that carries its own time. */
  record(event: RunEvent): void;
  /** Records an event of the harness, the cluster or a process, now. */
  note(event: UnstampedEvent): void;
  /** Every recorded event, as it is recorded. */
  onEvent(listener: (event: RunEvent) => void): void;
  /** Names evidence that is missing; the verdict is then at best unknown. */
  incomplete(reason: string): void;
}

/** The wall clock in milliseconds, with the fraction that Date lacks. */
export const epochMs = (): number => performance.timeOrigin + performance.now();

/** Microseconds are as fine as two processes' clocks on one machine agree. */
export const roundMs = (timeMs: number): number => Math.round(timeMs * 1_000) / 1_000;

/** Waits until a moment of scenario time; rejects when the run is aborted. */
export async function sleepUntil(context: RunContext, atMs: number): Promise<void> {
  const waitMs = atMs - context.now();
  if (waitMs > 0) await delay(waitMs, undefined, { signal: context.signal });
  context.signal.throwIfAborted();
}
