/**
 * The moves of a rebalance so far (AbstractStickyAssignor.PartitionMovements): moves enter; a partition leaves that had
 * better be moved instead of another, so that two members do not swap partitions of one topic.
 */
import { JavaHashMap } from '../../../java-hash-map.ts';
import type { TopicPartition } from './assignor.ts';
import { hashOfPartition, keyOf } from './topic-partitions.ts';

interface Pair {
  readonly from: string;
  readonly to: string;
}

/** Member ids may hold any character, so a pair's key must not be put together from them without quotes. */
const pairKey = ({ from, to }: Pair): string => JSON.stringify([from, to]);

type PartitionSet = JavaHashMap<TopicPartition>;

export class PartitionMovements {
  readonly #pairs = new Map<string, Pair>();
  readonly #byTopic = new Map<string, Map<string, PartitionSet>>();

  move(topicPartition: TopicPartition, from: string, to: string): void {
    const earlier = this.#forget(topicPartition);
    if (earlier === null) this.#record(topicPartition, { from, to });
    else if (earlier.from !== to) this.#record(topicPartition, { from: earlier.from, to });
  }

  /** The partition itself, or one of its topic that went the opposite way: the first in the order of Java's HashSet. */
  partitionToMove(topicPartition: TopicPartition, from: string, to: string): TopicPartition {
    const origin = this.#pairs.get(keyOf(topicPartition))?.from ?? from;
    const opposite = this.#byTopic.get(topicPartition.topic)?.get(pairKey({ from: to, to: origin }));
    return opposite?.values()[0] ?? topicPartition;
  }

  #forget(topicPartition: TopicPartition): Pair | null {
    const key = keyOf(topicPartition);
    const pair = this.#pairs.get(key);
    if (pair === undefined) return null;
    this.#pairs.delete(key);
    const ofTopic = this.#byTopic.get(topicPartition.topic);
    const moved = ofTopic?.get(pairKey(pair));
    moved?.delete(key);
    // A new set would have a new capacity, and so another order.
    if (moved?.size === 0) ofTopic?.delete(pairKey(pair));
    return pair;
  }

  #record(topicPartition: TopicPartition, pair: Pair): void {
    const key = keyOf(topicPartition);
    this.#pairs.set(key, pair);
    const ofTopic = this.#byTopic.get(topicPartition.topic) ?? new Map<string, PartitionSet>();
    this.#byTopic.set(topicPartition.topic, ofTopic);
    const moved: PartitionSet =
      ofTopic.get(pairKey(pair)) ?? new JavaHashMap((_key, value) => hashOfPartition(value));
    ofTopic.set(pairKey(pair), moved);
    moved.set(key, topicPartition);
  }
}
