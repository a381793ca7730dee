/**
 * What can be said of a topic that was deleted and created again, or compacted: an anomaly about it enters, and whether the
 * history can tell at all leaves.
 *
 * Offsets of both topics are one to whoever reads a history: the same number stands for a record of the old topic and for
 * one of the new. So what the properties about offsets find there is observed, and not illegal; who owns it, and that the
 * group recovers, is judged as ever.
 *
 * What compaction has taken nobody knows, and each replica is compacted by itself: a record may be gone from one leader and
 * there again with the next. So what comes again, and in which order, is observed; what has to be processed is judged.
 */
import type { Scenario } from '../scenarios/schema.ts';
import type { Anomaly } from './property.ts';

const ABOUT_OFFSETS: ReadonlySet<string> = new Set([
  'at-least-once',
  'commit-monotonic',
  'commit-within-processed',
  'complete-assignment',
  'continuity',
  'duplicate-bound',
  'explained-resume',
  'no-lost-commit',
  'offset-reset',
  'order',
  'owned-commit',
  'produced-offset',
  'producer-flush',
]);

/** What these say is about a whole generation, whose partitions are gone in one and back in the next. */
const ABOUT_MOVES: ReadonlySet<string> = new Set(['no-spurious-rebalance', 'sticky-economy']);

/** What the next leader may show otherwise than the one before. */
const ABOUT_REPLICAS: ReadonlySet<string> = new Set([
  'continuity',
  'duplicate-bound',
  'explained-resume',
  'order',
]);

export const isOfCompactedTopic = ({ actions }: Scenario, { property, subject }: Anomaly): boolean =>
  ABOUT_REPLICAS.has(property) &&
  actions.some((action) => action.kind === 'compact-topic' && action.topic === subject.topic);

export function isOfRecreatedTopic({ actions, groups }: Scenario, { property, subject }: Anomaly): boolean {
  const recreated = new Set(
    actions.flatMap((action) => (action.kind === 'recreate-topic' ? [action.topic] : [])),
  );
  if (ABOUT_OFFSETS.has(property)) return recreated.has(subject.topic ?? '');
  if (!ABOUT_MOVES.has(property)) return false;
  const group = groups.find(({ id }) => id === subject.group);
  return group?.topics.some((topic) => recreated.has(topic)) ?? false;
}
