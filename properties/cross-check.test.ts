/** Every property on every good history of every property: a false alarm anywhere fails here. */
import { describe, expect, it } from 'vitest';
import { historyEventSchema } from '../harness/history/schema.ts';
import { parseScenario } from '../scenarios/schema.ts';
import { catalogue, type JudgedAnomaly, judge } from './index.ts';
import { goodHistories } from './testing/good-histories.ts';

/**
 * What a story may bring with it: a zombie and a commit beforehand are always told of, and a story of another property
 * moves partitions as it needs them, without an assignor or a cause.
 */
const isOfTheStory = (told: string, { property, policy }: JudgedAnomaly): boolean =>
  (policy === 'observed' &&
    (property === 'exclusive-processing' || property === 'commit-within-processed')) ||
  ((property === 'sticky-economy' || property === 'no-spurious-rebalance') && told !== property);

describe('good histories', () => {
  for (const { id } of catalogue)
    it(`has three or more for ${id}`, () => {
      expect(goodHistories.filter((good) => good.property === id).length).toBeGreaterThanOrEqual(3);
    });

  for (const { property, name, tell } of goodHistories)
    describe(`${property}: ${name}`, () => {
      it('is a history of its schema', () => {
        const history = tell();
        parseScenario(history.start.scenario, name);
        for (const event of history.events)
          expect(historyEventSchema.safeParse(event), JSON.stringify(event)).toMatchObject({ success: true });
        expect(history.events.map((event) => event.seq)).toEqual(history.events.map((_, i) => i));
      });

      it('breaks no property', () => {
        const verdict = judge(tell());
        expect(verdict.anomalies.filter((anomaly) => !isOfTheStory(property, anomaly))).toEqual([]);
        expect(verdict.unknown).toEqual([]);
        expect(verdict.properties).toHaveLength(catalogue.length);
      });
    });
});
