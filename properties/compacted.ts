/**
 * What can be said of a topic that was compacted: a scenario and an anomaly enter, and whether the history cannot tell
 * leaves.
 *
 * What compaction has taken nobody knows, and each replica is compacted by itself: a record may be gone from one leader and
 * there again with the next. So what comes again, and in which order, is observed; what has to be processed is judged.
 */
import type { Scenario } from '../scenarios/schema.ts';
import type { Anomaly } from './property.ts';

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
