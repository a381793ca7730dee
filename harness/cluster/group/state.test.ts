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
    expect(canMove(from, to)).toBe(MOVES.some(([a, b]) => a === from && b === to));
  });

  it.each(MOVES)('lets a group go from %s to %s, and remembers', (from, to) => {
    const group = new ClassicGroup('g', 0);
    group.state = from;
    group.moveTo(to, 1);
    expect([group.previousState, group.state, group.stateTimestampMs]).toEqual([from, to, 1]);
  });

  it('does not let a group go elsewhere', () => {
    expect(() => new ClassicGroup('g', 0).moveTo('Stable', 1)).toThrow('from Empty to Stable');
  });
});
