/**
 * What an unclean election explains: a history and an anomaly enter, and the election leaves that made a replica lead which
 * was behind, so that what it had not got is lost, acknowledged or not, and its offsets are given out a second time.
 *
 * Kafka promises no more where `unclean.leader.election.enable` is set. The anomaly stays, with the election among its proof;
 * it is observed, and not illegal.
 */
import type { EventOf, History } from '../harness/history/schema.ts';
import type { Anomaly } from './property.ts';
import { isAboutOffsets } from './recreated.ts';

export function uncleanElectionOf(
  { events }: Pick<History, 'events'>,
  { property, subject: { topic, partition } }: Anomaly,
): EventOf<'unclean-election'> | null {
  if (topic === undefined || !isAboutOffsets(property)) return null;
  return (events.find(
    (event) =>
      event.kind === 'unclean-election' &&
      event.topic === topic &&
      (partition === undefined || event.partition === partition),
  ) ?? null) as EventOf<'unclean-election'> | null;
}
