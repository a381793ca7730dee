/**
 * Calls of the consumer's API, in the Java client's terms: one call of the scenario enters, between two polls, and is made.
 * Java has no `stop`: there an application that wants nothing for a while unsubscribes, and subscribes again.
 */
import { CallRefused, whyNotCommitted } from '../../application/calls.ts';
import type { Processed } from '../../application/processed.ts';
import type { ConsumerCall, MemberStart } from '../../protocol.ts';
import type { Consumer } from '../consumer/consumer.ts';
import type { TopicPartition } from '../errors.ts';
import type { Committer } from './commits.ts';

const END = -1;
const BEGINNING = -2;

export interface ConsumerCallsParts {
  readonly consumer: Consumer;
  readonly committer: Committer;
  readonly processed: Processed;
  readonly group: MemberStart['group'];
  readonly subscribe: () => void;
  /** A mutant: what is to be paused or resumed is left as it is. */
  readonly isDeaf: boolean;
}

export class ConsumerCalls {
  readonly #parts: ConsumerCallsParts;
  isStopped = false;

  constructor(parts: ConsumerCallsParts) {
    this.#parts = parts;
  }

  /** @throws CallRefused, and whatever the client throws */
  async make(call: ConsumerCall): Promise<void> {
    const { consumer, subscribe, isDeaf } = this.#parts;
    if (isDeaf && (call.name === 'pause' || call.name === 'resume')) return;
    switch (call.name) {
      case 'seek':
        return this.#seek(call, call.offset);
      case 'pause':
        return consumer.pause(this.#partitionsOf(call));
      case 'resume':
        return consumer.resume(this.#partitionsOf(call));
      case 'stop':
        await consumer.unsubscribe();
        this.isStopped = true;
        return;
      case 'run':
        if (!this.isStopped) throw new CallRefused('it runs already');
        subscribe();
        this.isStopped = false;
        return;
      case 'commit':
        return await this.#commit();
    }
  }

  #seek(partition: TopicPartition, offset: number): void {
    const { consumer } = this.#parts;
    if (offset === BEGINNING) consumer.seekToBeginning([partition]);
    else if (offset === END) consumer.seekToEnd([partition]);
    else consumer.seek(partition, offset);
  }

  /** Those of a topic that are assigned, where the call does not name any: others can be neither paused nor resumed. */
  #partitionsOf({
    topic,
    partitions,
  }: {
    topic: string;
    partitions: readonly number[] | null;
  }): TopicPartition[] {
    if (partitions !== null) return partitions.map((partition) => ({ topic, partition }));
    return this.#parts.consumer.assignment().filter((one) => one.topic === topic);
  }

  async #commit(): Promise<void> {
    const { committer, processed, group } = this.#parts;
    const why = whyNotCommitted(processed, group);
    if (why !== null) throw why;
    for (const { topic, partition, offset } of processed.next)
      await committer.commit(topic, partition, Number(offset));
  }
}
