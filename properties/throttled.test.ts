/** Clients that had to wait for the sake of a quota: for so long, and no longer, nobody is to blame for what comes too late. */
import { expect, it } from 'vitest';
import { evidenceOf, isOutageWithin } from './evidence/evidence.ts';
import { goalsReached } from './goals/index.ts';
import { judge } from './index.ts';
import { alone, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

const QUOTA = { kind: 'throttle-client', process: null, quotas: { consumerBytesPerSecond: 100 } } as const;

const illegal = (property: string, story: Story): string[] =>
  judge(story.history()).anomalies.flatMap((one) =>
    one.property === property && one.policy === 'illegal' ? [one.signature] : [],
  );

it('a member that had to wait may lose its place, whenever its quota was taken away', () => {
  const losesPlace = (isTold: boolean): string[] => {
    const { story, m1, m2 } = pair();
    if (isTold) m1.isToldToWait(10_000);
    story.wait(30_000).generation([[m2, [0, 1]]]);
    return illegal('no-spurious-rebalance', story);
  };
  expect(losesPlace(true)).toEqual([]);
  expect(losesPlace(false)).toEqual(['member lost its place without a cause']);
});

it('a member that is dropped too soon may have been read of later than it wrote', () => {
  const dropped = (isTold: boolean): string[] => {
    const { story, m1, m2 } = pair({ groups: [{ rebalanceTimeoutMs: 60_000 }] });
    story.produces(1);
    story.wait(5_000);
    if (isTold) m1.isToldToWait(5_000, 'OffsetCommit');
    m1.works(0, 1).commits(0, 1).crashes();
    story.wait(2_000).generation([[m2, [0, 1]]]);
    return illegal('timeout-detection', story);
  };
  expect(dropped(true)).toEqual([]);
  expect(dropped(false)).toEqual(['member was dropped before its session timeout']);
});

it('a wait that nobody has seen may last as long as a quota makes one wait', () => {
  const quotas = { consumerBytesPerSecond: 100 };
  const untilOf = (wire: boolean): number => {
    const story = new Story({ wire, producers: [{ records: 10, recordsPerSend: 10, valueBytes: 100 }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    story.produces(1);
    m1.works(0, 1);
    story.during({ kind: 'throttle-client', process: 'm1', quotas }, () => {});
    const { outages, actions } = evidenceOf(story.history());
    const acted = actions.find(({ action }) => action.kind === 'throttle-client')?.toTime ?? 0;
    return (outages.at(-1)?.toTime ?? 0) - acted;
  };
  expect(untilOf(true)).toBe(0);
  // A batch of ten records, at 200 bytes each with what is around them, and the slack of the windows.
  expect(untilOf(false)).toBe(20_000 + 2_000);
});

it('waits that overlap are one, and others stay apart', () => {
  const { story, m1 } = alone();
  m1.isToldToWait(100).isToldToWait(20);
  story.wait(50);
  m1.isToldToWait(200);
  story.wait(1_000);
  m1.isToldToWait(10);
  const evidence = evidenceOf(story.history());
  const [first, second] = evidence.throttles;
  expect(evidence.throttles).toHaveLength(2);
  expect((first?.toTime ?? 0) - (first?.fromTime ?? 0)).toBeGreaterThan(250);
  const gap = ((first?.toTime ?? 0) + (second?.fromTime ?? 0)) / 2;
  expect(isOutageWithin(evidence, gap, gap)).toBe(false);
  expect(isOutageWithin(evidence, gap, (second?.fromTime ?? 0) + 5)).toBe(true);
});

it('is a goal: to be told to wait, past the session, and for longer than the quota lasts', () => {
  const told = (waitMs: number): string[] => {
    const { story, m1 } = alone();
    story.during(QUOTA, () => void m1.isToldToWait(waitMs).story.wait(5_000));
    return goalsReached(story.history()).filter((name) => name.includes('wait'));
  };
  expect(told(100)).toEqual(['client-is-told-to-wait']);
  expect(told(5_500)).toEqual(['client-is-told-to-wait', 'wait-outlasts-its-quota']);
  expect(told(7_000)).toEqual([
    'client-is-told-to-wait',
    'told-to-wait-past-the-session',
    'wait-outlasts-its-quota',
  ]);
});
