/**
 * What could have mattered to an anomaly: everything that happened in a simulated run, in order, and the anomaly enter;
 * the events and messages from which something could have reached it leave.
 *
 * It goes backwards from what proves the anomaly. What a member does, and what the brokers say of its group and of the
 * partition, can have mattered; what concerns other groups and partitions, what came later, and answers that say that
 * nothing has changed cannot. Work on records matters where the anomaly is about a partition; where it is about a
 * group as a whole, it is the member's own work alone. A request belongs to its answer, so one of them brings the other.
 */
import type { HistoryEvent } from '../harness/history/schema.ts';
import type { Happening } from '../harness/runner/inspect.ts';
import type { Anomaly } from '../properties/property.ts';
import type { Scenario } from '../scenarios/schema.ts';

type Message = Extract<Happening, { message: unknown }>['message'];
type Subject = Anomaly['subject'];

/** They say which brokers there are and who leads; where that matters, the history has the broker's fault. */
const DIRECTORY_APIS: ReadonlySet<string> = new Set([
  'Metadata',
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate',
]);
/** What the harness reads at the end, and how a run is put together. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  'start',
  'finish',
  'heal',
  'fact-log',
  'fact-committed',
  'fact-group',
]);

export function causalSlice(
  happenings: readonly Happening[],
  { events, subject }: Pick<Anomaly, 'events' | 'subject'>,
  scenario: Scenario,
): Happening[] {
  const last = events.at(-1) ?? -1;
  const end = happenings.findLastIndex((one) => 'event' in one && one.event.seq === last);
  const before = happenings.slice(0, end + 1);
  const concern = new Concern(subject, scenario);
  const exchanges = new Set(
    before.flatMap((one) =>
      'message' in one && concern.tells(one.message) ? [exchangeOf(one.message)] : [],
    ),
  );
  return before.filter((one) =>
    'event' in one
      ? events.includes(one.event.seq) || concern.concerns(one.event)
      : exchanges.has(exchangeOf(one.message)),
  );
}

/** A request and its answer have it in common. */
const exchangeOf = ({ process, broker, api, correlationId }: Message): string =>
  `${process} ${broker} ${api} ${correlationId}`;

const WORK_APIS: ReadonlySet<string> = new Set([
  'Produce',
  'Fetch',
  'ListOffsets',
  'OffsetFetch',
  'OffsetCommit',
]);
const isWork = (kind: string): boolean =>
  /^(produce|producer|delivery|processing|commit|application-commit|wire-(fetch|list-offsets|offset-fetch))/.test(
    kind,
  );

class Concern {
  readonly #subject: Subject;
  readonly #processes: ReadonlySet<string>;
  readonly #topics: ReadonlySet<string>;

  constructor(subject: Subject, { groups, producers }: Scenario) {
    this.#subject = subject;
    const group = groups.find(({ id }) => id === subject.group);
    const members = group?.members.map(({ id }) => id) ?? [];
    const topics = subject.topic === undefined ? (group?.topics ?? []) : [subject.topic];
    this.#topics = new Set(topics);
    // Whoever writes to the partitions decides what there is to read.
    const writers = producers.filter((producer) => producer.topics.some((topic) => this.#topics.has(topic)));
    this.#processes = new Set([
      ...members,
      ...(subject.producer === undefined ? writers.map(({ id }) => id) : [subject.producer]),
    ]);
  }

  concerns(event: HistoryEvent): boolean {
    if (BOOKKEEPING.has(event.kind)) return false;
    // A fault of the brokers or of the network may reach anybody.
    if (event.kind === 'action') return true;
    if ('group' in event && event.group !== null && event.group !== this.#subject.group) return false;
    if (
      !this.#isPartition('topic' in event ? event.topic : null, 'partition' in event ? event.partition : null)
    )
      return false;
    if (isWork(event.kind) && !this.#mattersAsWork(event.process)) return false;
    return this.#isOurs(event.process) || 'group' in event;
  }

  /** Whether a message says something that concerns the anomaly. */
  tells(message: Message): boolean {
    if (DIRECTORY_APIS.has(message.api) || !this.#isOurs(message.process)) return false;
    const said = mentionsIn(message.body);
    if (said.group !== null && said.group !== this.#subject.group) return false;
    if (WORK_APIS.has(message.api) && !this.#mattersAsWork(message.process)) return false;
    if (message.api === 'Heartbeat') return message.direction === 'answer' && said.failed;
    if (message.api === 'Fetch') return message.direction === 'answer' && (said.failed || this.#brings(said));
    return (
      said.partitions.length === 0 ||
      said.partitions.some(([topic, number]) => this.#isPartition(topic, number))
    );
  }

  #brings({ filled }: Mentions): boolean {
    return filled.some(([topic, number]) => this.#isPartition(topic, number));
  }

  #mattersAsWork(process: string | null): boolean {
    const { partition, topic, process: own, producer } = this.#subject;
    if (partition !== undefined || topic !== undefined || producer !== undefined) return true;
    return own !== undefined && process !== null && idOf(process) === idOf(own);
  }

  #isOurs(process: string | null): boolean {
    return process !== null && this.#processes.has(idOf(process));
  }

  #isPartition(topic: string | null, partition: number | null): boolean {
    const { partition: wanted } = this.#subject;
    if (topic !== null && !this.#topics.has(topic)) return false;
    return partition === null || wanted === undefined || partition === wanted;
  }
}

/** Of a member or producer, whichever of its lives that is. */
const idOf = (process: string): string => process.replace(/\.\d+$/, '');

interface Mentions {
  group: string | null;
  /** Topics and partitions that it names. */
  readonly partitions: [topic: string, partition: number][];
  /** Those of them that it has records of. */
  readonly filled: [topic: string, partition: number][];
  failed: boolean;
}

/** What a decoded message names, whatever its kind: Kafka's messages use few names for these. */
function mentionsIn(body: unknown): Mentions {
  const said: Mentions = { group: null, partitions: [], filled: [], failed: false };
  const visit = (value: unknown, topic: string | null): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one, topic);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const fields = value as Record<string, unknown>;
    if (typeof fields.groupId === 'string') said.group = fields.groupId;
    if (isError(fields.errorCode)) said.failed = true;
    const inside = nameOf(fields) ?? topic;
    const number = [fields.partitionIndex, fields.partition, fields.index].find(
      (one) => typeof one === 'number',
    );
    if (inside !== null && typeof number === 'number') {
      said.partitions.push([inside, number]);
      if (Array.isArray(fields.records) && fields.records.length > 0) said.filled.push([inside, number]);
    }
    for (const one of Object.values(fields)) visit(one, inside);
  };
  visit(body, null);
  return said;
}

const nameOf = ({ topic, name }: Record<string, unknown>): string | null =>
  typeof topic === 'string' ? topic : typeof name === 'string' ? name : null;

const isError = (code: unknown): boolean =>
  code !== undefined && code !== null && code !== 0 && code !== 'NONE';
