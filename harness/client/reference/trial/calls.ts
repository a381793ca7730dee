/**
 * Calls of the consumer's API, in the Java client's terms: one call of the scenario enters, between two polls, and is made.
 * Java has no `stop`: there an application that wants nothing for a while unsubscribes, and subscribes again.
 */
import { type CallAnswer, CallRefused, whyNotCommitted } from '../../application/calls.ts';
import type { Mutation } from '../../application/mutation.ts';
import type { Processed } from '../../application/processed.ts';
import type { ConsumerCall, MemberStart } from '../../protocol.ts';
import type { Consumer } from '../consumer/consumer.ts';
import { nameOf, type TopicPartition } from '../errors.ts';
import type { Committer } from './commits.ts';

const END = -1;
const BEGINNING = -2;

export interface ConsumerCallsParts {
  readonly consumer: Consumer;
  readonly committer: Committer;
  readonly processed: Processed;
  readonly group: MemberStart['group'];
  readonly subscribe: () => Promise<void>;
  readonly mutation: Pick<Mutation, 'isDeaf' | 'answers'>;
  /** How long a question may take: the next poll must not be late for it. */
  readonly questionTimeoutMs: number;
}

export class ConsumerCalls {
  readonly #parts: ConsumerCallsParts;
  isStopped = false;

  constructor(parts: ConsumerCallsParts) {
    this.#parts = parts;
  }

  /** @throws CallRefused, and whatever the client throws */
  async make(call: ConsumerCall): Promise<CallAnswer> {
    if (call.name === 'position' || call.name === 'committed') return await this.#ask(call.name, call);
    await this.#order(call);
    return undefined;
  }

  async #order(call: Exclude<ConsumerCall, { name: 'position' | 'committed' }>): Promise<void> {
    const { consumer, subscribe, mutation } = this.#parts;
    if (mutation.isDeaf && (call.name === 'pause' || call.name === 'resume')) return;
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
        await subscribe();
        this.isStopped = false;
        return;
      case 'commit':
        return await this.#commit();
    }
  }

  async #ask(question: 'position' | 'committed', { topic, partition }: TopicPartition): Promise<CallAnswer> {
    const { consumer, mutation, questionTimeoutMs } = this.#parts;
    const one = { topic, partition };
    const answer =
      mutation.answers(question) === 'position'
        ? await consumer.position(one, questionTimeoutMs)
        : (await consumer.committed([one], questionTimeoutMs)).get(nameOf(one))?.offset;
    return answer === undefined ? null : String(answer);
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
