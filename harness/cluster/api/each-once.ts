/**
 * Topics of a request as Kafka takes them up where it keeps partitions in a map: topics and what is asked of them enter,
 * each partition once leaves, with what was asked of it last, under its topic; topics of nothing are left out.
 */
import type { RequestContext } from '../handler.ts';

/** How a request says what is a topic's key, what is asked of it, and which partition that is about. */
export interface Naming<Topic, Item> {
  readonly keyOf: (topic: Topic) => string;
  readonly itemsOf: (topic: Topic) => readonly Item[];
  readonly indexOf: (item: Item) => number;
  readonly withItems: (topic: Topic, items: Item[]) => Topic;
}

export function eachOnce<Topic, Item>(
  topics: readonly Topic[],
  naming: Naming<Topic, Item>,
): readonly Topic[] {
  if (isEachOnce(topics, naming)) return topics;
  const { keyOf, itemsOf, indexOf, withItems } = naming;
  const merged = new Map<string, { topic: Topic; items: Map<number, Item> }>();
  for (const topic of topics) {
    const key = keyOf(topic);
    const one = merged.get(key) ?? { topic, items: new Map<number, Item>() };
    for (const item of itemsOf(topic)) one.items.set(indexOf(item), item);
    if (one.items.size > 0) merged.set(key, one);
  }
  return [...merged.values()].map(({ topic, items }) => withItems(topic, [...items.values()]));
}

/** Whether the request is as clients send it, which is found out without making anything. */
export function isEachOnce<Topic, Item>(
  topics: readonly Topic[],
  { keyOf, itemsOf, indexOf }: Omit<Naming<Topic, Item>, 'withItems'>,
): boolean {
  return topics.every((topic, position) => {
    const items = itemsOf(topic);
    if (items.length === 0) return false;
    if (position > 0 && topics.findIndex((other) => keyOf(other) === keyOf(topic)) !== position) return false;
    return isAscending(items, indexOf) || new Set(items.map(indexOf)).size === items.length;
  });
}

/** As most clients name partitions: each is another one then. */
function isAscending<Item>(items: readonly Item[], indexOf: (item: Item) => number): boolean {
  let before = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const index = indexOf(item);
    if (index <= before) return false;
    before = index;
  }
  return true;
}

interface PartitionItem {
  readonly partitionIndex: number;
}

/** Topics on their way to the group coordinator: the old one keeps their partitions in a map, the other takes them as they come. */
export const asCoordinatorKeeps = <
  Item extends PartitionItem,
  Topic extends { readonly name: string; readonly partitions: readonly Item[] },
>(
  { cluster }: RequestContext,
  topics: readonly Topic[],
): readonly Topic[] =>
  cluster.profile.oldGroupCoordinator
    ? eachOnce<Topic, Item>(topics, {
        keyOf: ({ name }) => name,
        itemsOf: ({ partitions }) => partitions,
        indexOf: ({ partitionIndex }) => partitionIndex,
        withItems: (topic, partitions) => ({ ...topic, partitions }),
      })
    : topics;
