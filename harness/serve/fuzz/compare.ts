/** Two arms' outcomes of one sequence enter, the first unexplained difference leaves, with the path where it is. */
import { isDeepStrictEqual } from 'node:util';
import type { ProfileName } from '../../cluster/profiles.ts';
import type { ArmResult } from './arm.ts';
import { knownDifferences } from './known.ts';
import { Ids, type Normalising, normalise } from './normalise.ts';
import type { Sequence, Step } from './step.ts';

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
  simulated: ArmResult,
  real: ArmResult,
  { release, ...by }: Omit<Normalising, 'ids'> & { readonly release: ProfileName },
): Comparison {
  const [ours, theirs] = [new Ids(simulated.topicIds), new Ids(real.topicIds)];
  const known: string[] = [];
  for (const [step, { apiKey }] of sequence.steps.entries()) {
    let isStateDifferent = false;
    const left = normalise(simulated.outcomes[step], { ...by, ids: ours });
    const right = normalise(real.outcomes[step], { ...by, ids: theirs });
    // Every login that is refused ends its connection, and nothing else that is answered is said to.
    const isRefusal = [left, right].every((one) => (one as { connection?: string }).connection === 'closed');
    for (const difference of differences(left, right, '')) {
      const explanation = knownDifferences.find(
        (one) =>
          one.apiKey === apiKey &&
          (one.release ?? release) === release &&
          (one.refusesLogin !== true || isRefusal) &&
          one.path.test(difference.path.replace(/\d+/g, '0')) &&
          (one.explains?.(
            difference.simulated,
            difference.real,
            sequence.steps[step] as Step,
            sequence.steps.slice(0, step),
          ) ??
            true),
      );
      if (explanation === undefined) return { unexplained: { step, ...difference }, known };
      known.push(explanation.reason);
      isStateDifferent ||= explanation.changesState === true;
      if (explanation.coversAnswer === true) break;
    }
    // What follows may follow from it.
    if (isStateDifferent) return { unexplained: null, known };
  }
  return { unexplained: null, known };
}

function* differences(left: unknown, right: unknown, path: string): Generator<Omit<Difference, 'step'>> {
  if (isDeepStrictEqual(left, right)) return;
  const areStructs =
    typeof left === 'object' &&
    typeof right === 'object' &&
    left !== null &&
    right !== null &&
    Array.isArray(left) === Array.isArray(right);
  const isSameLength = !Array.isArray(left) || !Array.isArray(right) || left.length === right.length;
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
