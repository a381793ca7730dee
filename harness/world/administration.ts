/**
 * What a run asks of its cluster besides what the clients do: real topic and group names enter, confirmed changes and
 * facts leave. The observer's `ClusterAdmin` has all of it; the simulated world answers at once.
 */
import type { InjectableApi } from '../../scenarios/injectable-errors.ts';
import type { LinkConditions } from '../../scenarios/schema.ts';

/** How long a request of an action may wait for brokers that are away. */
export const ACTION_DEADLINE_MS = 20_000;

/** @throws Error with Kafka's own word where it refuses, or where it cannot be done within the limit */
export interface Administration {
  /** Raises a topic to `total` partitions. */
  addPartitions(topic: string, total: number, timeoutMs: number): Promise<void>;
  /** DeleteRecords (KIP-107). @returns the log start offset afterwards */
  deleteRecords(topic: string, partition: number, beforeOffset: bigint, timeoutMs: number): Promise<bigint>;
  /** Per partition Kafka's error name or null. */
  deleteGroupOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    timeoutMs: number,
  ): Promise<{ partition: number; error: string | null }[]>;
  /** Commits an offset in the place of an empty group's members. @returns Kafka's error name or null */
  alterGroupOffset(
    group: string,
    topic: string,
    partition: number,
    offset: bigint,
    timeoutMs: number,
  ): Promise<string | null>;
  /** Sets quotas of client ids, by Kafka's names, or takes them away where they are null (KIP-546). */
  alterClientQuotas(
    changes: readonly {
      readonly clientId: string;
      readonly values: Readonly<Record<string, number | null>>;
    }[],
    timeoutMs: number,
  ): Promise<void>;
  /** Deletes a topic. */
  deleteTopics(topics: readonly string[], timeoutMs: number): Promise<void>;
  /** Creates topics; resolves when each partition has a leader. */
  createTopics(
    topics: readonly { name: string; partitions: number; replicationFactor: number }[],
    timeoutMs: number,
  ): Promise<void>;
  /** Start and end (high watermark) of each partition log, in order of partitions. */
  logOffsets(
    topic: string,
    timeoutMs: number,
  ): Promise<{ partition: number; logStartOffset: bigint; logEndOffset: bigint }[]>;
  /** Writes one record without a key, with acks all, once. @returns its offset */
  produce(topic: string, partition: number, value: string, timeoutMs: number): Promise<bigint>;
}

/** A direction of a link, as seen from between its ends. */
export type Direction = 'to-broker' | 'to-process';

/** Ends a fault; what it returns is there where that takes time. */
export type FaultEnd = () => Promise<void> | void;

/**
 * The links between processes (by their ids in the scenario) and brokers, where they are ours to break. Each call has
 * taken effect when it returns, or, where it returns a promise, when that resolves.
 */
export interface LinkFaults {
  /** Bytes in this direction wait from now on. @returns what lets them through again */
  cut(process: string, broker: number, direction: Direction): Promise<FaultEnd> | FaultEnd;
  /** The link has these conditions from now on. @returns what gives it those back that it had at first */
  slow(process: string, broker: number, conditions: LinkConditions): Promise<FaultEnd> | FaultEnd;
  /** Ends the open connections of the link. */
  reset(process: string, broker: number, ending: 'reset' | 'half-open'): Promise<void> | void;
}

/** Why the links cannot be broken: the end of a sentence. */
export interface Unbreakable {
  readonly unbreakable: string;
}

/** The brokers, where they are ours to break. */
export interface BrokerFaults {
  /** It dies at once; its disk survives. */
  crashBroker(id: number): Promise<void>;
  /** It shuts down in good order. */
  stopBroker(id: number): Promise<void>;
  /**
   * Starts a broker that was crashed or stopped; resolves when it serves and the others know it.
   * @param action index of the action that ends with it, where one does
   */
  startBroker(id: number, action?: number): Promise<void>;
  /** Freezes the broker: connections stay, nothing answers. */
  pauseBroker(id: number): Promise<void>;
  unpauseBroker(id: number): Promise<void>;
}

export interface ErrorOrder {
  readonly api: InjectableApi;
  readonly error: string;
  readonly times: number;
  /** Whose requests: client ids without the number of the incarnation, or null for any. */
  readonly clients: readonly string[] | null;
  /** Told of each answer: the broker that gave it, and the client id of whoever asked, which may be empty. */
  readonly onAnswered: (broker: number, client: string) => void;
}

/** What can be done to the cluster from inside, where it is a simulated one. Each names why it was not done, or null. */
export interface ClusterFaults {
  answerError(order: ErrorOrder): void;
  /** Errors that nobody has been answered yet are answered to nobody from now on. */
  heal(): void;
  moveLeader(topic: string, partition: number): string | null;
  moveCoordinator(group: string): string | null;
  compactTopic(topic: string): string | null;
  /** @returns what ends it */
  throttle(broker: number, delayMs: number): () => void;
  isolateBrokers(one: number, other: number): FaultEnd;
  isolateController(broker: number): FaultEnd;
}
