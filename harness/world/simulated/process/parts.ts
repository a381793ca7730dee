/**
 * What one simulated process has of its own; everything that its code can reach is made of these. Code that is shared
 * by several processes finds those of the process whose event is running.
 */
import type { EventEmitter } from 'node:events';
import type { RandomStream } from '../random.ts';
import { running } from '../scheduler.ts';
import type { ProcessClock } from './clock.ts';
import type { Dialer } from './socket.ts';
import type { ProcessTimers } from './timers.ts';

export interface ProcessParts {
  readonly pid: number;
  readonly clock: ProcessClock;
  readonly timers: ProcessTimers;
  /** `Math.random`, and everything of `crypto`: one stream each. */
  readonly random: RandomStream;
  readonly cryptoRandom: RandomStream;
  readonly dialer: Dialer;
  /** Signals, and whatever else the code listens for on its `process`. */
  readonly signals: EventEmitter;
  readonly env: Record<string, string | undefined>;
  exitCode: number | undefined;
  /** The process is gone when it returns. */
  readonly exit: (code: number) => void;
  /** Takes what is written to standard output and standard error. */
  readonly print: (text: string) => void;
}

export type PartsOf = () => ProcessParts;

/** The parts of the process whose event is running. */
export const runningParts: PartsOf = () => {
  const parts = running.owner?.parts;
  if (parts === null || parts === undefined)
    throw new Error("code of a simulated process runs outside of that process's events");
  return parts as ProcessParts;
};
