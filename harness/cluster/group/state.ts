/**
 * The states of a classic group and the moves between them, as data (ClassicGroupState): the states from which each
 * may be entered.
 */
export const CLASSIC_GROUP_STATES = [
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
] as const;

export type ClassicGroupState = (typeof CLASSIC_GROUP_STATES)[number];

export const VALID_PREVIOUS_STATES: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
};

export const canMove = (from: ClassicGroupState, to: ClassicGroupState): boolean =>
  VALID_PREVIOUS_STATES[to].includes(from);
