/**
 * What can be said of a topic that was deleted and created again: a history and an anomaly enter, and whether Kafka promises
 * anything there leaves.
 *
 * Kafka promises little. The coordinator removes the committed offsets of a deleted topic, and a broker refuses a fetch that
 * names the old topic's id (KIP-516). But a consumer's position is a number without a topic id: over a new topic of the same
 * name it stands where it stood. Beyond the new log's end it is out of range and auto.offset.reset decides; inside it the
 * consumer reads on, and no leader epoch tells it otherwise, since those of the new topic begin at 0 again and an epoch that
 * is lower than the last known one is taken for an old answer (KIP-320) unless the topic id has changed. A commit names its
 * topic by name too (before KIP-848's protocol), so one of the old topic may be accepted for the new one. And in a history
 * the same number stands for a record of either topic. So what the properties about offsets find there is observed.
 *
 * Not so what only events before the deletion prove, in properties that do not look into the final log: that was about the
 * old topic alone. Who owns a partition, that the group recovers and that nothing is read twice by two members is judged as
 * ever: members, generations and sessions know nothing of topic ids.
 */
import type { History } from '../harness/history/schema.ts';
import type { Anomaly } from './property.ts';

/** They look into the final log, which is the new topic's. */
const ABOUT_LOGS: ReadonlySet<string> = new Set([
  'answered-offset',
  'at-least-once',
  'commit-within-processed',
  'continuity',
  'duplicate-bound',
  'exactly-once',
  'explained-resume',
  'offset-reset',
  'order',
  'produced-offset',
  'producer-flush',
  'read-committed',
]);

/** They compare what is committed, or which partitions there are. */
const ABOUT_OFFSETS: ReadonlySet<string> = new Set([
  'commit-monotonic',
  'complete-assignment',
  'no-lost-commit',
  'owned-commit',
]);

/** Whether it goes by offsets of the final log, or by what was committed. */
export const isAboutOffsets = (property: string): boolean =>
  ABOUT_LOGS.has(property) || ABOUT_OFFSETS.has(property);

/** What these say is about a whole generation, whose partitions are gone in one and back in the next. */
const ABOUT_MOVES: ReadonlySet<string> = new Set(['no-spurious-rebalance', 'sticky-economy']);

export function isOfRecreatedTopic(
  { start, events }: Pick<History, 'start' | 'events'>,
  { property, subject, events: proving }: Anomaly,
): boolean {
  const { actions, groups } = start.scenario;
  const topics = isAboutOffsets(property)
    ? [subject.topic ?? '']
    : ABOUT_MOVES.has(property)
      ? (groups.find(({ id }) => id === subject.group)?.topics ?? [])
      : [];
  const recreations = new Set(
    actions.flatMap((action, index) =>
      action.kind === 'recreate-topic' && topics.includes(action.topic) ? [index] : [],
    ),
  );
  if (recreations.size === 0) return false;
  if (ABOUT_LOGS.has(property)) return true;
  const deletion = events.find((event) => event.kind === 'action' && recreations.has(event.action));
  // Without a word of it, nobody can say what came before.
  return deletion === undefined || proving.some((seq) => seq >= deletion.seq);
}
