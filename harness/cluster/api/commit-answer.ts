/**
 * The answer to a commit or a deletion of offsets, put together as Kafka does it: what is refused before the coordinator is asked
 * enters first, then what the coordinator says; topics with their partitions leave.
 */
interface PartitionResult {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

export class CommitAnswer<Topic extends { partitions: PartitionResult[] }> {
  readonly #topics: Topic[] = [];
  readonly #byKey = new Map<string, Topic>();

  /** What is refused of a topic comes together, also where there is nothing of it. */
  refuse(key: string, made: () => Topic, partitions: readonly PartitionResult[]): void {
    let topic = this.#byKey.get(key);
    if (topic === undefined) {
      topic = made();
      this.#topics.push(topic);
      this.#byKey.set(key, topic);
    }
    topic.partitions.push(...partitions);
  }

  /** Where nothing was refused, the coordinator's answer is taken as it is, with a topic that was named twice in it twice. */
  merge(coordinated: readonly { readonly key: string; readonly topic: Topic }[]): Topic[] {
    if (this.#topics.length === 0) return coordinated.map(({ topic }) => topic);
    for (const { key, topic } of coordinated)
      this.refuse(key, () => ({ ...topic, partitions: [] }), topic.partitions);
    return this.#topics;
  }
}
