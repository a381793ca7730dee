/** truthful-client on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';
import { truthfulClient } from './truthful-client.ts';

describeGoodHistories(truthfulClient);

describe('finds', () => {
  /** What a member says of its assignment, right after it has heard of one. */
  const claims = (change: { assignment?: number[]; protocol?: string; leader?: boolean }) => {
    const { story, m2 } = pair();
    const { assignment = [1], protocol = 'RoundRobinAssigner', leader = false } = change;
    story.emit({
      process: m2.process,
      kind: 'client-joined',
      group: 'billing',
      memberId: m2.memberId,
      leader,
      protocol,
      assignment: [{ topic: 'orders', partitions: assignment }],
    });
    return findings(truthfulClient, story);
  };

  it('another assignment, protocol or leader than is recorded', () => {
    expect([
      ...claims({ assignment: [0, 1] }),
      ...claims({ protocol: 'range' }),
      ...claims({ leader: true }),
    ]).toMatchInlineSnapshot(`
      [
        "illegal | client reports another assignment than the coordinator recorded | m2.1 reports orders/0, orders/1 as its assignment in generation 1 of group billing, and the coordinator recorded orders/1. | group-generation client-joined | billing m2.1",
        "illegal | client reports another protocol than the coordinator recorded | m2.1 reports range as the protocol of generation 1 of group billing, and the coordinator recorded RoundRobinAssigner. | group-generation client-joined | billing m2.1",
        "illegal | client reports to lead a group that it does not lead | m2.1 reports to lead generation 1 of group billing, and the coordinator recorded m1.1-id as its leader. | group-generation client-joined | billing m2.1",
      ]
    `);
  });

  it('a coordinator that answers another assignment than it has recorded', () => {
    const { story, m2 } = pair();
    story.emit({
      process: m2.process,
      kind: 'wire-sync',
      group: 'billing',
      memberId: m2.memberId,
      generation: 1,
      assignment: [{ topic: 'orders', partitions: [0, 1] }],
      error: null,
    });
    expect(findings(truthfulClient, story)).toMatchInlineSnapshot(`
      [
        "illegal | answered assignment is not the recorded one | m2.1 was answered orders/0, orders/1 as its assignment in generation 1 of group billing, and the coordinator recorded orders/1. | group-generation wire-sync | billing m2.1",
      ]
    `);
  });

  it('nothing where another call was told of the accepted commit, and the failed one asked for the same', () => {
    const tell = (outcome: 'ok' | 'failed', times: number) => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1);
      const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
      const about = { process: m1.process, group: 'billing' };
      // The record was given anew before the first call had its answer.
      story.emit({ ...about, kind: 'application-commit', call: 0, awaited: false, offsets });
      story.emit({ ...about, kind: 'application-commit', call: 1, awaited: false, offsets });
      for (let i = 0; i < times; i += 1) m1.commits(0, 1);
      story.emit({ ...about, kind: 'application-commit-end', call: 1, outcome, error: null });
      story.emit({ ...about, kind: 'application-commit-end', call: 0, outcome: 'failed', error: 'no' });
      return findings(truthfulClient, story).length;
    };
    expect(tell('ok', 1)).toBe(0);
    expect(tell('failed', 1)).toBe(2);
    expect(tell('ok', 2)).toBe(1);
  });

  it('a commit that is reported as failed and was accepted', () => {
    const { story, m1 } = alone();
    story.produces(1);
    m1.works(0, 1);
    const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
    const about = { process: m1.process, group: 'billing' };
    story.emit({ ...about, kind: 'application-commit', call: 0, awaited: true, offsets });
    m1.commits(0, 1);
    story.emit({ ...about, kind: 'application-commit-end', call: 0, outcome: 'failed', error: 'no' });
    expect(findings(truthfulClient, story)).toMatchInlineSnapshot(`
      [
        "illegal | accepted commit was reported as failed | m1.1 was told that its commit of orders/0 at 1 in group billing had failed (no), and the coordinator had accepted it. | application-commit commit-ok application-commit-end | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where the request was refused for another partition that the client committed with it', () => {
    const tell = (error: string | null) => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1);
      const { process, memberId } = m1;
      const call = { process, group: 'billing', call: 0 };
      const commit = { process, group: 'billing', commit: 100 };
      const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
      const others = [{ topic: 'payments', partition: 0, offset: '0' }];
      story.emit({ ...call, kind: 'application-commit', awaited: false, offsets });
      const all = [...offsets, ...others];
      story.emit({ ...commit, kind: 'commit-invoke', memberId, generation: 1, offsets: all });
      story.accepts('orders', 0, 1);
      if (error === null) story.emit({ ...commit, kind: 'commit-ok' });
      else {
        const errors = [{ topic: 'payments', partition: 0, error }];
        story.emit({ ...commit, kind: 'commit-fail', errors });
      }
      story.emit({ ...call, kind: 'application-commit-end', outcome: 'failed', error });
      return findings(truthfulClient, story).length;
    };
    expect(tell('UNKNOWN_TOPIC_OR_PARTITION')).toBe(0);
    expect(tell(null)).toBe(1);
  });

  it('nothing where the accepted request was that of another poll, which committed all positions too', () => {
    const tell = (after: 'poll' | 'record') => {
      const { story, m1 } = alone({ groups: [{ commitMode: { kind: 'asynchronous', after } }] });
      story.produces(1);
      m1.works(0, 1);
      const { process, memberId } = m1;
      const about = { process, group: 'billing' };
      const one = { topic: 'orders', partition: 0, offset: '1' };
      const other = { topic: 'payments', partition: 0, offset: '1' };
      const calls = [one, other].entries();
      for (const [call, polled] of calls)
        story.emit({ ...about, kind: 'application-commit', call, awaited: false, offsets: [polled] });
      for (const commit of [100, 101])
        story.emit({
          ...about,
          kind: 'commit-invoke',
          commit,
          memberId,
          generation: 1,
          offsets: [one, other],
        });
      const error = 'UNKNOWN_TOPIC_OR_PARTITION';
      const errors = [{ topic: 'orders', partition: 0, error }];
      story.emit({ ...about, kind: 'commit-fail', commit: 100, errors });
      story.emit({ ...about, kind: 'application-commit-end', call: 0, outcome: 'failed', error });
      story.accepts('orders', 0, 1).emit({ ...about, kind: 'commit-ok', commit: 101 });
      story.emit({ ...about, kind: 'application-commit-end', call: 1, outcome: 'ok', error: null });
      return findings(truthfulClient, story).length;
    };
    expect(tell('poll')).toBe(0);
    expect(tell('record')).toBe(1);
  });

  describe('a transaction that ended otherwise than was said', () => {
    const process = 'p1.1';
    const ended = (ending: 'commit' | 'abort', outcome: 'ok' | 'failed' | 'unknown' = 'ok') =>
      ({ process, kind: 'transaction-end', transaction: 0, ending, outcome, error: null }) as const;
    const ends = (state: 'committed' | 'aborted' | 'open', ...told: ReturnType<typeof ended>[]) => {
      const { story, m1 } = alone();
      story.produces(2, { transaction: 0 });
      for (const event of told) story.emit(event);
      for (const offset of [0, 1])
        story.transaction(0, offset, { state, endedAt: state === 'open' ? null : story.time });
      m1.works(0, 2).commits(0, 2);
      return findings(truthfulClient, story);
    };

    it('is found, once', () => {
      expect([
        ...ends('aborted', ended('commit')),
        ...ends('committed', ended('abort')),
      ]).toMatchInlineSnapshot(`
          [
            "illegal | aborted transaction was reported as committed | p1.1 was told that its transaction 0 had been committed, and its record p1-0 at offset 0 of orders/0 was aborted. | produce-invoke transaction-end fact-log | p1.1 orders 0",
            "illegal | committed transaction was reported as aborted | p1.1 was told that its transaction 0 had been aborted, and its record p1-0 at offset 0 of orders/0 was committed. | produce-invoke transaction-end fact-log | p1.1 orders 0",
          ]
        `);
    });

    it('is none where it ended so, has not ended yet, or nobody said how', () => {
      expect(ends('committed', ended('commit'))).toEqual([]);
      expect(ends('aborted', ended('abort'))).toEqual([]);
      expect(ends('open', ended('commit'))).toEqual([]);
      expect(ends('aborted')).toEqual([]);
      expect(ends('aborted', ended('commit', 'failed'))).toEqual([]);
      expect(ends('committed', ended('commit', 'unknown'), ended('abort'))).toEqual([]);
    });
  });
});
