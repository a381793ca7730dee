/**
 * The commits that the application itself makes with `consumer.commitOffsets`: an offset enters, the call is made and
 * recorded before and after as `application-commit` and `application-commit-end`.
 */
import type { Consumer } from 'kafkajs';
import { describeError } from '../application/describe-error.ts';
import type { Mutation } from '../application/mutation.ts';
import type { Host } from '../host.ts';
import { outcomeOf } from './errors.ts';

export interface Committer {
  /** Commits and waits; rejects with kafkajs' error, as it reaches an application that awaits the call. */
  commit(topic: string, partition: number, offset: string): Promise<void>;
  /** Commits and does not wait; the outcome is recorded when it comes. */
  commitInBackground(topic: string, partition: number, offset: string): void;
  /** After a record, where kafkajs commits by itself: nothing, but for a mutant. */
  afterAutomatic(topic: string, partition: number, offset: string): Promise<void>;
}

export function createCommitter(
  consumer: Pick<Consumer, 'commitOffsets'>,
  groupId: string,
  mutation: Mutation,
  host: Host,
): Committer {
  let calls = 0;

  const call = async (topic: string, partition: number, offset: string, awaited: boolean): Promise<void> => {
    const number = calls++;
    const offsets = [{ topic, partition, offset }];
    host.emit({ kind: 'application-commit', group: groupId, call: number, awaited, offsets });
    const end = (outcome: 'ok' | 'failed' | 'unknown', error: string | null): void =>
      host.emit({ kind: 'application-commit-end', group: groupId, call: number, outcome, error });
    try {
      await consumer.commitOffsets(offsets);
    } catch (error) {
      end(outcomeOf(error), describeError(error));
      throw error;
    }
    end('ok', null);
  };

  return {
    commit: (topic, partition, offset) =>
      call(topic, partition, mutation.committedOffset(topic, partition, offset), true),
    commitInBackground(topic, partition, offset) {
      // Recorded by now; nobody waits for it, so nobody is told.
      call(topic, partition, mutation.committedOffset(topic, partition, offset), false).catch(() => {});
    },
    async afterAutomatic(topic, partition, offset) {
      const extra = mutation.extraCommit(topic, partition, offset);
      if (extra !== null) await call(topic, partition, extra, true);
    },
  };
}
