/** The settling of a run: markers enter every partition log, and what has not drained at the bound leaves. */
import type { Group } from '../../scenarios/schema.ts';
import { autoCommitMs, workMs } from '../../scenarios/settling.ts';
import { encodeRecordValue, fillTemplate } from '../client/record-value.ts';
import { MARKER_PREFIX } from '../history/schema.ts';
import type { Administration } from './administration.ts';
import type { DrainTracker, TopicPartition } from './drain.ts';
import { type RunContext, waitMs } from './run-context.ts';

const ADMIN_DEADLINE_MS = 30_000;
/** Markers are written again after these times, the last one repeated. */
const MARKER_INTERVALS_MS = [1_000, 1_000, 2_000, 4_000];
/** How many there is to be time for, however slow a group is. */
const MARKERS_LEAST = 3;

/**
 * Writes markers and waits until every group with live members has drained, or the bound is over.
 * @returns what is missing, one sentence each
 */
export async function settle(
  context: RunContext,
  admin: Pick<Administration, 'logOffsets' | 'produce'>,
  drain: Pick<
    DrainTracker,
    'logStartsAt' | 'undrainedPartitions' | 'pending' | 'undrained' | 'markerWritten'
  >,
): Promise<string[]> {
  const { scenario, names } = context;
  const deadlineMs = context.now() + scenario.settling.boundMs;
  const consumed = new Set(scenario.groups.flatMap((group) => group.topics));
  const partitions: TopicPartition[] = [];
  for (const topic of consumed)
    for (const { partition, logStartOffset } of await admin.logOffsets(
      names.real(topic),
      ADMIN_DEADLINE_MS,
    )) {
      partitions.push({ topic, partition });
      drain.logStartsAt({ topic, partition }, Number(logStartOffset));
    }

  const { network } = scenario.topology;
  const commitMs = Math.max(...scenario.groups.map(autoCommitMs));
  let wake = (): void => {};
  context.onEvent(() => wake());
  let marker = 0;
  for (let round = 0; ; round++) {
    const undrained = drain.undrainedPartitions(partitions);
    const leastMs = MARKER_INTERVALS_MS[Math.min(round, MARKER_INTERVALS_MS.length - 1)] as number;
    const work = Math.max(
      ...scenario.groups.map((group) => workMs(group, undrained.length, network) + waitsMs(group)),
    );
    // More than a slow group can work off would keep it from its end for ever; but one that starts at the log end may have
    // missed the first marker, and needs another one in time.
    const interval = Math.max(leastMs, Math.min(2 * work, scenario.settling.boundMs / MARKERS_LEAST));
    // One that comes too late would pass for something that a group has not got to, for the sake of another group.
    const isLate = round > 0 && deadlineMs - context.now() < Math.max(leastMs, work) + commitMs;
    for (const one of isLate ? [] : undrained) {
      await writeMarker(context, admin, drain, one, marker);
      marker++;
    }
    const roundEndMs = Math.min(context.now() + interval, deadlineMs);
    while (context.now() < roundEndMs) {
      if (drain.pending(partitions).length === 0) return drain.undrained(partitions);
      await waitMs(context, Math.max(1, roundEndMs - context.now()), (end) => {
        wake = end;
      });
    }
    if (context.now() >= deadlineMs) return drain.undrained(partitions);
  }
}

/**
 * How long a group may take over a marker beside its work. Where an answer waits for more bytes, it comes when the wait is over;
 * what a group leaves of that which it is handed comes again only when a fetch that is under way, and asks for what is behind
 * it, has come back; and it is committed with the next interval. With a marker in the meantime there is something left each time.
 */
const waitsMs = ({ resolvesPartially, fetchMinBytes, fetchMaxWaitMs, commitMode }: Group): number =>
  resolvesPartially === true || (fetchMinBytes ?? 1) > 1
    ? 2 * fetchMaxWaitMs + autoCommitMs({ commitMode })
    : 0;

async function writeMarker(
  context: RunContext,
  admin: Pick<Administration, 'produce'>,
  drain: Pick<DrainTracker, 'markerWritten'>,
  topicPartition: TopicPartition,
  marker: number,
): Promise<void> {
  const { topic, partition } = topicPartition;
  const record = `${MARKER_PREFIX}${marker}`;
  context.note({
    process: 'harness',
    kind: 'produce-invoke',
    produce: marker,
    topic,
    acks: 'all',
    records: [{ record, key: null }],
  });
  const template = context.scenario.topology.topics.find(({ name }) => name === topic)?.value;
  // An application has to understand it as it does all others.
  const value = template === undefined ? encodeRecordValue(record, 0) : fillTemplate(template, record);
  const offset = await admin.produce(context.names.real(topic), partition, value, ADMIN_DEADLINE_MS);
  context.note({
    process: 'harness',
    kind: 'produce-ok',
    produce: marker,
    answers: [{ partition, baseOffset: String(offset) }],
  });
  drain.markerWritten(topicPartition, Number(offset));
}
