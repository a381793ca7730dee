/** Random legal histories: no property may find anything in them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duplicateLedger, type JudgedAnomaly, judge } from './index.ts';
import { planArbitrary, tellLegally } from './testing/legal-histories.ts';

/** More by hand, after a change: `LEGAL_HISTORIES=50000 npx vitest run properties/legal-histories`. */
const numRuns = Number(process.env.LEGAL_HISTORIES ?? 400);
const seed = process.env.LEGAL_HISTORIES === undefined ? { seed: 20 } : {};

/** A group that commits nothing and starts at the end loses what came in between, which is worth telling and legal. */
const isExpected = ({ property, signature, policy }: JudgedAnomaly): boolean =>
  policy === 'observed' &&
  (signature === 'lost: latest was resolved again before the first commit' ||
    // Zombies are told of wherever they are.
    property === 'exclusive-processing');

describe('random legal histories', () => {
  it('break no property', () => {
    fc.assert(
      fc.property(planArbitrary, (plan) => {
        const verdict = judge(tellLegally(plan).history());
        expect(verdict.anomalies.filter((anomaly) => !isExpected(anomaly))).toEqual([]);
        expect(verdict.unknown).toEqual([]);
      }),
      { numRuns, ...seed },
    );
  });

  it('have ledgers whose bounds hold', () => {
    fc.assert(
      fc.property(planArbitrary, (plan) => {
        for (const entry of duplicateLedger(tellLegally(plan).history())) {
          expect(entry.replayed).toBeLessThanOrEqual(entry.mayReplay);
          expect(entry.mustReplay).toBeLessThanOrEqual(entry.mayReplay);
          expect(entry.cause).not.toBe('unexplained');
        }
      }),
      { numRuns: Math.ceil(numRuns / 4), ...seed },
    );
  });
});
