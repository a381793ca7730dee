/** The catalogue of goals: a history enters, the names of those that it reached leave, in the catalogue's order. */
import type { History } from '../../harness/history/schema.ts';
import { callGoals } from './calls.ts';
import { clusterGoals } from './cluster.ts';
import { commitGoals } from './commits.ts';
import { type Goal, reachedBy } from './goal.ts';
import { membershipGoals } from './membership.ts';
import { positionGoals } from './positions.ts';
import { resetGoals } from './resets.ts';
import { transactionGoals } from './transactions.ts';

export const goals: readonly Goal[] = [
  ...membershipGoals,
  ...commitGoals,
  ...positionGoals,
  ...clusterGoals,
  ...callGoals,
  ...resetGoals,
  ...transactionGoals,
];

export const goalsReached = (history: History): string[] =>
  goals.filter(({ isReached }) => isReached(reachedBy(history))).map(({ name }) => name);

export type { Goal } from './goal.ts';
