/**
 * The group coordinator's own account: a Connection enters, and every commit and every group generation that the
 * coordinator writes to `__consumer_offsets` leaves as an event, in the coordinator's order per partition.
 *
 * One view serves all scenarios on a cluster: each subscribes with the prefix of its group names.
 */
import type { Connection } from '../../../client/protocol.ts';
import type { EventOf } from '../../../history/schema.ts';
import { ensureCoordinator } from './admin-groups.ts';
import { ClusterLink } from './cluster-link.ts';
import { type CoordinatorRecord, decodeCoordinatorRecord } from './consumer-offsets.ts';
import { Deadline } from './deadline.ts';
import type { LogRecord, RecordBatch } from './record-batches.ts';
import { partitionEnds, type TailGap, TopicTail } from './topic-tail.ts';

type Kind = 'group-generation' | 'group-removed' | 'commit-accepted' | 'commit-removed';
type WithoutPlace<K extends Kind> = K extends Kind ? Omit<EventOf<K>, 'seq' | 'time'> : never;

/** With real names, and with the coordinator's own time stamp in place of scenario time. */
export type CoordinatorEvent = WithoutPlace<Kind> & { readonly timeEpochMs: number };

export interface CoordinatorView extends AsyncDisposable {
  /**
   * Delivers the events of all groups whose names begin so, from now on.
   * @returns ends the subscription
   */
  subscribe(groupPrefix: string, listener: (event: CoordinatorEvent) => void): () => void;
  /**
   * Resolves when everything that the coordinator had written before the call has been delivered.
   * @throws DeadlineExceededError; or what a listener threw
   */
  catchUp(timeoutMs: number): Promise<void>;
  /** One sentence for each stretch of the coordinator's log that was lost before it was read; empty is complete. */
  readonly gaps: readonly string[];
  /** Oddities that take nothing from the evidence, such as a member whose own bytes are not of the protocol. */
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

export const OFFSETS_TOPIC = '__consumer_offsets';
/** Any group will do: finding its coordinator makes Kafka create the topic. */
const PROBE_GROUP = 'kafka-trial.probe';
const START_TIMEOUT_MS = 60_000;
const NOTES_MAX = 100;

/** Resolves when the view stands at the end of the coordinator's log: whatever is written from then on is delivered. */
export async function startCoordinatorView(
  connection: Connection,
  timeoutMs: number = START_TIMEOUT_MS,
): Promise<CoordinatorView> {
  const link = new ClusterLink(connection, 'kafka-trial-observer');
  const deadline = new Deadline(timeoutMs);
  try {
    await ensureCoordinator(link, PROBE_GROUP, deadline);
    const events = new Events();
    const tail = await TopicTail.start(OFFSETS_TOPIC, link, events, deadline);
    return new View(link, tail, events);
  } catch (error) {
    link.close();
    throw error;
  }
}

class View implements CoordinatorView {
  readonly #link: ClusterLink;
  readonly #tail: TopicTail;
  readonly #events: Events;

  constructor(link: ClusterLink, tail: TopicTail, events: Events) {
    this.#link = link;
    this.#tail = tail;
    this.#events = events;
  }

  subscribe(groupPrefix: string, listener: (event: CoordinatorEvent) => void): () => void {
    return this.#events.subscribe(groupPrefix, listener);
  }

  async catchUp(timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    const ends = await partitionEnds(OFFSETS_TOPIC, this.#link, deadline);
    // The tail's position counts: the last offsets may be those of transaction markers, which are no records.
    await Promise.all(ends.map(({ partition, offset }) => this.#tail.reached(partition, offset, deadline)));
    if (this.#events.listenerFailure !== null) throw this.#events.listenerFailure;
  }

  get gaps(): readonly string[] {
    return this.#events.gaps;
  }

  get notes(): readonly string[] {
    return this.#events.notes;
  }

  async stop(): Promise<void> {
    this.#link.close();
    await this.#tail.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Turns batches of the coordinator's log into events for the subscribers. */
export class Events {
  readonly gaps: string[] = [];
  readonly notes: string[] = [];
  /** What a listener threw first. The other listeners' events go on. */
  listenerFailure: Error | null = null;
  readonly #subscriptions = new Set<{ prefix: string; listener: (event: CoordinatorEvent) => void }>();
  /** Commits of open transactions, by partition and producer: they count when the transaction commits. */
  readonly #pending = new Map<string, LogRecord[]>();

  subscribe(prefix: string, listener: (event: CoordinatorEvent) => void): () => void {
    const subscription = { prefix, listener };
    this.#subscriptions.add(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
    };
  }

  gap({ partition, reason, fromOffset, toOffset }: TailGap): void {
    const what = {
      compacted: 'were compacted before they were read',
      deleted: 'were deleted before they were read',
      truncated: 'were read, and then truncated from the log',
    }[reason];
    this.gaps.push(`${OFFSETS_TOPIC}-${partition}: offsets ${fromOffset} to ${toOffset - 1n} ${what}`);
  }

  batch(partition: number, batch: RecordBatch): void {
    const transaction = `${partition} ${batch.producerId}`;
    if (batch.control !== null) {
      const pending = this.#pending.get(transaction) ?? [];
      this.#pending.delete(transaction);
      // Each keeps its own position in the log: Kafka too lets a later plain commit win over an earlier one of a
      // transaction that ends after it (OffsetMetadataManager.replayEndTransactionMarker).
      if (batch.control !== 'commit') return;
      const { baseOffset, timestampEpochMs } = batch;
      for (const record of pending) this.#deliver(partition, { ...record, timestampEpochMs }, baseOffset);
      return;
    }
    if (batch.transactional) {
      this.#pending.set(transaction, [...(this.#pending.get(transaction) ?? []), ...batch.records]);
      return;
    }
    for (const record of batch.records) this.#deliver(partition, record);
  }

  /** @param transactionEnd where the marker is that brings the record into force; null outside transactions */
  #deliver(partition: number, record: LogRecord, transactionEnd: bigint | null = null): void {
    const decoded = decodeCoordinatorRecord(record.key, record.value);
    if (decoded.kind === 'passed-over') {
      // Unreadable may mean a commit that we missed, so the account is not complete.
      if (!decoded.readable)
        this.gaps.push(
          `${OFFSETS_TOPIC}-${partition}: the record at ${record.offset} is unreadable: ${decoded.reason}`,
        );
      return;
    }
    if (decoded.kind === 'group-generation')
      for (const note of decoded.notes) if (this.notes.length < NOTES_MAX) this.notes.push(note);
    const told = toEvent(decoded, partition, record);
    const event: CoordinatorEvent =
      told.kind === 'commit-accepted' && transactionEnd !== null
        ? { ...told, transactionEnd: String(transactionEnd) }
        : told;
    for (const { prefix, listener } of [...this.#subscriptions]) {
      if (!decoded.group.startsWith(prefix)) continue;
      try {
        listener(event);
      } catch (error) {
        this.listenerFailure ??= error instanceof Error ? error : new Error(String(error));
      }
    }
  }
}

type Told = Exclude<CoordinatorRecord, { kind: 'passed-over' }>;

function toEvent(told: Told, partition: number, record: LogRecord): CoordinatorEvent {
  const { group } = told;
  const common = {
    process: 'coordinator',
    group,
    timeEpochMs: record.timestampEpochMs,
    logPosition: { partition, offset: String(record.offset) },
  };
  switch (told.kind) {
    case 'offset-committed': {
      const { topic, offset, metadata } = told;
      return {
        ...common,
        kind: 'commit-accepted',
        topic,
        partition: told.partition,
        offset: String(offset),
        metadata,
      };
    }
    case 'offset-removed':
      return { ...common, kind: 'commit-removed', topic: told.topic, partition: told.partition };
    case 'group-removed':
      return { ...common, kind: 'group-removed' };
    case 'group-generation': {
      const { generation, protocol, leaderMemberId, members } = told;
      // Kafka writes a generation when its leader's assignment is complete, when the group becomes empty, and again
      // without a change now and then (a static member's new id, expired offsets). Each is told as written.
      const state = members.length === 0 ? 'empty' : 'stable';
      return { ...common, kind: 'group-generation', generation, state, protocol, leaderMemberId, members };
    }
  }
}
