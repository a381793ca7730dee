/**
 * The commits that the application itself makes: an offset enters, the call is made and recorded before and after as
 * `application-commit` and `application-commit-end`. Calls of partitions that are worked on at the same time take turns,
 * since the consumer allows one at a time.
 */
import { describeError } from '../../application/describe-error.ts';
import type { Mutation } from '../../application/mutation.ts';
import type { Host } from '../../host.ts';
import type { Offsets } from '../consumer/commits.ts';
import type { Consumer } from '../consumer/consumer.ts';
import { fateOf } from '../errors.ts';

/** A commit did not succeed: what was handed over and is not done has to come again. */
export class CommitNotDone extends Error {
  override name = 'CommitNotDone';
}

export interface Committer {
  /** @throws CommitNotDone */
  commit(topic: string, partition: number, offset: number): Promise<void>;
  /** Several partitions in one call. @throws CommitNotDone */
  commitAll(offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<void>;
  /** What polls have handed over, as far as the client knows it: here is what the application takes that to be. */
  commitPolled(offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<void>;
  /** The outcome is recorded when the client tells of it, and never where the application does not ask for it. */
  commitInBackground(topic: string, partition: number, offset: number): void;
  /** After a record, where the client commits by itself: nothing, but for a mutant. @throws CommitNotDone */
  afterAutomatic(topic: string, partition: number, offset: number): Promise<void> | undefined;
}

export function createCommitter(
  consumer: Pick<Consumer, 'commitSync' | 'commitAsync'>,
  group: string,
  mutation: Mutation,
  host: Host,
): Committer {
  const { commitMode } = mutation.group;
  const hasCallback = commitMode.kind !== 'asynchronous' || commitMode.callback !== false;
  let calls = 0;
  let last: Promise<unknown> = Promise.resolve();

  type Told = { topic: string; partition: number; offset: string };
  const begin = (offsets: Told[], awaited: boolean) => {
    const call = calls++;
    host.emit({ kind: 'application-commit', group, call, awaited, offsets });
    return {
      offsets: offsets.map((one) => ({ ...one, offset: Number(one.offset) })) satisfies Offsets,
      end: (error: Error | null): void =>
        host.emit({
          kind: 'application-commit-end',
          group,
          call,
          outcome: error === null ? 'ok' : fateOf(error),
          error: error === null ? null : describeError(error),
        }),
    };
  };

  /** @param isNamed whether the call names the offsets, or leaves them to the client */
  const commitNow = async (told: Told[], isNamed = true): Promise<void> => {
    const { offsets, end } = begin(told, true);
    try {
      await consumer.commitSync(isNamed ? offsets : undefined);
    } catch (error) {
      end(error as Error);
      throw new CommitNotDone('the commit did not succeed', { cause: error });
    }
    end(null);
  };

  const commitLater = (told: Told[], isNamed = true): void => {
    const { offsets, end } = begin(told, false);
    if (hasCallback) consumer.commitAsync(isNamed ? offsets : undefined, (_, error) => end(error));
    else consumer.commitAsync(isNamed ? offsets : undefined);
  };

  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const mine = last.then(step);
    last = mine.catch(() => {});
    return mine;
  };

  return {
    commit: (topic, partition, offset) =>
      inTurn(() =>
        commitNow([{ topic, partition, offset: mutation.committedOffset(topic, partition, String(offset)) }]),
      ),
    commitAll: (offsets) =>
      inTurn(() => commitNow(offsets.map((one) => ({ ...one, offset: String(one.offset) })))),
    async commitPolled(polled) {
      const told = polled.map(({ topic, partition, offset }) => ({
        topic,
        partition,
        offset: mutation.committedOffset(topic, partition, String(offset)),
      }));
      const isNamed = told.some(({ offset }, i) => offset !== String(polled[i]?.offset));
      if (commitMode.kind !== 'asynchronous') await inTurn(() => commitNow(told, isNamed));
      else commitLater(told, isNamed);
    },
    commitInBackground(topic, partition, offset) {
      const committed = mutation.committedOffset(topic, partition, String(offset));
      commitLater([{ topic, partition, offset: committed }]);
    },
    afterAutomatic(topic, partition, offset) {
      const extra = mutation.extraCommit(topic, partition, String(offset));
      return extra === null ? undefined : inTurn(() => commitNow([{ topic, partition, offset: extra }]));
    },
  };
}
