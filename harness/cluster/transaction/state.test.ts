import { describe, expect, it } from 'vitest';
import { canMove, stateId, stateOfId, TRANSACTION_STATES, type TransactionState } from './state.ts';

/** Kafka's table, row by row: from, to. */
const MOVES: readonly (readonly [TransactionState, TransactionState])[] = [
  ['Empty', 'Empty'],
  ['Empty', 'Ongoing'],
  ['Empty', 'PrepareAbort'],
  ['Ongoing', 'Ongoing'],
  ['Ongoing', 'PrepareCommit'],
  ['Ongoing', 'PrepareAbort'],
  ['PrepareCommit', 'CompleteCommit'],
  ['PrepareAbort', 'CompleteAbort'],
  ['CompleteCommit', 'Empty'],
  ['CompleteCommit', 'Ongoing'],
  ['CompleteCommit', 'PrepareAbort'],
  ['CompleteAbort', 'Empty'],
  ['CompleteAbort', 'Ongoing'],
  ['CompleteAbort', 'PrepareAbort'],
];

describe('the states of a transactional id', () => {
  const pairs = TRANSACTION_STATES.flatMap((from) => TRANSACTION_STATES.map((to) => [from, to] as const));

  it.each(pairs)('from %s to %s', (from, to) => {
    expect(canMove(from, to)).toBe(MOVES.some(([a, b]) => a === from && b === to));
  });

  it('have the numbers that Kafka writes', () => {
    expect(TRANSACTION_STATES.map((state) => [state, stateId(state)])).toEqual([
      ['Empty', 0],
      ['Ongoing', 1],
      ['PrepareCommit', 2],
      ['PrepareAbort', 3],
      ['CompleteCommit', 4],
      ['CompleteAbort', 5],
    ]);
    expect([0, 5, 6].map(stateOfId)).toEqual(['Empty', 'CompleteAbort', undefined]);
  });
});
