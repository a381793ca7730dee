/** Rows of repetitions say who, what, when and why, and put together only what belongs together. */
import { describe, expect, test } from 'vitest';
import type { History } from '../harness/history/schema.ts';
import type { LedgerEntry } from '../properties/property.ts';
import { repetitionsOf } from './repetitions.ts';
import { historyOf, type TimedEvent } from './testing/histories.ts';
import { syntheticHistory } from './testing/synthetic.ts';

type Work = readonly [fromMs: number, process: string, offset: number, outcome?: 'ok' | 'failed' | 'cut off'];

const workedHistoryOf = (...works: readonly Work[]): History =>
  historyOf(
    works.flatMap(([fromMs, process, number, outcome = 'ok']): TimedEvent[] => {
      const place = { group: 'billing', topic: 'orders', partition: 0, offset: String(number) };
      return [
        [fromMs, process, { kind: 'processing-begin', ...place, record: `p1-${number}` }],
        ...(outcome === 'cut off'
          ? []
          : [[fromMs + 5, process, { kind: 'processing-end', ...place, outcome }] as TimedEvent]),
      ];
    }),
  );

const crash = (history: History, toProcess: string, more: Partial<LedgerEntry> = {}): LedgerEntry => {
  const opened = history.events.find(
    (event) => event.kind === 'processing-begin' && event.process === toProcess,
  );
  return {
    group: 'billing',
    topic: 'orders',
    partition: 0,
    cause: 'crash',
    fromProcess: 'm1.1',
    toProcess,
    time: opened?.time ?? 0,
    committedOffset: '1',
    resumedOffset: '1',
    mustReplay: 1,
    mayReplay: 2,
    replayed: 2,
    event: opened?.seq ?? 0,
    ...more,
  };
};

describe('repetitionsOf', () => {
  const crashed = workedHistoryOf(
    [100, 'm1.1', 0],
    [200, 'm1.1', 1],
    [300, 'm1.1', 2, 'cut off'],
    [500, 'm2.1', 1],
    [600, 'm2.1', 2],
    [700, 'm2.1', 3],
  );

  test('one row for what one member processed again for one reason', () => {
    expect(repetitionsOf(crashed, [crash(crashed, 'm2.1')])).toEqual([
      {
        group: 'billing',
        topic: 'orders',
        partition: 0,
        firstOffset: 1,
        lastOffset: 2,
        firstRecord: 'p1-1',
        lastRecord: 'p1-2',
        before: [
          { process: 'm1.1', timeMs: 200 },
          { process: 'm1.1', timeMs: 300 },
        ],
        finishedBefore: 1,
        again: [
          { process: 'm2.1', timeMs: 500 },
          { process: 'm2.1', timeMs: 600 },
        ],
        why: 'after the crash of m1.1, m2.1 went on with orders-0 at offset 1, since 1 was committed, and 2 records came again',
        judgement: 'allowed',
      },
    ]);
  });

  test('more than was allowed is said to be', () => {
    const [row] = repetitionsOf(crashed, [crash(crashed, 'm2.1', { mayReplay: 1 })]);
    expect(row?.judgement).toBe('too many');
  });

  test('what nothing explains is not allowed, though it was not committed', () => {
    const again = workedHistoryOf([100, 'm1.1', 0], [200, 'm1.1', 0]);
    const [row] = repetitionsOf(again, [
      crash(again, 'm1.1', { cause: 'unexplained', fromProcess: 'm1.1', replayed: 1 }),
    ]);
    expect(row).toMatchObject({
      why: 'for no reason that the history shows, m1.1 was given orders-0 from offset 1 again, with no hand-over in between, and 1 record came again',
      judgement: 'unexplained',
    });
  });

  test('without a hand-over it says so, and whether it was allowed is not known', () => {
    const [row] = repetitionsOf(workedHistoryOf([100, 'm1.1', 0, 'failed'], [200, 'm1.1', 0]), []);
    expect(row).toMatchObject({
      why: 'm1.1 was given it again, with no hand-over in between',
      finishedBefore: 0,
      judgement: null,
    });
  });

  test('a gap between offsets, another member before, or a third time begin a row of their own', () => {
    const rows = repetitionsOf(
      workedHistoryOf(
        [100, 'm1.1', 0],
        [200, 'm1.1', 1],
        [300, 'm3.1', 2],
        [400, 'm1.1', 4],
        [500, 'm2.1', 0],
        [600, 'm2.1', 1],
        [700, 'm2.1', 2],
        [800, 'm2.1', 4],
        [900, 'm2.1', 0],
      ),
      [],
    );
    expect(
      rows.map(({ before, firstOffset, lastOffset }) => [before[0].process, firstOffset, lastOffset]),
    ).toEqual([
      ['m1.1', 0, 1],
      ['m3.1', 2, 2],
      ['m1.1', 4, 4],
      ['m2.1', 0, 0],
    ]);
  });

  test('nothing came again: nothing to say', () => {
    expect(repetitionsOf(workedHistoryOf([100, 'm1.1', 0], [200, 'm2.1', 1]), [])).toEqual([]);
  });

  test('of a whole run it counts as many as there are', () => {
    const { history, verdict } = syntheticHistory();
    const begun = history.events.filter((event) => event.kind === 'processing-begin');
    const places = new Set(begun.map((one) => `${one.group} ${one.topic}/${one.partition}/${one.offset}`));
    const rows = repetitionsOf(history, verdict.ledger);
    const again = rows.reduce((sum, row) => sum + row.lastOffset - row.firstOffset + 1, 0);
    expect(again).toBe(begun.length - places.size);
    expect(again).toBeGreaterThan(10);
  });
});
