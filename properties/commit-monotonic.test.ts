/** commit-monotonic on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { commitMonotonic } from './commit-monotonic.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, byHand, pair } from './testing/good-histories.ts';
import type { StoryOptions } from './testing/history-builder.ts';

describeGoodHistories(commitMonotonic);

describe('finds', () => {
  it('a commit that one member takes back', () => {
    const { story, m1 } = alone();
    story.produces(5);
    m1.works(0, 5).commits(0, 5).commits(0, 2);
    expect(findings(commitMonotonic, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit went back in one member | The committed offset of orders/0 in group billing went back from 5 (committed by m1.1) to 2 by m1.1. | commit-invoke commit-accepted commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('an older call that is written late: observed where commits are asynchronous', () => {
    const tell = (options: StoryOptions) => {
      const { story, m1 } = alone(options);
      story.produces(5);
      m1.works(0, 5);
      const offsets = [{ topic: 'orders', partition: 0, offset: '4' }];
      const call = { process: m1.process, group: 'billing', call: 7 };
      story.emit({ ...call, kind: 'application-commit', awaited: false, offsets });
      m1.commits(0, 5, { byApplication: true }).commits(0, 4);
      story.emit({ ...call, kind: 'application-commit-end', outcome: 'ok', error: null });
      return findings(commitMonotonic, story);
    };
    expect(tell({ groups: [{ commitMode: { kind: 'asynchronous' } }] })).toMatchInlineSnapshot(`
      [
        "observed | older commit was written after a newer one | The committed offset of orders/0 in group billing went back from 5 (committed by m1.1) to 4 by m1.1. | commit-invoke commit-accepted commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
    expect(tell({})[0]).toMatch(/^illegal/);
  });

  it('nothing where the newer one was called for before a handler call failed, and left when its records came again', () => {
    const tell = (isCalledFirst: boolean) => {
      const { story, m1 } = alone({
        groups: [{ commitMode: { kind: 'asynchronous' }, consumeMode: 'each-batch' }],
      });
      story.produces(3);
      const offsets = [{ topic: 'orders', partition: 0, offset: '2' }];
      const call = { process: m1.process, group: 'billing', call: 7 };
      const asks = () => story.emit({ ...call, kind: 'application-commit', awaited: false, offsets });
      m1.delivers(0, [0, 1, 2]).processes(0, 0).processes(0, 1);
      if (isCalledFirst) asks();
      m1.processes(0, 2, 'failed').delivers(0, [0, 1, 2]).processes(0, 0);
      if (!isCalledFirst) asks();
      m1.commits(0, 2).commits(0, 1, { byApplication: true });
      return findings(commitMonotonic, story).map((one) => one.split(' | ')[0]);
    };
    expect(tell(true)).toEqual([]);
    expect(tell(false)).toEqual(['illegal']);
  });

  it('a new call for an older offset, with asynchronous commits too', () => {
    const { story, m1 } = alone({ groups: [{ commitMode: { kind: 'asynchronous' } }] });
    story.produces(5);
    m1.works(0, 5).commits(0, 2, { byApplication: true });
    m1.commits(0, 5, { byApplication: true }).commits(0, 2, { byApplication: true });
    expect(findings(commitMonotonic, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit went back in one member | The committed offset of orders/0 in group billing went back from 5 (committed by m1.1) to 2 by m1.1. | commit-invoke commit-accepted commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a commit of the member before, after the new owner has gone on', () => {
    const { story, m1, m2 } = pair();
    story.produces(5);
    m1.works(0, 2);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 5).commits(0, 5);
    m1.commits(0, 2);
    expect(findings(commitMonotonic, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit went back from one member to another | The committed offset of orders/0 in group billing went back from 5 (committed by m2.1) to 2 by m1.1. | commit-invoke commit-accepted commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('without a tap too', () => {
    const { story, m1 } = alone({ wire: false });
    story.produces(5);
    m1.works(0, 5);
    story.accepts('orders', 0, 5).accepts('orders', 0, 3);
    expect(findings(commitMonotonic, story)).toMatchInlineSnapshot(`
      [
        "illegal | older commit was written after a newer one | The committed offset of orders/0 in group billing went back from 5 to 3. | commit-accepted commit-accepted | billing orders 0",
      ]
    `);
  });

  it('nothing after a genuine reset of the position', () => {
    const { story, m1 } = alone();
    story.produces(5, { outcome: 'unknown' });
    m1.works(0, 5).commits(0, 5);
    story.during({ kind: 'crash-broker', broker: 1 }, () => story.log('orders', 0).records.splice(2));
    m1.findsOutOfRange(0).works(0, 1).commits(0, 1);
    expect(findings(commitMonotonic, story)).toEqual([]);
  });
});

it('a commit that was lost with its connection may be written after a newer one, as observed', () => {
  const tell = ({ isBroken = true, isLost = true }) => {
    const { story, m1 } = alone();
    story.produces(5);
    const commits = () => {
      m1.works(0, 2).commits(0, 2, { told: isLost ? 'unknown' : 'silence', written: false });
      m1.works(0, 3).commits(0, 5);
      story.accepts('orders', 0, 2);
    };
    if (isBroken) story.during({ kind: 'pause-broker', broker: 1 }, commits);
    else commits();
    m1.commits(0, 5);
    return findings(commitMonotonic, story);
  };
  expect(tell({})).toMatchInlineSnapshot(`
    [
      "observed | commit that was lost with its connection was written after a newer one | The committed offset of orders/0 in group billing went back from 5 (committed by m1.1) to 2 by m1.1. | commit-invoke commit-invoke commit-accepted commit-accepted | billing orders 0 m1.1",
    ]
  `);
  const within = expect.stringContaining('illegal | commit went back in one member |');
  expect(tell({ isBroken: false })).toEqual([expect.stringContaining('illegal | commit that was lost')]);
  // It is still waited for, on the connection that the newer one takes too.
  expect(tell({ isLost: false })).toEqual([within]);
});

it('so may that of a process that has ended, of a consumer that takes its partitions by hand', () => {
  const { story, m1 } = byHand();
  story.produces(5);
  story.during({ kind: 'pause-broker', broker: 1 }, () => {
    m1.works(0, 2).commits(0, 2, { told: 'silence', written: false }).crashes();
    const next = story.joins('m1').assigns();
    next.stands(0, 0).works(0, 5).commits(0, 5);
    story.accepts('orders', 0, 2);
    next.commits(0, 5);
  });
  expect(findings(commitMonotonic, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
    ['observed', 'commit that was lost with its connection was written after a newer one'],
  ]);
});

it('a consumer that takes its partitions by hand commits over what an operator has set; a member may not', () => {
  const tell = ({ story, m1 }: ReturnType<typeof alone>) => {
    story.produces(2);
    m1.works(0, 1);
    story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 300 });
    story.accepts('orders', 0, 300);
    return m1.commits(0, 1).story;
  };
  expect(findings(commitMonotonic, tell(byHand()))).toEqual([]);
  expect(findings(commitMonotonic, tell(alone()))).toHaveLength(1);
});

it('an automatic commit may be of the place where a failed call began, whatever of it was committed by hand', () => {
  const tell = ({ wire = true, outcome = 'failed' as 'ok' | 'failed', place = 2 }) => {
    const { story, m1 } = alone({ wire, groups: [{ consumeMode: 'each-batch' }] });
    story.produces(6);
    m1.worksBatch(0, 2).delivers(0, [2, 3, 4]);
    m1.processes(0, 2).processes(0, 3).processes(0, 4, outcome).commits(0, 4).commits(0, place);
    return m1.stands(0, 2).worksBatch(0, 4).commits(0, 6).story;
  };
  expect(findings(commitMonotonic, tell({}))).toEqual([]);
  expect(findings(commitMonotonic, tell({ wire: false }))).toEqual([]);
  expect(findings(commitMonotonic, tell({ outcome: 'ok' }))).toHaveLength(1);
  expect(findings(commitMonotonic, tell({ place: 3 }))).toHaveLength(1);
});

it('a commit may be sent only when what it covers has been handed over again, and is committed once more', () => {
  const tell = (isCalledBefore: boolean) => {
    const { story, m1 } = alone({ groups: [{ consumeMode: 'each-batch' }] });
    const { process } = m1;
    const call = (number: number, offset: number) => {
      const offsets = [{ topic: 'orders', partition: 0, offset: String(offset) }];
      const common = { process, group: 'billing', call: number };
      story.emit({ ...common, kind: 'application-commit', awaited: false, offsets });
      story.emit({ ...common, kind: 'application-commit-end', outcome: 'ok', error: null });
    };
    story.produces(4);
    m1.delivers(0, [0, 1, 2, 3]).processes(0, 0).processes(0, 1).processes(0, 2);
    if (isCalledBefore) call(0, 3);
    m1.processes(0, 3, 'failed').delivers(0, [0, 1, 2, 3]);
    if (!isCalledBefore) call(0, 3);
    m1.commits(0, 3).processes(0, 0);
    call(1, 1);
    m1.commits(0, 1).processes(0, 1).processes(0, 2).processes(0, 3);
    return m1.commits(0, 4).story;
  };
  expect(findings(commitMonotonic, tell(true))).toEqual([]);
  expect(findings(commitMonotonic, tell(false))).toHaveLength(1);
});

it('a commit by hand may be of the place behind the last record, where one of the position was behind what was aborted', () => {
  const tell = ({
    state = 'aborted' as 'aborted' | 'committed',
    place = 3,
    isolationLevel = 'read_committed' as 'read_committed' | 'read_uncommitted',
  }) => {
    const { story, m1 } = alone({ groups: [{ isolationLevel }] });
    story.produces(5);
    for (const offset of [3, 4]) story.transaction(0, offset, { state, endedAt: story.time });
    return m1.works(0, 3).commits(0, 5).commits(0, place).stands(0, 5).commits(0, 5).story;
  };
  expect(findings(commitMonotonic, tell({}))).toEqual([]);
  expect(findings(commitMonotonic, tell({ place: 2 }))).toHaveLength(1);
  expect(findings(commitMonotonic, tell({ place: 4 }))).toHaveLength(1);
  expect(findings(commitMonotonic, tell({ state: 'committed' }))).toHaveLength(1);
  expect(findings(commitMonotonic, tell({ isolationLevel: 'read_uncommitted' }))).toHaveLength(1);
});

it('nobody else may, nor does it hold of what was deleted', () => {
  const { story, m1, m2 } = pair();
  story.produces(3);
  for (const offset of [1, 2]) story.transaction(0, offset, { state: 'aborted', endedAt: story.time });
  m1.works(0, 1).commits(0, 3);
  story.generation([
    [m1, [1]],
    [m2, [0]],
  ]);
  m2.stands(0, 0).works(0, 1).commits(0, 1).stands(0, 3);
  expect(findings(commitMonotonic, story)).toHaveLength(1);
  const one = alone();
  one.story.produces(3);
  one.m1.works(0, 1).commits(0, 3);
  one.story.deletesRecords(3);
  one.m1.commits(0, 1).stands(0, 3).commits(0, 3);
  expect(findings(commitMonotonic, one.story)).toHaveLength(1);
});
