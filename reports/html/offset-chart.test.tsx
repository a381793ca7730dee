/** Offsets over time: the model is what the history says, and the picture does not hide what happened last in a pixel. */
import { render } from 'preact-render-to-string';
import { describe, expect, test } from 'vitest';
import type { History } from '../../harness/history/schema.ts';
import { historyOf, type TimedEvent } from '../testing/histories.ts';
import { syntheticHistory } from '../testing/synthetic.ts';
import { OffsetChart, stepPath } from './offset-chart.tsx';
import { type OffsetLane, offsetLanesOf } from './offsets.ts';
import { scaleOf } from './scale.ts';

const topicPartition = { topic: 'orders', partition: 0 };

/** All four records are in the log at the end. */
const loggedHistoryOf = (...events: TimedEvent[]): History =>
  historyOf([
    ...events,
    [
      9_000,
      'harness',
      {
        kind: 'fact-log',
        ...topicPartition,
        logStartOffset: '0',
        logEndOffset: '4',
        records: [0, 1, 2, 3].map((offset) => ({ offset: String(offset), record: `p1-${offset}` })),
      },
    ],
  ]);

const send = (produce: number, ...records: number[]): object => ({
  kind: 'produce-invoke',
  produce,
  topic: 'orders',
  acks: 'all',
  records: records.map((record) => ({ record: `p1-${record}`, key: null })),
});
const sent = (produce: number): object => ({
  kind: 'produce-ok',
  produce,
  answers: [{ partition: 0, baseOffset: '0' }],
});
const given = (...offsets: number[]): object => ({
  kind: 'delivery',
  group: 'billing',
  ...topicPartition,
  offsets: offsets.map(String),
});
const committed = (offset: number, logOffset: number): object => ({
  kind: 'commit-accepted',
  group: 'billing',
  ...topicPartition,
  offset: String(offset),
  metadata: '',
  logPosition: { partition: 0, offset: String(logOffset) },
});

describe('offsetLanesOf', () => {
  test('the log ends where a send was confirmed, or earlier, where its records were delivered', () => {
    const [lane] = offsetLanesOf(
      loggedHistoryOf(
        [100, 'p1.1', send(0, 0, 1)],
        [150, 'p1.1', sent(0)],
        [200, 'p1.1', send(1, 2, 3)],
        [300, 'm1.1', given(0, 1, 2)],
        [900, 'p1.1', sent(1)],
      ),
    );
    expect(lane?.logEnd).toEqual([
      { timeMs: 150, offset: 1 },
      { timeMs: 150, offset: 2 },
      { timeMs: 300, offset: 3 },
      { timeMs: 900, offset: 4 },
    ]);
  });

  test('what was delivered before is counted, in one group apart from another', () => {
    const lanes = offsetLanesOf(
      loggedHistoryOf(
        [300, 'm1.1', given(0, 1, 2)],
        [400, 'a1.1', { ...given(0, 1), group: 'archive' }],
        [500, 'm2.1', given(1, 2, 3)],
      ),
    );
    expect(lanes.map(({ group, delivered }) => [group, delivered.map(({ again }) => again)])).toEqual([
      ['billing', [0, 2]],
      ['archive', [0]],
    ]);
    expect(lanes[0]?.offsetMax).toBe(4);
  });

  test('a committed offset that is removed leaves a gap', () => {
    const removed = {
      kind: 'commit-removed',
      group: 'billing',
      ...topicPartition,
      logPosition: { partition: 0, offset: '2' },
    };
    const history = loggedHistoryOf(
      [100, 'coordinator', committed(2, 1)],
      [200, 'coordinator', removed],
      [300, 'coordinator', committed(1, 3)],
    );
    const [lane] = offsetLanesOf(history);
    expect(lane?.committed.map(({ offset }) => offset)).toEqual([2, null, 1]);
    const scale = scaleOf({ fromMs: 0, toMs: 1_030 });
    const html = render(<OffsetChart lane={lane as OffsetLane} scale={scale} styleOf={() => 0} />);
    const path = /d="([^"]*)" class="committed"/.exec(html)?.[1] ?? '';
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.startsWith('M100 ')).toBe(true);
    expect(path).toContain('H200');
    expect(path).toMatch(/H1030$/);
    expect(html).toContain('1 was committed at the end');
  });
});

test('of several steps within one pixel the last one is drawn', () => {
  const scale = scaleOf({ fromMs: 0, toMs: 1_030 });
  const steps = [1, 2, 3, 20].map((offset) => ({ timeMs: 100 + offset / 1_000, offset }));
  expect(stepPath([...steps, { timeMs: 500, offset: 21 }], scale, (offset) => 100 - offset)).toBe(
    'M0 100H100V80H500V79H1030',
  );
});

test('many thousand deliveries make a picture no larger than its columns allow', () => {
  const { history } = syntheticHistory({ recordIntervalMs: 20 });
  const lanes = offsetLanesOf(history);
  const scale = scaleOf({ fromMs: 0, toMs: 41_000 });
  for (const lane of lanes)
    expect(render(<OffsetChart lane={lane} scale={scale} styleOf={() => 0} />).length).toBeLessThan(60_000);
});
