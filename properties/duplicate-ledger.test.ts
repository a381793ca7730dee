/** The duplicate ledger on hand-written histories: cause and counts of each hand-over. */
import { describe, expect, it } from 'vitest';
import { duplicateLedger } from './duplicate-ledger.ts';
import { alone, goodHistories, pair } from './testing/good-histories.ts';
import type { Story } from './testing/history-builder.ts';

/** `cause from>to committed@resumed must<=replayed<=may`, of the first partition. */
const ledger = (story: Story): string[] =>
  duplicateLedger(story.history())
    .filter(({ partition }) => partition === 0)
    .map(
      (entry) =>
        `${entry.cause} ${entry.fromProcess}>${entry.toProcess} ${entry.committedOffset}@${entry.resumedOffset} ${entry.mustReplay}<=${entry.replayed}<=${entry.mayReplay}`,
    );

const tell = (name: string) => {
  const good = goodHistories.find((one) => one.name === name);
  if (good === undefined) throw new Error(`no good history is called '${name}'`);
  return { history: good.tell } as unknown as Story;
};

describe('the ledger', () => {
  it('counts a crash', () => {
    expect(
      ledger(tell('what was processed and not committed comes again after a crash')),
    ).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "crash m1.1>m2.1 2@2 2<=3<=3",
      ]
    `);
  });

  it('counts a stall, and what the zombie repeats on its own account', () => {
    expect(ledger(tell('a zombie and the new owner process the same records'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "stall m1.1>m2.1 1@1 0<=1<=1",
        "stall m2.1>m1.1 null@2 0<=2<=2",
        "rebalance m2.1>m1.1 6@6 0<=0<=0",
      ]
    `);
    expect(ledger(tell('the new owner meets records that a zombie is working on'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "stall m1.1>m2.1 null@0 0<=1<=1",
        "stall m2.1>m1.1 null@1 0<=2<=2",
        "rebalance m2.1>m1.1 4@4 0<=0<=0",
      ]
    `);
  });

  it('counts a failing handler', () => {
    expect(ledger(tell('a failing handler brings the whole batch again'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "handler-failure m1.1>m1.1 3@2 1<=2<=2",
      ]
    `);
    expect(ledger(tell('a failing record is tried again'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "handler-failure m1.1>m1.1 null@1 0<=1<=2",
      ]
    `);
  });

  it('counts a restart of the client', () => {
    expect(ledger(tell('the client restarts and begins at its commit'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "client-restart m1.1>m1.1 1@1 1<=1<=1",
      ]
    `);
  });

  it('counts a group that commits nothing', () => {
    expect(ledger(tell('nothing is ever committed'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "rebalance m1.1>m2.1 null@0 3<=3<=3",
      ]
    `);
  });

  it('counts deleted offsets and deleted records', () => {
    expect(ledger(tell('the committed offsets are deleted while nobody is there'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "offsets-deleted m1.1>m2.1 null@0 3<=3<=3",
      ]
    `);
    expect(ledger(tell('latest, position below the log start'))).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "records-deleted m1.1>m1.1 2@6 0<=0<=2",
      ]
    `);
  });

  it('counts a leave and an ordinary rebalance', () => {
    const { story, m1, m2 } = pair();
    story.produces(6);
    m1.works(0, 3).commits(0, 1);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 4).leaves();
    story.generation([[m1, [0, 1]]]);
    expect(ledger(story)).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "rebalance m1.1>m2.1 1@1 2<=2<=2",
        "leave m2.1>m1.1 1@1 4<=4<=4",
      ]
    `);
  });

  it('tells why each owner came', () => {
    const causes = (tellIt: (parts: ReturnType<typeof pair>) => void, options = {}) => {
      const parts = pair(options);
      parts.story.produces(9);
      tellIt(parts);
      return ledger(parts.story).map((line) => line.split(' ', 2).join(' '));
    };
    const moves = ({ story, m1, m2 }: ReturnType<typeof pair>) =>
      story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
    expect(
      causes(({ story, m1, m2 }) => {
        m1.works(0, 1).exits(1);
        story.wait(6_000).generation([[m2, [0, 1]]]);
        m2.works(0, 1);
        story.during({ kind: 'pause-broker', broker: 1 }, () => {});
      }),
    ).toEqual(['first null>m1.1', 'crash m1.1>m2.1']);
    expect(
      causes((parts) => {
        parts.m1.works(0, 1).clientCrashes('connection lost', true);
        moves(parts);
        parts.m2.works(0, 1);
        parts.m2.stalls(() => parts.story.wait(100));
        parts.story.generation([
          [parts.m1, [1]],
          [parts.m2, [0]],
        ]);
        parts.m2.works(0, 1);
      }),
    ).toEqual(['first null>m1.1', 'client-restart m1.1>m2.1', 'stall m2.1>m2.1']);
    expect(
      causes(({ story, m1, m2 }) => {
        m1.works(0, 1);
        m1.stalls(() => {
          story.wait(7_000).generation([[m2, [0, 1]]]);
          m2.works(0, 1);
        });
        m1.clientCrashes('connection lost', true);
        story.generation([
          [m1, [0]],
          [m2, [1]],
        ]);
      }),
    ).toEqual(['first null>m1.1', 'stall m1.1>m2.1', 'rebalance m2.1>m1.1']);
    expect(
      causes(({ m1 }) => {
        m1.works(0, 2).stalls(() => {});
        m1.stands(0, 1).works(0, 1);
      }),
    ).toEqual(['first null>m1.1', 'stall m1.1>m1.1']);
    expect(
      causes(
        ({ story, m1, m2 }) => {
          m1.works(0, 1).commits(0, 1);
          story.deletesRecords(3);
          m1.findsOutOfRange(0).crashes();
          story.wait(6_000).generation([[m2, [0, 1]]]);
          m2.works(0, 1);
        },
        { marksResets: true },
      ),
    ).toEqual(['first null>m1.1', 'records-deleted m1.1>m2.1']);
  });

  it('gives an interval where a commit was under way', () => {
    const { story, m1 } = alone({ wire: false });
    story.produces(6);
    m1.works(0, 4).commits(0, 2);
    // Without a tap nobody knows whether the commit of 4 came before the restart's look at the coordinator.
    m1.clientCrashes('connection lost', true);
    const rebalanced = story.generation([[m1, [0]]]);
    rebalanced.accepts('orders', 0, 4);
    rebalanced.time -= 20;
    m1.stands(0, 2).works(0, 4);
    expect(ledger(story)).toMatchInlineSnapshot(`
      [
        "first null>m1.1 null@0 0<=0<=0",
        "client-restart m1.1>m1.1 2@2 0<=2<=2",
      ]
    `);
  });

  it('keeps the order must, replayed, may on every good history that gets to its end', () => {
    for (const { name, tell: one } of goodHistories)
      for (const entry of duplicateLedger(one())) {
        expect(entry.replayed, name).toBeLessThanOrEqual(entry.mayReplay);
        expect(entry.mustReplay, name).toBeLessThanOrEqual(entry.mayReplay);
      }
  });
});
