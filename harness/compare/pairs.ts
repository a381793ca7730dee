/**
 * Puts measured scenarios into pairs: the figures of all subjects enter; for every subject but the first, its figures
 * against the first one's, and the scenarios in which they differ most leave.
 */
import { type Figures, factsOf, inFigureOrder } from './figures.ts';
import type { Measured } from './run.ts';
import { compareFigure, type PairedFigure } from './statistics.ts';

export type ComparedFigures = Readonly<
  Record<string, PairedFigure & { readonly title: string; readonly unit: string }>
>;

/** What is not listed was not there; a request of a kind that a client never makes is none, and no gap. */
const figureIn = (figures: Figures, name: string): number | null =>
  figures[name] ?? (name.startsWith('requests:') && figures.requests != null ? 0 : null);

/** @param b the place of the subject that is held against the first */
export function figuresAgainst(
  scenarios: readonly (readonly Measured[])[],
  b: number,
  seed: number,
): ComparedFigures {
  const both = pairsOf(scenarios, b);
  const names = inFigureOrder(
    new Set(both.flatMap(({ a, b: other }) => [...Object.keys(a), ...Object.keys(other)])),
  );
  return Object.fromEntries(
    names.flatMap((name) => {
      const pairs = both.flatMap((one) => {
        const [a, other] = [figureIn(one.a, name), figureIn(one.b, name)];
        return a === null || other === null ? [] : [[a, other] as const];
      });
      const figure = compareFigure(pairs, seed, name);
      return figure === null ? [] : [[name, { ...factsOf(name), ...figure }]];
    }),
  );
}

interface Pair {
  /** Place of the scenario. */
  readonly index: number;
  readonly a: Figures;
  readonly b: Figures;
}

export const pairsOf = (scenarios: readonly (readonly Measured[])[], b: number): Pair[] =>
  scenarios.flatMap((ofScenario, index) => {
    const [first, other] = [ofScenario[0]?.figures ?? null, ofScenario[b]?.figures ?? null];
    return first === null || other === null ? [] : [{ index, a: first, b: other }];
  });

/** One scenario worth a look, and for which figure. */
export interface Example {
  readonly index: number;
  readonly figure: string;
  readonly a: number;
  readonly b: number;
}

/** What a person asks first, in that order. */
const EXAMPLE_FIGURES = [
  'lost',
  'illegal.new',
  'illegal',
  'duplicates',
  'ownerless',
  'recovery.worst',
  'lag.p99',
  'unwritten',
];
const EXAMPLES_MAX = 3;

/** The scenarios with the largest difference of each figure that people ask for first, each scenario once. */
export function largestDifferences(scenarios: readonly (readonly Measured[])[], b: number): Example[] {
  const examples: Example[] = [];
  for (const figure of EXAMPLE_FIGURES) {
    if (examples.length >= EXAMPLES_MAX) break;
    let largest: Example | null = null;
    for (const pair of pairsOf(scenarios, b)) {
      const [a, other] = [figureIn(pair.a, figure), figureIn(pair.b, figure)];
      if (a === null || other === null || a === other) continue;
      if (examples.some(({ index }) => index === pair.index)) continue;
      if (largest === null || Math.abs(other - a) > Math.abs(largest.b - largest.a))
        largest = { index: pair.index, figure, a, b: other };
    }
    if (largest !== null) examples.push(largest);
  }
  return examples;
}
