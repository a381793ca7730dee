/** Offsets that an operator set: an entry of the coordinator's log enters, whether it is one of these leaves. */
import type { CommitEntry } from './commits.ts';
import type { Evidence } from './evidence.ts';

export const isAltered = (
  { actions }: Pick<Evidence, 'actions'>,
  { request, group, topic, partition, value }: CommitEntry,
): boolean =>
  request === null &&
  actions.some(
    ({ action }) =>
      action.kind === 'alter-offsets' &&
      action.group === group &&
      action.topic === topic &&
      action.partition === partition &&
      action.offset === value,
  );

/** Whether an operator had set a committed offset of the partition to this before, wherever the log's end was then. */
export const hasBeenAltered = (
  { actions }: Pick<Evidence, 'actions'>,
  topic: string,
  partition: number,
  offset: number,
  beforeSeq: number,
): boolean =>
  actions.some(
    ({ action, seq }) =>
      action.kind === 'alter-offsets' &&
      action.topic === topic &&
      action.partition === partition &&
      action.offset === offset &&
      seq < beforeSeq,
  );
