/**
 * The part of a consume-transform-produce application that is the same for every client: records that have been processed
 * enter, one record for each goes to the group's output topic in one transaction with their offsets, and the transaction's
 * calls and outcomes leave as `transaction` events.
 */
import type { Host } from '../host.ts';
import type { MemberStart } from '../protocol.ts';
import { encodeRecordValue } from '../record-value.ts';
import { copyOf } from './copy-of.ts';
import { describeError } from './describe-error.ts';
import type { Mutation } from './mutation.ts';

/** A client's own calls, in the order in which Kafka's documentation has them; one transaction at a time. */
export interface TransactionCalls {
  begin(): Promise<void>;
  /** Resolves when the records are written. */
  send(topic: string, values: readonly string[]): Promise<void>;
  sendOffset(topic: string, partition: number, offset: string): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** What an error of these calls says of what was asked for. */
  fateOf(error: unknown): 'failed' | 'unknown';
}

/** The transaction was aborted: its records are to be worked on again. */
export class TransactionAborted extends Error {
  override name = 'TransactionAborted';
}

export interface Pipeline {
  /**
   * @param offsets of the records, ascending
   * @throws TransactionAborted; anything else where nobody knows how the transaction ended: then the application has to end
   */
  transact(topic: string, partition: number, offsets: readonly string[]): Promise<void>;
}

/** The member's `transactional.id`: the same for all of its incarnations, and no other scenario's on a shared cluster. */
export const transactionalIdOf = ({ group, process }: MemberStart): string =>
  `${group.id}.${process.slice(0, process.lastIndexOf('.'))}`;

/** @returns null where the group is no pipeline */
export function createPipeline(
  group: MemberStart['group'],
  mutation: Pick<Mutation, 'goesOnAfterAbort'>,
  host: Host,
  calls: TransactionCalls,
): Pipeline | null {
  const { commitMode } = group;
  if (commitMode.kind !== 'transaction') return null;
  const { topic: output, abortEvery } = commitMode;
  let transactions = 0;
  let last: Promise<unknown> = Promise.resolve();

  const end = async (
    transaction: number,
    ending: 'commit' | 'abort',
    cause: { readonly because?: string } = {},
  ): Promise<void> => {
    host.emit({ kind: 'transaction', transaction, call: ending });
    const told = (outcome: 'ok' | 'failed' | 'unknown', error: string | null): void =>
      host.emit({ kind: 'transaction-end', transaction, ending, outcome, error, ...cause });
    try {
      await calls[ending]();
    } catch (error) {
      told(calls.fateOf(error), describeError(error));
      throw error;
    }
    told('ok', null);
  };

  const transact = async (topic: string, partition: number, offsets: readonly string[]): Promise<void> => {
    const transaction = transactions++;
    const isAborted = abortEvery !== null && (transaction + 1) % abortEvery === 0;
    const next = String(BigInt(offsets.at(-1) as string) + 1n);
    const place = group.topics.indexOf(topic);
    host.emit({ kind: 'transaction', transaction, call: 'begin' });
    await calls.begin();
    try {
      await calls.send(
        output,
        offsets.map((offset) => encodeRecordValue(copyOf(place, partition, offset), 0)),
      );
      await calls.sendOffset(topic, partition, next);
      if (!isAborted) return await end(transaction, 'commit');
    } catch (error) {
      // Kafka's documentation: what cannot be committed is aborted. Where that fails too, the application has to end.
      const because = describeError(error);
      await end(transaction, 'abort', { because });
      throw new TransactionAborted(because, { cause: error });
    }
    await end(transaction, 'abort');
    if (!mutation.goesOnAfterAbort) throw new TransactionAborted('the scenario has it aborted');
  };

  return {
    transact(topic, partition, offsets) {
      const mine = last.then(async () => await transact(topic, partition, offsets));
      // The next one is begun whatever became of this one; whoever asked for this one hears of it.
      last = mine.catch(() => {});
      return mine;
    },
  };
}
