/** Stories told by hand, and what a person is told of them. */
import { describe, expect, it } from 'vitest';
import type { History } from '../harness/history/schema.ts';
import { judge } from '../properties/index.ts';
import { Story } from '../properties/testing/history-builder.ts';
import { narrate } from './narrate.ts';

const tell = (history: History): { steps: string[]; findings: readonly string[] } => {
  const { steps, findings } = narrate(history, judge(history));
  expect(steps.map(({ timeMs }) => timeMs)).toEqual(
    steps.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b),
  );
  return { steps: steps.map(({ text }) => text), findings };
};

describe('the story of a crash', () => {
  const story = new Story();
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]);
  story.produces(8);
  m1.worksBatch(0, 4).commits(0, 4);
  m1.delivers(0, [4, 5, 6, 7]).begins(0, 4).finishes(0, 4).begins(0, 5).finishes(0, 5).begins(0, 6);
  m1.crashes();
  const m2 = story.joins('m2');
  story.wait(6_000).generation([[m2, [0]]]);
  m2.worksBatch(0, 4).commits(0, 8);
  const { steps, findings } = tell(story.history());

  it('has one step for a stretch of work, with what was committed', () => {
    expect(steps).toContain('m1 processed offsets 0 to 5 of orders-0 (p1-0 to p1-5) and committed 4');
    expect(steps).toContain('m2 processed offsets 4 to 7 of orders-0 (p1-4 to p1-7) and committed 8');
    expect(steps.filter((step) => step.includes('processed offset'))).toHaveLength(2);
  });

  it('says what the dead member leaves behind, right after its death', () => {
    const death = steps.indexOf('m1 was killed (SIGKILL)');
    expect(steps[death + 1]).toBe(
      'it left orders-0 behind: committed 4, offsets 4 to 5 processed and not committed, offset 6 in the middle of processing, offset 7 handed over and not begun',
    );
  });

  it('names members as the scenario does, starts and generations, and no markers', () => {
    expect(steps).toContain('m1 started');
    expect(steps).toContain('generation 2 of billing was stable: m2 with orders-0');
    expect(steps).toContain('m2 read its committed offsets: orders-0 4');
    expect(steps.join()).not.toMatch(/marker|m\d\.1/);
    expect(steps.at(-1)).toBe('everybody had caught up');
  });

  it('says what came twice, and why', () => {
    expect(findings).toEqual([
      'Records p1-4 to p1-6 came twice in billing: after the crash of m1, m2 went on with orders-0 at offset 4, since 4 was committed, and 3 records came again.',
    ]);
  });
});

describe('other endings', () => {
  it('count by member and cause what came again many times', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(2);
    for (let times = 0; times < 5; times++) m1.delivers(0, [0, 1]).processes(0, 0, 'failed');
    m1.delivers(0, [0, 1]).processes(0, 0).processes(0, 1).commits(0, 2);
    expect(tell(story.history()).findings[0]).toMatchInlineSnapshot(
      `"1 record (p1-0) came again in billing, 5 times in all: 5 by m1 after the handler had failed."`,
    );
  });

  it('are quiet where nothing came twice', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(2);
    m1.works(0, 2).commits(0, 2);
    expect(tell(story.history()).findings).toEqual(['billing processed every record exactly once.']);
  });

  it('name records that were committed and not processed', () => {
    const story = new Story({
      groups: [
        { commitOrder: 'commit-then-process', consumeMode: 'manual', commitMode: { kind: 'per-batch' } },
      ],
    });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(3);
    m1.delivers(0, [0, 1, 2]).commits(0, 3).begins(0, 0).finishes(0, 0).begins(0, 1).crashes();
    const m2 = story.joins('m2');
    story.wait(6_000).generation([[m2, [0]]]);
    const { steps, findings } = tell(story.history());
    expect(steps).toContain(
      'it left orders-0 behind: committed 3, offset 1 in the middle of processing, offset 2 handed over and not begun, so offsets 1 to 2 committed without having been processed',
    );
    expect(findings[0]).toBe('Records p1-1 to p1-2 were never processed in billing.');
    expect(findings[1]).toMatch(/^Group billing never processed offsets 1 and 2/);
  });

  it('name records that are in no log, and whether anybody had said that they were', () => {
    const story = new Story({ producers: [{ acks: 1 }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(1, { written: false });
    story.wait(1_500).produces(2, { outcome: 'unknown', written: false });
    story.closesProducer();
    const { steps, findings } = tell(story.history());
    expect(steps).toContainEqual(
      expect.stringMatching(
        /^p1 sent p1-0 to p1-2 to orders with acks 1, until 1\.\d\d s; 1 were acknowledged, of 2 it does not know what became$/,
      ),
    );
    expect(findings).toContain(
      'At the end no partition log holds records p1-0 to p1-2, although p1-0 was acknowledged.',
    );
  });

  it('leave out of a death what the member had lost before', () => {
    const story = new Story({ topics: { orders: 2 } });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation([[m1, [0, 1]]]).produces(4);
    m1.delivers(0, [0, 1, 2, 3]).begins(0, 0).finishes(0, 0);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m1.crashes();
    const { steps } = tell(story.history());
    expect(steps).toContain('m1 was killed (SIGKILL)');
    expect(steps.join()).not.toMatch(/left orders-0 behind/);
  });

  it('keep the lives of a member apart, and count many commits', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(7);
    for (let offset = 0; offset < 7; offset++) m1.works(0, 1).commits(0, offset + 1);
    m1.crashes();
    const again = story.joins('m1');
    story.generation([[again, [0]]]);
    const { steps } = tell(story.history());
    expect(steps).toContain(
      'm1.1 processed offsets 0 to 6 of orders-0 (p1-0 to p1-6) and committed 1 to 7 in 7 commits',
    );
    expect(steps).toContain('m1 started again, as m1.2');
    expect(steps.join()).not.toMatch(/left orders-0 behind/);
  });
});
