/** Goals about transactions: offsets that are committed with what was made of the records, aborted, fenced, or in the way. */
import { type Goal, goal, type Reached } from './goal.ts';

const endings = (reached: Reached, ending: 'commit' | 'abort') =>
  reached.of('transaction-end').filter((one) => one.ending === ending && one.outcome === 'ok');

export const transactionGoals: readonly Goal[] = [
  goal('offsets-committed-in-a-transaction', 'offsets are committed in a transaction', (r) =>
    r.of('commit-accepted').some(({ transactionEnd }) => transactionEnd !== undefined),
  ),
  goal('transaction-is-aborted', 'a transaction is aborted', (r) => endings(r, 'abort').length > 0),
  goal(
    'transaction-of-a-former-member-is-refused',
    'the offsets of a transaction are refused, since their member has been replaced',
    (r) =>
      r.evidence.groups.some(({ commits }) =>
        commits.requests.some(({ isTransactional, outcome }) => isTransactional && outcome === 'refused'),
      ),
  ),
  goal('position-waits-for-a-transaction', 'an owner waits for the offsets of an open transaction', (r) =>
    r.of('wire-offset-fetch').some(({ error }) => error === 'UNSTABLE_OFFSET_COMMIT'),
  ),
  goal('record-of-an-aborted-transaction', 'a record of an aborted transaction is in the log', (r) =>
    [...r.evidence.logs.values()].some(({ transactions }) =>
      [...transactions.values()].some(({ state }) => state === 'aborted'),
    ),
  ),
];
