/** paused-consumption: calls of the application and what the client did enter, what it did in spite of a call leaves. */
import type { EventOf } from '../harness/history/schema.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { evidenceOf } from './evidence/evidence.ts';
import { handedOverAt } from './evidence/hand-overs.ts';
import { count, partitionKey } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('paused-consumption');

const STOPPED = 'delivered although the consumer was stopped';
const JOINED = 'joined although the consumer was stopped';
const WENT_ON = 'went on with a partition that was paused';
const ONE_MORE = 'one more handler call after the partition was paused';

const KINDS = [
  'application-call',
  'application-call-end',
  'wire-join',
  'client-joined',
  'wire-sync',
  'client-assigned',
  'client-rebalancing',
  'client-crashed',
  'delivery',
] as const;

export const pausedConsumption: Property = {
  id: 'paused-consumption',
  title: 'What is stopped or paused is not read',
  statement:
    "From the return of the application's call that stops its consumer to its next call that runs it, the client hands over nothing, and takes up no assignment, which nobody would work on; nor does it ever again under a member id of a consumer that was stopped: one that it had before, or that is older than another that it has asked for since. From the return of a call that pauses partitions the client hands over no record of these, until the application calls to resume them, or the member joins again or takes its partitions by hand again, since a rebalance need not keep what was paused (the Java client's does not). A call that fails promises nothing. What a poll, or a handler call for a batch, had handed over before counts as in the application's hand; what is fetched and waits in the client does not.",
  check(history) {
    const { groups } = evidenceOf(history);
    const known = new Set(groups.map(({ id }) => id));
    const holds = new Map<string, ProcessHolds>();
    const found: Breach[] = [];
    const joined: Anomaly[] = [];
    for (const event of eventsOf(history, ...KINDS)) {
      const ofProcess: ProcessHolds = holds.get(event.process) ?? {
        stop: null,
        stopped: null,
        memberIds: new Map(),
        pauses: [],
      };
      switch (event.kind) {
        case 'application-call':
          // To resume is to allow at once, whenever the client says that it did.
          if (event.call === 'run') ofProcess.stop = null;
          if (event.call === 'resume')
            ofProcess.pauses = ofProcess.pauses.filter(({ call }) => !isOver(call, event));
          if (event.call === 'pause') ofProcess.asked = event;
          break;
        case 'application-call-end':
          if (event.outcome === 'skipped') break;
          if (event.call === 'stop') {
            ofProcess.stop = { end: event, breach: null };
            ofProcess.stopped = event;
          }
          if (event.call === 'pause' && ofProcess.asked?.action === event.action)
            ofProcess.pauses.push({ call: ofProcess.asked, end: event, breaches: new Map() });
          break;
        case 'wire-join':
          noteId(ofProcess, event);
          break;
        case 'client-joined':
          if (ofProcess.stopped !== null && isOfStopped(ofProcess, ofProcess.stopped, event.memberId)) {
            joined.push(joinedAnyway(ofProcess.stopped, event));
            // Whatever else it does is of the same kind.
            ofProcess.stopped = null;
          }
          noteId(ofProcess, event);
          ofProcess.pauses = [];
          break;
        case 'wire-sync':
        case 'client-assigned':
        case 'client-rebalancing':
        case 'client-crashed':
          ofProcess.pauses = [];
          break;
        case 'delivery':
          if (known.has(event.group)) note(ofProcess, event, history.start.scenario, found);
          break;
      }
      holds.set(event.process, ofProcess);
    }
    return [...joined, ...found.map(toAnomaly)];
  },
  policy: () => 'illegal',
};

type Call = EventOf<'application-call'>;
type CallEnd = EventOf<'application-call-end'>;
type Delivery = EventOf<'delivery'>;

/** Handler calls that came in spite of one call of the application. */
interface Breach {
  readonly end: CallEnd;
  readonly first: Delivery;
  calls: number;
}

interface Pause {
  readonly call: Call;
  readonly end: CallEnd;
  /** By partition. */
  readonly breaches: Map<string, Breach>;
}

interface ProcessHolds {
  stop: { readonly end: CallEnd; breach: Breach | null } | null;
  /** The last call that stopped it, whether or not it has been run again since. */
  stopped: CallEnd | null;
  /** Where it was given each, by the answer to a join. */
  readonly memberIds: Map<string, number>;
  pauses: Pause[];
  /** The call to pause that has not returned yet. */
  asked?: Call;
}

const isAbout = ({ topic, partitions }: Call, of: string | null, partition: number): boolean =>
  topic === of && (partitions?.includes(partition) ?? true);

/** Whether a part of what was paused is resumed: of the rest nothing is asked then either. */
const isOver = (pause: Call, resume: Call): boolean =>
  pause.topic === resume.topic &&
  (pause.partitions === null ||
    pause.partitions.some((partition) => isAbout(resume, pause.topic, partition)));

function note({ stop, pauses }: ProcessHolds, delivery: Delivery, scenario: Scenario, found: Breach[]): void {
  const isAfter = (end: CallEnd): boolean =>
    (delivery.sincePollMs ?? 0) === 0 || handedOverAt(delivery, scenario) > end.time;
  const begin = (end: CallEnd): Breach => {
    const breach = { end, first: delivery, calls: 1 };
    found.push(breach);
    return breach;
  };
  if (stop !== null && isAfter(stop.end)) {
    if (stop.breach === null) stop.breach = begin(stop.end);
    else stop.breach.calls += 1;
    return;
  }
  const { topic, partition } = delivery;
  const key = partitionKey(topic, partition);
  const pause = pauses.find(({ call, end }) => isAbout(call, topic, partition) && isAfter(end));
  if (pause === undefined) return;
  const breach = pause.breaches.get(key);
  if (breach === undefined) pause.breaches.set(key, begin(pause.end));
  else breach.calls += 1;
}

function noteId({ memberIds }: ProcessHolds, { memberId, seq }: { memberId: string; seq: number }): void {
  // Who is refused before it has one is answered without.
  if (memberId !== '' && !memberIds.has(memberId)) memberIds.set(memberId, seq);
}

/** Whether a consumer takes up an assignment that had been stopped: none has been run since, or another has. */
function isOfStopped({ stop, memberIds }: ProcessHolds, stopped: CallEnd, memberId: string): boolean {
  if (stop !== null) return true;
  const first = memberIds.get(memberId);
  if (first === undefined) return false;
  return first < stopped.seq || [...memberIds.values()].some((seq) => seq > first);
}

const joinedAnyway = (end: CallEnd, { process, group, seq }: EventOf<'client-joined'>): Anomaly =>
  report(
    JOINED,
    `${process} joined group ${group} and took up an assignment after the application had stopped its consumer.`,
    proof(end.seq, seq),
    { group, process },
  );

function toAnomaly({ end, first, calls }: Breach): Anomaly {
  const { process, group, topic, partition, offsets, seq } = first;
  const isStop = end.call === 'stop';
  const signature = isStop ? STOPPED : calls > 1 ? WENT_ON : ONE_MORE;
  const held = isStop ? 'stopped its consumer' : `paused ${topic}/${partition}`;
  const more = calls > 1 ? `, and ${count(calls - 1, 'more handler call')} followed` : '';
  return report(
    signature,
    `${process} was handed offset ${offsets[0]} of ${topic}/${partition} in group ${group} after the application had ${held}${more}.`,
    proof(end.seq, seq),
    { group, topic, partition, process },
  );
}
