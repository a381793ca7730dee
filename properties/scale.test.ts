/** Long histories: the judge's work grows with the events and not with their square. */
import { expect, it } from 'vitest';
import { judge } from './index.ts';
import { pair } from './testing/good-histories.ts';

it('judges fifty thousand events with many commits, failures and hand-overs', () => {
  const { story, m1, m2 } = pair();
  for (let round = 0; story.events.length < 50_000; round += 1) {
    const [owner, other] = round % 2 === 0 ? [m1, m2] : [m2, m1];
    story.produces(6);
    for (let i = 0; i < 5; i += 1) owner.works(0, 1).commits(0, owner.positionAt(0));
    const failing = owner.positionAt(0);
    owner.delivers(0, [failing]).processes(0, failing, 'failed').stands(0, failing).works(0, 1);
    story.generation([
      [owner, [1]],
      [other, [0]],
    ]);
    other.works(0, 1).commits(0, other.positionAt(0));
  }
  const verdict = judge(story.history());
  // Its partitions change hands without an assignor or a reason, which two properties ask for.
  const ofTheStory = new Set(['sticky-economy', 'no-spurious-rebalance']);
  expect(verdict.anomalies.filter(({ property }) => !ofTheStory.has(property))).toEqual([]);
  expect(verdict.unknown).toEqual([]);
  expect(verdict.ledger.length).toBeGreaterThan(1_000);
});
