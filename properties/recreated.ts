/**
 * What can be said of a topic that was deleted and created again: an anomaly about it enters, and whether the history can
 * tell at all leaves.
 *
 * Offsets of both topics are one to whoever reads a history: the same number stands for a record of the old topic and for
 * one of the new. So what the properties about offsets find there is observed, and not illegal; who owns it, and that the
 * group recovers, is judged as ever.
 */
import type { Scenario } from '../scenarios/schema.ts';
import type { Anomaly } from './property.ts';

const ABOUT_OFFSETS: ReadonlySet<string> = new Set([
  'at-least-once',
  'commit-monotonic',
  'complete-assignment',
  'duplicate-bound',
  'explained-resume',
  'no-lost-commit',
  'offset-reset',
  'owned-commit',
  'produced-offset',
  'producer-flush',
]);

export const isOfRecreatedTopic = (scenario: Scenario, { property, subject }: Anomaly): boolean =>
  ABOUT_OFFSETS.has(property) &&
  scenario.actions.some((action) => action.kind === 'recreate-topic' && action.topic === subject.topic);
