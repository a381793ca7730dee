/** duplicate-bound on hand-written histories. */
import { describe, expect, it } from 'vitest';
import type { Group } from '../scenarios/schema.ts';
import { duplicateBound } from './duplicate-bound.ts';
import { judge } from './index.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, handOver, pair, pipeline } from './testing/good-histories.ts';

describeGoodHistories(duplicateBound);

describe('finds', () => {
  it('records processed again although they had been committed', () => {
    const { story, m1, m2 } = pair();
    story.produces(5);
    m1.works(0, 4).commits(0, 4).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 1).works(0, 4);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again after its commit | m2.1 processed offsets 1 to 3 of orders/0 in group billing again, which m1.1 had begun, although 4 had been committed before it resumed at 1. | processing-begin commit-accepted delivery processing-begin | billing orders 0 m2.1",
      ]
    `);
  });

  it('the same without a tap', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(5);
    m1.works(0, 4).commits(0, 4).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 3).works(0, 2);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again after its commit | m2.1 processed offset 3 of orders/0 in group billing again, which m1.1 had begun, although 4 had been committed before it resumed at 3. | processing-begin commit-accepted delivery processing-begin | billing orders 0 m2.1",
      ]
    `);
  });

  it('records processed again for no reason at all', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 3).stands(0, 1).works(0, 3).commits(0, 4);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again without a cause | m1.1 processed offsets 1 and 2 of orders/0 in group billing again, and nothing had happened that would explain it: no crash, stall or rebalance, no failed handler, no seek, no restart of its client, no deletion of offsets or records. | processing-begin delivery processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('records that come again after a failure although their commit was confirmed', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 2).commits(0, 2).delivers(0, [2]).processes(0, 2, 'failed');
    m1.stands(0, 0).works(0, 4).commits(0, 4);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again after its commit | m1.1 processed offsets 0 and 1 of orders/0 in group billing again, although 2 had been committed before it resumed at 0. | processing-begin commit-accepted delivery processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('what a cooperative member goes on with after it has given it up', () => {
    const { story, m1 } = handOver();
    story.produces(3, { partition: 1 });
    m1.stands(1, 0).works(1, 2).stands(1, 0).works(1, 2);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again by a member that did not own it | m1.1 processed offsets 0 and 1 of orders/1 in group billing again, although the partition was not its own. | processing-begin delivery processing-begin | billing orders 1 m1.1",
      ]
    `);
  });

  it('a member that consumes what another one owns', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 3);
    m2.stands(0, 0).works(0, 2);
    m1.works(0, 1).commits(0, 4);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed again by a member that did not own it | m2.1 processed offsets 0 and 1 of orders/0 in group billing again, which m1.1 had begun, although the partition was not its own. | processing-begin delivery processing-begin | billing orders 0 m2.1",
      ]
    `);
  });

  it('two owners at once', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    story.generation([
      [m1, [0]],
      [m2, [0, 1]],
    ]);
    m1.works(0, 1);
    m2.works(0, 2);
    m1.works(0, 1);
    story.ends({ drain: false });
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed by two owners at once | m2.1 and another member processed offset 1 of orders/0 in group billing, and generation 2 assigns it to both. | delivery processing-begin | billing orders 0 m2.1",
      ]
    `);
  });

  it('two owners at once, one of which was stopped for a while', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    story.generation([
      [m1, [0]],
      [m2, [0, 1]],
    ]);
    m1.delivers(0, [0, 1]);
    m1.stalls(() => m2.works(0, 2));
    m1.processes(0, 0);
    story.ends({ drain: false });
    expect(findings(duplicateBound, story)[0]).toMatch(/^illegal . processed by two owners at once/);
  });

  it('a member that goes on after it has joined again without the partition', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.delivers(0, [0]).processes(0, 0);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 3).commits(0, 3);
    m1.delivers(0, [1]).processes(0, 1);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | processed on after giving the partition up | m1.1 processed offset 1 of orders/0 in group billing after it had joined again without that partition, and so did its new owner. | delivery processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('uncommitted records that do not come again', () => {
    const { story, m1, m2 } = pair();
    story.produces(5);
    m1.works(0, 1).commits(0, 1).works(0, 2).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 3).works(0, 2).commits(0, 5);
    expect(findings(duplicateBound, story)).toMatchInlineSnapshot(`
      [
        "illegal | uncommitted records did not come again | m2.1 resumed at 3, so offsets 1 and 2 of orders/0 in group billing did not come again, although 1 was the last commit. | commit-accepted delivery | billing orders 0 m2.1",
      ]
    `);
  });
});

it('is observed in a topic that was compacted, and illegal in any other', () => {
  const tell = (isCompacted: boolean) => {
    const { story, m1 } = alone();
    story.produces(4, { key: 'a' });
    m1.works(0, 3).commits(0, 3);
    if (isCompacted) story.compacts([0]);
    m1.stands(0, 1).works(0, 1).stands(0, 3).works(0, 1).commits(0, 4);
    const { anomalies } = judge(story.history());
    return anomalies.filter(({ property }) => property === 'duplicate-bound').map(({ policy }) => policy);
  };
  expect(tell(true)).toEqual(['observed']);
  expect(tell(false)).toEqual(['illegal']);
});

it('records of a call of a pipeline may come again that failed before its transaction, also where they had been sought', () => {
  const tell = (outcome: 'ok' | 'failed', commitMode: Group['commitMode']) => {
    const { story, m1 } = alone({
      topics: { orders: 1, invoices: 1 },
      groups: [{ topics: ['orders'], consumeMode: 'manual', commitMode }],
    });
    story.produces(6);
    m1.works(0, 6)
      .commits(0, 6)
      .calls('seek', { partitions: [0], offset: 1 });
    m1.delivers(0, [1, 2, 3]).processes(0, 1).processes(0, 2, outcome);
    m1.delivers(0, [1, 2, 3]).processes(0, 1).processes(0, 2).processes(0, 3).stands(0, 6);
    return findings(duplicateBound, story).map((text) => text.split(' | ')[1]);
  };
  const transaction = { kind: 'transaction', topic: 'invoices', abortEvery: null } as const;
  expect(tell('failed', transaction)).toEqual([]);
  expect(tell('ok', transaction)).toEqual(['processed again without a cause']);
  expect(tell('failed', { kind: 'per-record' })).toEqual(['processed again after its commit']);
});

it('records of a handler call may come again whose transaction was aborted, also where they had been sought below the committed offset', () => {
  const tell = (aborts: boolean, start: number) => {
    const { story, m1 } = pipeline();
    story.produces(6);
    m1.worksBatch(0, 6)
      .commits(0, 6)
      .calls('seek', { partitions: [0], offset: 1 });
    m1.stands(0, 1).worksBatch(0, 1).worksBatch(0, 2);
    if (aborts)
      story.emit({
        process: m1.process,
        kind: 'transaction-end',
        transaction: 1,
        ending: 'abort',
        outcome: 'ok',
        error: null,
      });
    return m1
      .stands(0, start)
      .worksBatch(0, 6 - start)
      .commits(0, 6).story;
  };
  expect(findings(duplicateBound, tell(true, 2))).toEqual([]);
  // It was aborted, but not what came before it.
  expect(findings(duplicateBound, tell(true, 1))).toHaveLength(1);
  expect(findings(duplicateBound, tell(false, 2))).not.toEqual([]);
});

it('tells apart what comes again since the client went back when the end was sought', () => {
  const signatures = (asks: boolean) => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1)
      .commits(0, 1)
      .calls('seek', { partitions: [0], offset: -1 });
    if (asks) m1.lists(0, { at: 'latest' });
    m1.stands(0, 0).works(0, 2).commits(0, 2);
    return findings(duplicateBound, story).map((one) => one.split(' | ')[1]);
  };
  expect(signatures(false)).toEqual(['processed again: the client went back when the end was sought']);
  expect(signatures(true)).toEqual(['processed again without a cause']);
});

it('tells the same apart where the partition comes to the member only later, with a commit', () => {
  const signatures = (offset: number) => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m2.calls('seek', { partitions: [0], offset });
    m1.works(0, 2).commits(0, 2);
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    m2.stands(0, 0).works(0, 2).commits(0, 2);
    return findings(duplicateBound, story).map((one) => one.split(' | ')[1]);
  };
  expect(signatures(-1)).toEqual(['processed again: the client went back when the end was sought']);
  expect(signatures(1)).toEqual(['processed again after its commit']);
});
