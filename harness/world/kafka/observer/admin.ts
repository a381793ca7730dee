/**
 * The harness's administration of a real cluster: a Connection enters, confirmed changes and facts leave. It is built
 * on @platformatic/kafka, never on a client that is on trial.
 *
 * Every operation takes a time limit. Until then it is tried again while brokers are away, leaders and coordinators
 * move or load; then it ends with DeadlineExceededError. Other errors end it at once: KafkaRequestError with Kafka's
 * error name, or BrokerRefusedError for credentials and certificates.
 */
import type { Connection } from '../../../client/protocol.ts';
import * as groups from './admin-groups.ts';
import { alterClientQuotas, type QuotaChange } from './admin-quotas.ts';
import * as topics from './admin-topics.ts';
import { type Broker, ClusterLink, withRetries } from './cluster-link.ts';
import { Deadline } from './deadline.ts';
import { featuresV3 } from './features-request.ts';
import { throwOnError } from './kafka-error.ts';
import { readPartition } from './read-partition.ts';
import { releaseOf } from './release.ts';
import type { SettledRecord } from './transaction-outcomes.ts';

export type { AskedPartitions, CommittedOffset, GroupDescription } from './admin-groups.ts';
export type { LogOffsets, NewTopic } from './admin-topics.ts';

export interface DescribedBroker extends Broker {
  /** The release of the broker's software, such as '4.3', or null where it does not tell. */
  readonly kafkaVersion: string | null;
}

const TIMEOUT_MS = 30_000;

export class ClusterAdmin implements AsyncDisposable {
  readonly #link: ClusterLink;

  constructor(link: ClusterLink) {
    this.#link = link;
  }

  /** Resolves when every partition has a leader that all answering brokers know of. */
  async createTopics(newTopics: readonly topics.NewTopic[], timeoutMs = TIMEOUT_MS): Promise<void> {
    await topics.createTopics(this.#link, newTopics, new Deadline(timeoutMs));
  }

  /** Raises a topic to `total` partitions; resolves as createTopics does. */
  async addPartitions(topic: string, total: number, timeoutMs = TIMEOUT_MS): Promise<void> {
    await topics.addPartitions(this.#link, topic, total, new Deadline(timeoutMs));
  }

  /** Topics that do not exist are fine. */
  async deleteTopics(names: readonly string[], timeoutMs = TIMEOUT_MS): Promise<void> {
    await topics.deleteTopics(this.#link, names, new Deadline(timeoutMs));
  }

  async listTopics(prefix: string, timeoutMs = TIMEOUT_MS): Promise<string[]> {
    return await topics.listTopics(this.#link, prefix, new Deadline(timeoutMs));
  }

  /** DeleteRecords (KIP-107). @returns the log start offset afterwards */
  async deleteRecords(
    topic: string,
    partition: number,
    beforeOffset: bigint,
    timeoutMs = TIMEOUT_MS,
  ): Promise<bigint> {
    return await topics.deleteRecords(this.#link, topic, partition, beforeOffset, new Deadline(timeoutMs));
  }

  /** Start and end (high watermark) of each partition log, in order of partitions. */
  async logOffsets(topic: string, timeoutMs = TIMEOUT_MS): Promise<topics.LogOffsets[]> {
    return await topics.logOffsets(this.#link, topic, new Deadline(timeoutMs));
  }

  /** Records with `fromOffset` <= offset < `toOffset`, whatever transaction they belong to. */
  async readPartition(
    topic: string,
    partition: number,
    fromOffset: bigint,
    toOffset: bigint,
    timeoutMs = TIMEOUT_MS,
  ): Promise<SettledRecord[]> {
    return await readPartition(this.#link, topic, partition, fromOffset, toOffset, new Deadline(timeoutMs));
  }

  /** Writes one record without a key, with acks all, once. @returns its offset */
  async produce(topic: string, partition: number, value: string, timeoutMs = TIMEOUT_MS): Promise<bigint> {
    return await topics.produce(this.#link, topic, partition, value, new Deadline(timeoutMs));
  }

  /** Resolves when the group's coordinator answers for it. */
  async ensureCoordinator(group: string, timeoutMs = TIMEOUT_MS): Promise<void> {
    await groups.ensureCoordinator(this.#link, group, new Deadline(timeoutMs));
  }

  async describeGroup(group: string, timeoutMs = TIMEOUT_MS): Promise<groups.GroupDescription> {
    return await groups.describeGroup(this.#link, group, new Deadline(timeoutMs));
  }

  /** Of the partitions given, or of all that the group has committed. Open transactions are waited for. */
  async committedOffsets(
    group: string,
    timeoutMs = TIMEOUT_MS,
    of: readonly groups.AskedPartitions[] | null = null,
  ): Promise<groups.CommittedOffset[]> {
    return await groups.committedOffsets(this.#link, group, of, new Deadline(timeoutMs));
  }

  /** Per partition Kafka's error name or null; GROUP_SUBSCRIBED_TO_TOPIC is an answer, not an exception. */
  async deleteGroupOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    timeoutMs = TIMEOUT_MS,
  ): Promise<{ partition: number; error: string | null }[]> {
    return await groups.deleteGroupOffsets(this.#link, group, topic, partitions, new Deadline(timeoutMs));
  }

  /** Commits an offset in the place of an empty group's members. @returns Kafka's error name or null */
  async alterGroupOffset(
    group: string,
    topic: string,
    partition: number,
    offset: bigint,
    timeoutMs = TIMEOUT_MS,
  ): Promise<string | null> {
    const deadline = new Deadline(timeoutMs);
    return await groups.alterGroupOffset(this.#link, group, topic, partition, offset, deadline);
  }

  /** Resolves when the controller has them; brokers follow a moment later. */
  async alterClientQuotas(changes: readonly QuotaChange[], timeoutMs = TIMEOUT_MS): Promise<void> {
    await alterClientQuotas(this.#link, changes, new Deadline(timeoutMs));
  }

  /** Waits for members to expire, up to the limit. @returns the groups that are still there, with the reason */
  async deleteGroups(
    ids: readonly string[],
    timeoutMs = TIMEOUT_MS,
  ): Promise<{ group: string; error: string }[]> {
    return await groups.deleteGroups(this.#link, ids, new Deadline(timeoutMs));
  }

  async listGroups(prefix: string, timeoutMs = TIMEOUT_MS): Promise<string[]> {
    return await groups.listGroups(this.#link, prefix, new Deadline(timeoutMs));
  }

  /** All living brokers in order of node id. */
  async brokers(timeoutMs = TIMEOUT_MS): Promise<DescribedBroker[]> {
    return await withRetries('describing the brokers', new Deadline(timeoutMs), async () => {
      const { brokers } = await this.#link.metadata([]);
      const described = await Promise.all(
        brokers.map(async (broker) => {
          const answer = await this.#link.request(broker, featuresV3, []);
          throwOnError('reading features', answer.errorCode);
          return { ...broker, kafkaVersion: releaseOf(answer.metadataLevelMax) };
        }),
      );
      return described.sort((a, b) => a.nodeId - b.nodeId);
    });
  }

  /** The brokers' release, such as '4.3'; several, as during a rolling upgrade, are joined by a slash. */
  async kafkaVersion(timeoutMs = TIMEOUT_MS): Promise<string> {
    const brokers = await this.brokers(timeoutMs);
    return [...new Set(brokers.map((broker) => broker.kafkaVersion ?? 'unknown'))].sort().join('/');
  }

  async close(): Promise<void> {
    this.#link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Opens nothing yet: connections are made when they are needed. */
export const openAdmin = (connection: Connection): ClusterAdmin =>
  new ClusterAdmin(new ClusterLink(connection, 'kafka-trial-admin'));
