/**
 * Offsets over time: a history enters; for each partition that a group reads, where its log ended, what was committed,
 * and what was delivered to whom leaves, as a model that knows nothing of pixels.
 */
import type { History } from '../../harness/history/schema.ts';

export interface Step {
  readonly timeMs: number;
  readonly offset: number;
}

export interface DeliveredSpan {
  readonly timeMs: number;
  readonly process: string;
  /** Both ends included. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** So many of them had been delivered in this group before. */
  readonly again: number;
}

export interface OffsetLane {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Ascending in both; the end of the log is the offset after its last record. */
  readonly logEnd: readonly Step[];
  /** An offset of null: the committed offset is gone. */
  readonly committed: readonly { readonly timeMs: number; readonly offset: number | null }[];
  readonly delivered: readonly DeliveredSpan[];
  readonly offsetMax: number;
}

type MutableLane = {
  -readonly [K in keyof OffsetLane]: OffsetLane[K] extends readonly (infer T)[] ? T[] : OffsetLane[K];
};

/** The lanes of all groups, for every partition of which something was delivered or committed. */
export function offsetLanesOf(history: History): OffsetLane[] {
  const logEnds = logEndsOf(history);
  const lanes = new Map<string, MutableLane>();
  const laneOf = (group: string, topic: string, partition: number): MutableLane => {
    const key = `${group} ${topic}/${partition}`;
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const logEnd = [...(logEnds.get(`${topic}/${partition}`) ?? [])];
    const offsetMax = logEnd.at(-1)?.offset ?? 0;
    const lane: MutableLane = { group, topic, partition, logEnd, committed: [], delivered: [], offsetMax };
    lanes.set(key, lane);
    return lane;
  };
  const seen = new Set<string>();
  for (const event of history.events) {
    if (event.kind === 'commit-accepted' || event.kind === 'commit-removed') {
      const lane = laneOf(event.group, event.topic, event.partition);
      const offset = event.kind === 'commit-accepted' ? Number(event.offset) : null;
      lane.committed.push({ timeMs: event.time, offset });
      lane.offsetMax = Math.max(lane.offsetMax, offset ?? 0);
    }
    if (event.kind !== 'delivery') continue;
    const { group, topic, partition, offsets } = event;
    const lane = laneOf(group, topic, partition);
    let again = 0;
    for (const offset of offsets) {
      const place = `${group} ${topic}/${partition}/${offset}`;
      if (seen.has(place)) again += 1;
      seen.add(place);
    }
    const [firstOffset, lastOffset] = [Number(offsets[0]), Number(offsets.at(-1))];
    lane.delivered.push({ timeMs: event.time, process: event.process, firstOffset, lastOffset, again });
    lane.offsetMax = Math.max(lane.offsetMax, lastOffset + 1);
  }
  return [...lanes.values()];
}

/**
 * By `topic/partition`. No event says where a log ends; what does is where a record is (as the log holds it at the end, or
 * as it was processed) and when its send was confirmed, or made where that was never learnt. A record that was delivered
 * before that was in the log by then.
 */
function logEndsOf({ events }: History): Map<string, Step[]> {
  const places = new Map<string, { topicPartition: string; offset: number }>();
  const delivered = new Map<string, number>();
  const sent = new Map<string, { records: readonly string[]; timeMs: number }>();
  for (const event of events) {
    if (event.kind === 'fact-log')
      for (const { record, offset } of event.records)
        if (record !== null)
          places.set(record, {
            topicPartition: `${event.topic}/${event.partition}`,
            offset: Number(offset),
          });
    if (event.kind === 'processing-begin' && event.record !== null)
      places.set(event.record, {
        topicPartition: `${event.topic}/${event.partition}`,
        offset: Number(event.offset),
      });
    if (event.kind === 'delivery')
      for (const offset of event.offsets) {
        const place = `${event.topic}/${event.partition}/${offset}`;
        if (!delivered.has(place)) delivered.set(place, event.time);
      }
    if (event.kind === 'produce-invoke')
      sent.set(`${event.process} ${event.produce}`, {
        records: event.records.map(({ record }) => record),
        timeMs: event.time,
      });
    if (event.kind === 'produce-ok') {
      const send = sent.get(`${event.process} ${event.produce}`);
      if (send !== undefined) send.timeMs = event.time;
    }
  }
  const written = [...sent.values()].flatMap(({ records, timeMs }) =>
    records.flatMap((record) => {
      const place = places.get(record);
      if (place === undefined) return [];
      const seenMs = delivered.get(`${place.topicPartition}/${place.offset}`) ?? Number.POSITIVE_INFINITY;
      return [{ ...place, timeMs: Math.min(timeMs, seenMs) }];
    }),
  );
  const ends = new Map<string, Step[]>();
  for (const { topicPartition, offset, timeMs } of written.sort((a, b) => a.timeMs - b.timeMs)) {
    const steps = ends.get(topicPartition) ?? [];
    ends.set(topicPartition, steps);
    if (offset + 1 > (steps.at(-1)?.offset ?? 0)) steps.push({ timeMs, offset: offset + 1 });
  }
  return ends;
}
