/** Random legal histories with one thing gone wrong: the property that is named for it has to see it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, judge } from './index.ts';
import { planArbitrary, tellLegally } from './testing/legal-histories.ts';
import { mutations } from './testing/mutations.ts';

/** More by hand, after a change: `MUTATED_HISTORIES=5000 npx vitest run properties/mutations`. */
const numRuns = Number(process.env.MUTATED_HISTORIES ?? 40);
const seed = process.env.MUTATED_HISTORIES === undefined ? { seed: 21 } : {};

describe('a legal history in which', () => {
  for (const mutation of mutations) {
    const { name, property } = mutation;
    it(`${name} is caught by ${property}`, () => {
      const named = catalogue.filter(({ id }) => id === property);
      let caught = 0;
      fc.assert(
        fc.property(planArbitrary, fc.nat(), (plan, draw) => {
          const mutated = mutation.apply(tellLegally(plan).history(), draw);
          fc.pre(mutated !== null);
          // The named property alone: the others are free to see something too.
          const { anomalies, unknown } = judge(mutated, named);
          expect(unknown).toEqual([]);
          expect(anomalies.map((anomaly) => anomaly.property)).toContain(property);
          caught += 1;
        }),
        { numRuns, maxSkipsPerRun: 200, ...seed },
      );
      expect(caught).toBe(numRuns);
    });
  }

  it('covers every property', () => {
    expect(
      catalogue.map(({ id }) => id).filter((id) => !mutations.some(({ property }) => property === id)),
    ).toEqual([]);
  });
});
