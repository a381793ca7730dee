/** Every mutant is caught by a property that is named for it, and every property but one has a mutant. */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import { mutants, needsSimulatedCluster } from '../client/mutants.ts';
import { brokenClusters } from '../cluster/broken/clusters.ts';
import { hunt } from './hunt.ts';
import { isEnough, renderMutants } from './table.ts';
import { kill, missed, resultOf } from './testing/kills.ts';

/** So many nearly all of them may take (see table.ts); `npm run mutants` looks further. */
const RUNS = 200;
const SEED = 1;

describe('a mutant', () => {
  for (const mutant of mutants)
    it(`${mutant.id} is caught`, { timeout: 240_000 }, async () => {
      const kill = await hunt(mutant, { seed: SEED, runs: RUNS });
      expect(mutant.caughtBy).toContain(kill.property);
      expect(kill.replay).toContain(`--mutant ${mutant.id}`);
    });

  it('of the cluster is one that the simulated cluster knows', () => {
    expect(
      mutants
        .filter(needsSimulatedCluster)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(brokenClusters.toSorted());
  });
});

it('every property has a mutant', () => {
  const caught = new Set<string>(mutants.flatMap(({ caughtBy }) => [...caughtBy]));
  expect(catalogue.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
  const known = new Set(catalogue.map(({ id }) => id));
  expect([...caught].filter((id) => !known.has(id))).toEqual([]);
});

describe('the table', () => {
  it('says what each mutant took, and what was not caught', () => {
    expect(renderMutants(resultOf(kill, missed))).toMatchInlineSnapshot(`
      "mutant          breaks       with              caught by      scenarios
      skip-partition  application  kafkajs, default  at-least-once  2
      other           application  kafkajs, default  NOT CAUGHT     9

      1 of 2 mutants were caught within 9 scenarios of seed 1, 1 (50 %) within 200; 90 % are asked for.
      "
    `);
  });

  it('is enough where all are caught, and nine of ten soon', () => {
    expect(isEnough(resultOf(kill))).toBe(true);
    expect(isEnough(resultOf(kill, missed))).toBe(false);
    expect(isEnough(resultOf(kill, { ...kill, scenarios: 201 }))).toBe(false);
    expect(isEnough(resultOf(...Array.from({ length: 9 }, () => kill), { ...kill, scenarios: 900 }))).toBe(
      true,
    );
  });
});
