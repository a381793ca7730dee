import { describe, expect, it } from 'vitest';
import { ClassicGroup } from './classic-group.ts';
import { CLASSIC_GROUP_STATES, type ClassicGroupState, canMove } from './state.ts';

/** Kafka's table, row by row: from, to. */
const MOVES: readonly (readonly [ClassicGroupState, ClassicGroupState])[] = [
  ['Empty', 'PreparingRebalance'],
  ['Empty', 'Dead'],
  ['PreparingRebalance', 'CompletingRebalance'],
  ['PreparingRebalance', 'Empty'],
  ['PreparingRebalance', 'Dead'],
  ['CompletingRebalance', 'Stable'],
  ['CompletingRebalance', 'PreparingRebalance'],
  ['CompletingRebalance', 'Dead'],
  ['Stable', 'PreparingRebalance'],
  ['Stable', 'Dead'],
  ['Dead', 'Dead'],
];

describe('the states of a classic group', () => {
  const pairs = CLASSIC_GROUP_STATES.flatMap((from) => CLASSIC_GROUP_STATES.map((to) => [from, to] as const));

  it.each(pairs)('from %s to %s', (from, to) => {
    const isAllowed = MOVES.some(([a, b]) => a === from && b === to);
    expect(canMove(from, to)).toBe(isAllowed);
    const group = new ClassicGroup('g', 0);
    group.state = from;
    if (!isAllowed) {
      expect(() => group.moveTo(to, 1)).toThrow(`from ${from} to ${to}`);
      return;
    }
    group.moveTo(to, 1);
    expect([group.previousState, group.state, group.stateTimestampMs]).toEqual([from, to, 1]);
  });
});
