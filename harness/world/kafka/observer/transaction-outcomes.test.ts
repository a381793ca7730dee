/** How transactions ended, from entries of a log written by hand. */
import { describe, expect, it } from 'vitest';
import { type LogEntry, withOutcomes } from './transaction-outcomes.ts';

const entry = (offset: number, transaction?: LogEntry['transaction']): LogEntry => ({
  offset: BigInt(offset),
  timestampEpochMs: 1_000 + offset,
  key: null,
  value: null,
  ...(transaction === undefined ? {} : { transaction }),
});
const by = (producerId: bigint, marker: 'commit' | 'abort' | null = null) => ({ producerId, marker });

describe('records of a log', () => {
  it("have the end of their own producer's transaction, or none yet", () => {
    const records = withOutcomes([
      entry(0),
      entry(1, by(7n)),
      entry(2, by(8n)),
      entry(3, by(7n, 'commit')),
      entry(4, by(7n)),
      entry(5, by(8n, 'abort')),
    ]);
    expect(records.map(({ offset, transaction }) => [Number(offset), transaction])).toEqual([
      [0, undefined],
      [1, { state: 'committed', endedAtEpochMs: 1_003 }],
      [2, { state: 'aborted', endedAtEpochMs: 1_005 }],
      [4, { state: 'open', endedAtEpochMs: null }],
    ]);
  });

  it('lack those that were deleted before their marker', () => {
    expect(withOutcomes([entry(3, by(7n, 'abort')), entry(4)]).map(({ offset }) => offset)).toEqual([4n]);
  });
});
