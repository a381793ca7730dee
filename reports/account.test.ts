/** The paragraph on what happens in a run: steps in order, those after the proof left out, then the anomaly. */
import { expect, it } from 'vitest';
import { judge } from '../properties/index.ts';
import { Story } from '../properties/testing/history-builder.ts';
import { paragraphOf } from './account.ts';

it('tells a crash that repeats records', () => {
  const story = new Story();
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]);
  story.produces(8);
  m1.worksBatch(0, 4).commits(0, 4);
  m1.delivers(0, [4]).begins(0, 4).finishes(0, 4);
  m1.crashes();
  const m2 = story.joins('m2');
  story.generation([[m2, [0]]]);
  m2.worksBatch(0, 4).commits(0, 8);
  const history = story.history();
  const crash = history.events.findLastIndex(
    (event) => event.kind === 'process-exit' && event.signal === 'SIGKILL',
  );
  const paragraph = paragraphOf(history, judge(history), {
    property: 'at-least-once',
    signature: 'lost',
    policy: 'illegal',
    message: 'Group billing lost what m1 had.',
    events: [0, crash],
    subject: {},
  });
  expect(paragraph).toMatch(/^At \d+\.\d s, .*m1 started/);
  expect(paragraph).toContain('m1 processed offsets 0 to 4 of orders-0');
  expect(paragraph).toContain('; it left orders-0 behind: committed 4');
  expect(paragraph).not.toContain('m2 processed');
  expect(paragraph).toMatch(/Group billing lost what m1 had\.$/);
});
