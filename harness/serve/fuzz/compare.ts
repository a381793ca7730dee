/** Two arms' outcomes of one sequence enter, the first unexplained difference leaves, with the path where it is. */
import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from './arm.ts';
import { knownDifferences } from './known.ts';
import { Ids, type Normalising, normalise } from './normalise.ts';
import type { Sequence } from './step.ts';

export interface Difference {
  readonly step: number;
  readonly path: string;
  readonly simulated: unknown;
  readonly real: unknown;
}

export interface Comparison {
  readonly unexplained: Difference | null;
  /** Reasons of known differences that were met. */
  readonly known: readonly string[];
}

export function compare(
  sequence: Sequence,
  simulated: readonly Outcome[],
  real: readonly Outcome[],
  by: Omit<Normalising, 'ids'>,
): Comparison {
  const [ours, theirs] = [new Ids(), new Ids()];
  const known: string[] = [];
  for (const [step, { apiKey }] of sequence.steps.entries()) {
    const left = normalise(simulated[step], { ...by, ids: ours });
    const right = normalise(real[step], { ...by, ids: theirs });
    for (const difference of differences(left, right, '')) {
      const explanation = knownDifferences.find(
        (one) =>
          one.apiKey === apiKey &&
          one.path.test(difference.path.replace(/\d+/g, '0')) &&
          (one.explains?.(difference.simulated, difference.real) ?? true),
      );
      if (explanation === undefined) return { unexplained: { step, ...difference }, known };
      known.push(explanation.reason);
    }
    // What follows a known difference may follow from it.
    if (known.length > 0 && !isDeepStrictEqual(left, right) && apiKey !== API_VERSIONS)
      return { unexplained: null, known };
  }
  return { unexplained: null, known };
}

const API_VERSIONS = 18;

function* differences(left: unknown, right: unknown, path: string): Generator<Omit<Difference, 'step'>> {
  if (isDeepStrictEqual(left, right)) return;
  const areStructs =
    typeof left === 'object' &&
    typeof right === 'object' &&
    left !== null &&
    right !== null &&
    Array.isArray(left) === Array.isArray(right);
  const isSameLength = !Array.isArray(left) || left.length === (right as unknown[]).length;
  if (!areStructs || !isSameLength) {
    yield { path, simulated: left, real: right };
    return;
  }
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys)
    yield* differences(
      (left as Record<string, unknown>)[key],
      (right as Record<string, unknown>)[key],
      path === '' ? key : `${path}.${key}`,
    );
}
