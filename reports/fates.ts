/**
 * What became of each record: a history enters; which records were processed again, which never, and which no partition
 * log holds at the end leave. The markers of the harness are left out of everything.
 */
import { type EventOf, type History, MARKER_PREFIX } from '../harness/history/schema.ts';

/** A record whose processing began more than once in a group. */
export interface Repetition {
  readonly record: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Who began it, in order. */
  readonly processes: readonly string[];
}

export interface GroupFates {
  readonly again: readonly Repetition[];
  /** Records sent to the group's topics that nobody processed to the end, in the order of sending. */
  readonly never: readonly string[];
}

export interface Fates {
  readonly groups: ReadonlyMap<string, GroupFates>;
  /** Records sent that no partition log holds at the end, in the order of sending. */
  readonly notInLog: readonly string[];
  /** Whether a handover brought nothing but markers of the harness. */
  isOfMarkersOnly(delivery: EventOf<'delivery'>): boolean;
  isMarker(topic: string, partition: number, offset: number): boolean;
}

export function fatesOf(history: History): Fates {
  const { events, start } = history;
  const sent = events.flatMap((event) =>
    event.kind === 'produce-invoke'
      ? event.records
          .filter(({ record }) => !record.startsWith(MARKER_PREFIX))
          .map(({ record }) => ({ record, topic: event.topic }))
      : [],
  );
  const logged = new Set<string | null>();
  const markers = new Set<string>();
  for (const event of events) {
    if (event.kind !== 'fact-log') continue;
    for (const { record, offset } of event.records) {
      logged.add(record);
      if (record?.startsWith(MARKER_PREFIX)) markers.add(`${event.topic}/${event.partition}/${offset}`);
    }
  }
  return {
    notInLog: sent.filter(({ record }) => !logged.has(record)).map(({ record }) => record),
    groups: new Map(
      start.scenario.groups.map(({ id, topics }) => {
        const { again, done } = processingOf(history, id);
        const never = sent.filter(({ record, topic }) => topics.includes(topic) && !done.has(record));
        return [id, { again, never: never.map(({ record }) => record) }];
      }),
    ),
    isMarker: (topic, partition, offset) => markers.has(`${topic}/${partition}/${offset}`),
    isOfMarkersOnly: ({ topic, partition, offsets }) =>
      offsets.every((offset) => markers.has(`${topic}/${partition}/${offset}`)),
  };
}

function processingOf(
  { events }: History,
  group: string,
): { again: readonly Repetition[]; done: ReadonlySet<string> } {
  const begun = new Map<string, Repetition & { processes: string[] }>();
  const running = new Map<string, string>();
  const done = new Set<string>();
  for (const event of events) {
    if (event.kind !== 'processing-begin' && event.kind !== 'processing-end') continue;
    if (event.group !== group) continue;
    const { process, topic, partition, offset } = event;
    const key = `${topic}/${partition}/${offset}`;
    if (event.kind === 'processing-begin') {
      const { record } = event;
      if (record === null || record.startsWith(MARKER_PREFIX)) continue;
      running.set(`${process} ${key}`, record);
      const known = begun.get(key);
      if (known === undefined) begun.set(key, { record, topic, partition, offset, processes: [process] });
      else known.processes.push(process);
    } else if (event.outcome === 'ok') {
      const record = running.get(`${process} ${key}`);
      if (record !== undefined) done.add(record);
    }
  }
  return { again: [...begun.values()].filter(({ processes }) => processes.length > 1), done };
}
