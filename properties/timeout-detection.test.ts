/** timeout-detection on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';
import { timeoutDetection } from './timeout-detection.ts';

describeGoodHistories(timeoutDetection);

describe('finds', () => {
  it('a crashed member that is dropped too soon', () => {
    const { story, m1, m2 } = pair();
    m1.crashes();
    story.wait(2_000).generation([[m2, [0, 1]]]);
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | member was dropped before its session timeout | m1.1 was alive for the coordinator of group billing 2240 ms before generation 2, which is without it, and might be silent for 6000 ms. | group-generation group-generation | billing m1.1",
      ]
    `);
  });

  it('one that had committed a moment ago', () => {
    const { story, m1, m2 } = pair({ groups: [{ rebalanceTimeoutMs: 60_000 }] });
    story.produces(1);
    story.wait(5_000);
    m1.works(0, 1).commits(0, 1).crashes();
    story.wait(2_000).generation([[m2, [0, 1]]]);
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | member was dropped before its session timeout | m1.1 was alive for the coordinator of group billing 2120 ms before generation 2, which is without it, and might be silent for 6000 ms. | group-generation commit-invoke group-generation | billing m1.1",
      ]
    `);
  });

  it('nothing where a static member that is back had waited for its place while a broker was away', () => {
    const dropped = (isAway: boolean) => {
      const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
      m1.crashes();
      const back = story.joins('m1');
      const takes = () => story.wait(3_000).takesPlaceOf(back, m1);
      if (isAway) story.during({ kind: 'restart-broker', broker: 1 }, takes);
      else takes();
      back.crashes();
      // Six seconds after it had asked.
      return findings(timeoutDetection, story.wait(3_000).empties());
    };
    expect(dropped(true)).toEqual([]);
    expect(dropped(false)).toMatchInlineSnapshot(`
      [
        "illegal | member was dropped before its session timeout | m1.2 was alive for the coordinator of group billing 3140 ms before generation 2, which is without it, and might be silent for 6000 ms. | group-generation group-generation | billing m1.2",
      ]
    `);
  });

  it('a crashed member that is kept', () => {
    const { story, m1 } = pair();
    m1.crashes();
    story.wait(60_000);
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | silent member was kept beyond its session timeout | m1.1 fell silent at 380 ms, and 13000 ms later it was still a member of group billing (session.timeout.ms 6000). | group-generation process-exit | billing m1.1",
      ]
    `);
  });

  it('a stalled member that is kept', () => {
    const { story, m1 } = pair();
    m1.stalls(() => story.wait(60_000));
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | silent member was kept beyond its session timeout | m1.1 fell silent at 360 ms, and 13000 ms later it was still a member of group billing (session.timeout.ms 6000). | group-generation action | billing m1.1",
      ]
    `);
  });

  const polled = (story: ReturnType<typeof pair>['story'], process: string, sincePollMs: number) =>
    story.emit({
      process,
      kind: 'delivery',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      offsets: ['0'],
      sincePollMs,
    });

  it('a member that works longer than its poll interval and stays', () => {
    const { story, m1 } = pair({ groups: [{ maxPollIntervalMs: 2_000 }] });
    story.produces(1);
    story.wait(10_000);
    polled(story, m1.process, 8_000);
    m1.processes(0, 0);
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | member was kept beyond max.poll.interval.ms | m1.1 worked 8000 ms on what one poll had given it, and was still a member of group billing (max.poll.interval.ms 2000). | delivery | billing m1.1 orders 0",
      ]
    `);
  });

  /** Its only poll is so long ago; its session is over after 6 s of silence. */
  const worksOnItsPoll = (sincePollMs: number, isStatic: boolean, isAway = false) => {
    const { story, m1 } = pair({ groups: [{ maxPollIntervalMs: 2_000, staticMembership: isStatic }] });
    story.produces(1);
    const works = () => story.wait(sincePollMs + 1_000);
    if (isAway) story.during({ kind: 'crash-broker', broker: 1 }, works);
    else works();
    polled(story, m1.process, sincePollMs);
    return m1.processes(0, 0).story;
  };

  it('a static member that works longer than its poll interval and stays when its session has to be over', () => {
    expect(findings(timeoutDetection, worksOnItsPoll(20_000, true))).toMatchInlineSnapshot(`
      [
        "illegal | member was kept beyond max.poll.interval.ms | m1.1 worked 20000 ms on what one poll had given it, and was still a member of group billing (max.poll.interval.ms 2000). | delivery | billing m1.1 orders 0",
      ]
    `);
  });

  it('but not before: it says nothing when its poll interval is over', () => {
    expect(findings(timeoutDetection, worksOnItsPoll(8_000, false))).toHaveLength(1);
    expect(findings(timeoutDetection, worksOnItsPoll(8_000, true))).toEqual([]);
  });

  it('and not where the coordinator was away, which nothing could be said to', () => {
    for (const isStatic of [false, true])
      expect(findings(timeoutDetection, worksOnItsPoll(20_000, isStatic, true))).toEqual([]);
  });

  it('a member that leaves before its poll interval is over', () => {
    const { story, m1, m2 } = pair({ groups: [{ maxPollIntervalMs: 5_000 }] });
    story.produces(1);
    polled(story, m1.process, 0);
    m1.processes(0, 0).departs();
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(findings(timeoutDetection, story)).toMatchInlineSnapshot(`
      [
        "illegal | member left before max.poll.interval.ms | m1.1 left group billing 60 ms after a poll, and max.poll.interval.ms is 5000. | delivery wire-leave | billing m1.1",
      ]
    `);
  });
});

describe('says nothing', () => {
  it('of one that asked for its assignment after it had been written, which is no sign of life', () => {
    const story = new Story({ topics: { orders: 2 } });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation(
      [
        [m1, [0]],
        [m2, [1]],
      ],
      { unaware: [m2] },
    );
    story.wait(2_000).emit({
      process: m2.process,
      kind: 'wire-join',
      group: 'billing',
      memberId: m2.memberId,
      generation: 1,
      leaderMemberId: m1.memberId,
      error: null,
    });
    m2.hears();
    story.wait(1_000).generation([[m1, [0, 1]]]);
    expect(findings(timeoutDetection, story)).toEqual([]);
  });
});

describe('on a slow network', () => {
  /** Asks for its assignment 50 ms before that is written, and is dropped a second before its session could be over. */
  const history = () => {
    const story = new Story({ topics: { orders: 2 } });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.emit({
      process: m2.process,
      kind: 'wire-join',
      group: 'billing',
      memberId: m2.memberId,
      generation: 1,
      leaderMemberId: m1.memberId,
      error: null,
    });
    story.wait(50).generation(
      [
        [m1, [0]],
        [m2, [1]],
      ],
      { unaware: [m2] },
    );
    m2.hears();
    story.wait(1_000).generation([[m1, [0, 1]]]);
    return story.history();
  };

  it('a request for the assignment that may still be on its way is no sign of life', () => {
    const slow = history();
    Object.assign(slow.start.scenario.topology, {
      network: { latencyMs: { min: 5, max: 250 }, bytesPerSecond: null, lossPerThousand: 0 },
    });
    expect(timeoutDetection.check(slow)).toEqual([]);
  });

  it('and one that has come is', () => {
    expect(timeoutDetection.check(history()).map(({ subject }) => subject.process)).toEqual(['m2.1']);
  });
});
