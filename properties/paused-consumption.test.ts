/** paused-consumption on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { pausedConsumption } from './paused-consumption.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';

describeGoodHistories(pausedConsumption);

describe('finds', () => {
  it('one more handler call, of a batch that had waited', () => {
    const { story, m1 } = alone({ groups: [{ consumeMode: 'each-batch' }] });
    story.produces(3);
    m1.works(0, 1)
      .calls('pause', { partitions: [0] })
      .worksBatch(0, 2)
      .commits(0, 3);
    m1.calls('resume', { partitions: [0] });
    expect(findings(pausedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | one more handler call after the partition was paused | m1.1 was handed offset 1 of orders/0 in group billing after the application had paused orders/0. | application-call-end delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a client that goes on with a paused partition, and says it once', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 1).calls('pause').works(0, 3).commits(0, 4).calls('resume');
    expect(findings(pausedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | went on with a partition that was paused | m1.1 was handed offset 1 of orders/0 in group billing after the application had paused orders/0, and 2 more handler calls followed. | application-call-end delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a record that a poll handed over after the pause', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).calls('pause');
    story.wait(100);
    m1.delivers(0, [1], { sincePollMs: 50 }).processes(0, 1).commits(0, 2).calls('resume');
    expect(findings(pausedConsumption, story)).toHaveLength(1);
  });

  it('a consumer that takes up an assignment although it was stopped and another was run, and none that is run', () => {
    const tell = (ids: readonly string[], joinsAs: string) => {
      const { story, m1 } = alone();
      const isGiven = (memberId: string) =>
        story.emit({
          process: m1.process,
          kind: 'wire-join',
          group: 'billing',
          memberId,
          generation: -1,
          leaderMemberId: '',
          error: memberId === '' ? 'NOT_COORDINATOR' : 'MEMBER_ID_REQUIRED',
        });
      isGiven('before');
      m1.calls('stop').calls('run');
      for (const id of ids) isGiven(id);
      m1.memberId = joinsAs;
      story.generation([[m1, [0]]]).generation([[m1, [0]]]);
      return findings(pausedConsumption, story).map((one) => one.split(' | ')[1]);
    };
    const JOINED = ['joined although the consumer was stopped'];
    expect(tell(['after'], 'before')).toEqual(JOINED);
    expect(tell(['after', 'later'], 'after')).toEqual(JOINED);
    expect(tell(['after', 'later'], 'later')).toEqual([]);
    expect(tell(['after', ''], 'after')).toEqual([]);
  });

  it('a client that goes on when it is stopped, and stops no less for a rebalance', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).calls('stop');
    story.generation([[m1, [0]]]);
    m1.works(0, 1).commits(0, 2).calls('run').works(0, 1).commits(0, 3);
    expect(findings(pausedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | joined although the consumer was stopped | m1.1 joined group billing and took up an assignment after the application had stopped its consumer. | application-call-end client-joined | billing m1.1",
        "illegal | delivered although the consumer was stopped | m1.1 was handed offset 0 of orders/0 in group billing after the application had stopped its consumer. | application-call-end delivery | billing orders 0 m1.1",
      ]
    `);
  });
});
