/**
 * Paired statistics: the figures of two subjects in the same scenarios enter; their means, the mean difference with its
 * bootstrap interval, and what that says leave. The same for the same numbers and seed.
 */
import { RandomStream } from '../world/simulated/random.ts';

const RESAMPLES = 2_000;
/** Two-sided. */
const CONFIDENCE = 0.95;
/** Fewer scenarios that differ show nothing at this level, even where all differ the same way (the sign test). */
const DIFFERENT_MIN = 6;

/** @param share from 0 to 1; the nearest rank. @returns null where there are no values */
export function percentileOf(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] as number;
}

export type Verdict = 'better' | 'worse' | 'no difference shown';

export interface PairedFigure {
  /** Scenarios in which both have the figure. */
  readonly pairs: number;
  /** Means over these. */
  readonly a: number;
  readonly b: number;
  /** Of the second less the first. */
  readonly difference: number;
  readonly interval: readonly [from: number, to: number];
  /** Of the second against the first, where less is better: shown by an interval that excludes 0, in enough scenarios. */
  readonly verdict: Verdict;
  /** Scenarios in which one had less than the other. */
  readonly aBetter: number;
  readonly bBetter: number;
  /** The most in any scenario. */
  readonly aWorst: number;
  readonly bWorst: number;
}

/**
 * @param purpose names the stream that the resamples are drawn from
 * @returns null where there is no pair
 */
export function compareFigure(
  pairs: readonly (readonly [a: number, b: number])[],
  seed: number,
  purpose: string,
): PairedFigure | null {
  if (pairs.length === 0) return null;
  const differences = pairs.map(([a, b]) => b - a);
  const aBetter = differences.filter((difference) => difference > 0).length;
  const bBetter = differences.filter((difference) => difference < 0).length;
  const isEnough = aBetter + bBetter >= DIFFERENT_MIN;
  const interval = bootstrapInterval(differences, new RandomStream(seed, `bootstrap ${purpose}`));
  return {
    pairs: pairs.length,
    a: mean(pairs.map(([a]) => a)),
    b: mean(pairs.map(([, b]) => b)),
    difference: mean(differences),
    interval,
    verdict:
      isEnough && interval[1] < 0 ? 'better' : isEnough && interval[0] > 0 ? 'worse' : 'no difference shown',
    aBetter,
    bBetter,
    aWorst: pairs.reduce((most, [a]) => Math.max(most, a), Number.NEGATIVE_INFINITY),
    bWorst: pairs.reduce((most, [, b]) => Math.max(most, b), Number.NEGATIVE_INFINITY),
  };
}

/** The percentile bootstrap of the mean. */
function bootstrapInterval(values: readonly number[], random: RandomStream): [from: number, to: number] {
  if (values.every((value) => value === values[0])) {
    const value = values[0] as number;
    return [value, value];
  }
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.int(values.length)] as number;
    return sum / values.length;
  });
  const tail = (1 - CONFIDENCE) / 2;
  return [percentileOf(means, tail) as number, percentileOf(means, 1 - tail) as number];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
