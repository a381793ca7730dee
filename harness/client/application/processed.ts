/**
 * What the application has processed in its present ownership: records and assignments enter, the offset to commit next
 * leaves for each partition.
 */
import type { Assignment } from '../../history/schema.ts';

interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export class Processed {
  #last = new Map<string, PartitionOffset>();

  done(topic: string, partition: number, offset: string): void {
    this.#last.set(`${topic}/${partition}`, { topic, partition, offset });
  }

  /** What another member may have worked on meanwhile is no longer known. */
  assigned(_assignment: Assignment): void {
    this.#last = new Map();
  }

  get next(): readonly PartitionOffset[] {
    return [...this.#last.values()].map((one) => ({ ...one, offset: String(BigInt(one.offset) + 1n) }));
  }
}
