/**
 * What the application has processed in its present ownership: records and assignments enter, the offset to commit next
 * leaves for each partition.
 */
import type { Assignment } from '../../history/schema.ts';

interface NextOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export class Processed {
  #next = new Map<string, NextOffset>();

  done(topic: string, partition: number, offset: string): void {
    this.#next.set(`${topic}/${partition}`, { topic, partition, offset: String(BigInt(offset) + 1n) });
  }

  /** What another member may have worked on meanwhile is no longer known. */
  assigned(_assignment: Assignment): void {
    this.#next = new Map();
  }

  get next(): readonly NextOffset[] {
    return [...this.#next.values()];
  }
}
