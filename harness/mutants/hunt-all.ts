/**
 * Puts mutants on trial one after another, within a limit of time: they enter, what each took leaves, and the names of those
 * that there was no time for.
 */
import type { Mutant } from '../client/mutants.ts';
import { hunt } from './hunt.ts';
import type { Kill } from './result.ts';

export interface HuntAllOptions {
  readonly mutants: readonly Mutant[];
  readonly seed: number;
  /** At most so many scenarios for each. */
  readonly runs: number;
  /** None is begun after it; null without a limit. */
  readonly timeMs: number | null;
  readonly onKill: (kill: Kill) => void;
  readonly signal: AbortSignal;
}

export interface Hunted {
  readonly kills: readonly Kill[];
  readonly untried: readonly string[];
}

export async function huntAll(options: HuntAllOptions): Promise<Hunted> {
  const { mutants, seed, runs, timeMs, onKill, signal } = options;
  const startedMs = performance.now();
  const kills: Kill[] = [];
  for (const mutant of mutants) {
    if (signal.aborted || (timeMs !== null && performance.now() - startedMs >= timeMs)) break;
    const kill = await hunt(mutant, { seed, runs, signal }).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    // Interrupted: what has been found is kept all the same.
    if (kill === null) break;
    onKill(kill);
    kills.push(kill);
  }
  return { kills, untried: mutants.slice(kills.length).map(({ id }) => id) };
}
