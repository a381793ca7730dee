/**
 * The states of a transactional id and the moves between them, as data (TransactionState): the states from which each
 * may be entered, and the numbers under which `__transaction_state` keeps them.
 *
 * Kafka's PrepareEpochFence, which lasts only while one thread goes from Ongoing to PrepareAbort, has no place where
 * nothing can come in between; Dead belongs to the expiry of ids, which is not implemented.
 */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const;

export type TransactionState = (typeof TRANSACTION_STATES)[number];

export const VALID_PREVIOUS_STATES: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  // Without partitions too, where the client ends each transaction with a new epoch (KIP-890).
  PrepareAbort: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
};

export const canMove = (from: TransactionState, to: TransactionState): boolean =>
  VALID_PREVIOUS_STATES[to].includes(from);

export const stateId = (state: TransactionState): number => TRANSACTION_STATES.indexOf(state);

/** @returns undefined for a number that stands for none of these */
export const stateOfId = (id: number): TransactionState | undefined => TRANSACTION_STATES[id];
