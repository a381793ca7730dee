/**
 * The committed offsets of one coordinator's groups, and those of open transactions, which count once the transaction
 * commits (OffsetMetadataManager): replicated entries enter in the order of the log, offsets leave.
 */
import type { CommittedOffset, OffsetEntry } from './records.ts';

export interface StoredOffset extends CommittedOffset {
  /** Where the record lies: of a plain commit and one of a transaction the later record wins. */
  readonly recordOffset: bigint;
}

export interface StoredOffsetEntry extends OffsetEntry {
  readonly recordOffset: bigint;
}

/** Topics by name, partitions by number; groups and topics without offsets are not kept. */
class OffsetTree {
  readonly groups = new Map<string, Map<string, Map<number, StoredOffset>>>();

  get(group: string, topic: string, partition: number): StoredOffset | undefined {
    return this.groups.get(group)?.get(topic)?.get(partition);
  }

  set(group: string, topic: string, partition: number, value: StoredOffset): void {
    const topics = getOrAdd(this.groups, group, () => new Map<string, Map<number, StoredOffset>>());
    getOrAdd(topics, topic, () => new Map<number, StoredOffset>()).set(partition, value);
  }

  delete(group: string, topic: string, partition: number): void {
    const topics = this.groups.get(group);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.groups.delete(group);
  }
}

/** What one open transaction has committed so far. */
interface Pending {
  readonly tree: OffsetTree;
  readonly entries: StoredOffsetEntry[];
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

export class OffsetStore {
  readonly #committed = new OffsetTree();
  readonly #pending = new Map<bigint, Pending>();

  get(group: string, topic: string, partition: number): StoredOffset | undefined {
    return this.#committed.get(group, topic, partition);
  }

  /** All topics and partitions of a group, in the order in which they were first committed. */
  *of(group: string): Generator<readonly [topic: string, partition: number, value: StoredOffset]> {
    for (const [topic, partitions] of this.#committed.groups.get(group) ?? [])
      for (const [partition, value] of partitions) yield [topic, partition, value];
  }

  /** Partitions with offsets, committed or pending, each once. */
  *partitionsOf(group: string): Generator<readonly [topic: string, partition: number]> {
    for (const [topic, partition] of this.of(group)) yield [topic, partition];
    const seen = new OffsetTree();
    for (const { tree } of this.#pending.values())
      for (const [topic, partitions] of tree.groups.get(group) ?? [])
        for (const [partition, value] of partitions) {
          if (this.get(group, topic, partition) !== undefined) continue;
          if (seen.get(group, topic, partition) !== undefined) continue;
          seen.set(group, topic, partition, value);
          yield [topic, partition];
        }
  }

  groups(): string[] {
    const names = new Set(this.#committed.groups.keys());
    for (const { tree } of this.#pending.values()) for (const group of tree.groups.keys()) names.add(group);
    return [...names];
  }

  /** @param producerId of the transaction that the record belongs to, or null */
  apply(entry: OffsetEntry, recordOffset: bigint, producerId: bigint | null): void {
    const { group, topic, partition, value } = entry;
    if (value === null) {
      this.#committed.delete(group, topic, partition);
      for (const { tree } of this.#pending.values()) tree.delete(group, topic, partition);
      return;
    }
    const stored = { ...value, recordOffset };
    if (producerId === null) {
      this.#committed.set(group, topic, partition, stored);
      return;
    }
    const pending = getOrAdd(
      this.#pending,
      producerId,
      (): Pending => ({ tree: new OffsetTree(), entries: [] }),
    );
    pending.tree.set(group, topic, partition, stored);
    pending.entries.push({ ...entry, recordOffset });
  }

  /** @returns every record of the transaction, in the order of the log, also those that a later record has replaced */
  endTransaction(producerId: bigint, outcome: 'commit' | 'abort'): readonly StoredOffsetEntry[] {
    const pending = this.#pending.get(producerId);
    if (pending === undefined) return [];
    this.#pending.delete(producerId);
    if (outcome === 'commit')
      for (const [group, topics] of pending.tree.groups)
        for (const [topic, partitions] of topics)
          for (const [partition, value] of partitions) {
            const known = this.get(group, topic, partition);
            if (known === undefined || value.recordOffset > known.recordOffset)
              this.#committed.set(group, topic, partition, value);
          }
    return pending.entries;
  }

  hasPending(group: string, topic: string, partition: number): boolean {
    for (const { tree } of this.#pending.values())
      if (tree.get(group, topic, partition) !== undefined) return true;
    return false;
  }

  hasOpenTransaction(group: string): boolean {
    for (const { tree } of this.#pending.values()) if (tree.groups.has(group)) return true;
    return false;
  }
}
