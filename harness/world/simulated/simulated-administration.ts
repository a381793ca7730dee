/**
 * Administration of the simulated cluster: real names and numbers enter, what the controller, the leaders and the
 * coordinators say leaves, in the words that the observer of a real cluster uses. Where one of them is not there, it
 * is asked again until the limit.
 */
import type { Outcome } from '../../cluster/controller.ts';
import type { StoredRecord } from '../../cluster/environment.ts';
import type { GroupPart } from '../../cluster/group/part.ts';
import { errorCode, errorOrNull } from '../../cluster/protocol/errors.ts';
import { CLIENT_ID } from '../../cluster/quota/entities.ts';
import { OFFSETS_TOPIC, type SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import type { Administration } from '../administration.ts';
import type { ClusterAdmin } from '../kafka/observer/admin.ts';
import type { AskedPartitions } from '../kafka/observer/admin-groups.ts';
import {
  BrokerUnreachableError,
  canRetry,
  DeadlineExceededError,
  KafkaRequestError,
  throwOnError,
} from '../kafka/observer/kafka-error.ts';
import { byMemberId, decodeMember } from '../kafka/observer/member.ts';
import { type LogEntry, withOutcomes } from '../kafka/observer/transaction-outcomes.ts';
import { type RunContext, waitMs } from '../run-context.ts';

type Facts = Pick<ClusterAdmin, 'logOffsets' | 'readPartition' | 'committedOffsets' | 'describeGroup'>;
type GroupCoordinator = ReturnType<GroupPart['of']>;

const RETRY_MS = 50;
/** The versions that the observer of a real cluster uses. */
const DESCRIBE_GROUPS_VERSION = 5;
const OFFSET_COMMIT_VERSION = 8;
const NO_TOPIC_ID = '0'.repeat(32);
const TIMEOUT_MS = 30_000;
/** What a member that was killed left open ends with its `transaction.timeout.ms`. */
const TRANSACTIONS_TIMEOUT_MS = 90_000;

export class SimulatedAdministration implements Administration, Facts {
  readonly #cluster: SimulatedCluster;
  readonly #groups: GroupPart;
  readonly #context: Pick<RunContext, 'now' | 'after' | 'signal'>;

  constructor(
    cluster: SimulatedCluster,
    groups: GroupPart,
    context: Pick<RunContext, 'now' | 'after' | 'signal'>,
  ) {
    this.#cluster = cluster;
    this.#groups = groups;
    this.#context = context;
  }

  async addPartitions(topic: string, total: number, timeoutMs: number): Promise<void> {
    const what = `raising ${topic} to ${total} partitions`;
    await this.#decided(what, timeoutMs, () => this.#cluster.addPartitions(topic, total));
  }

  async deleteTopics(topics: readonly string[], timeoutMs: number): Promise<void> {
    for (const topic of topics)
      await this.#decided(`deleting ${topic}`, timeoutMs, () => this.#cluster.deleteTopic(topic));
  }

  /** What the controller has to decide waits until there is one, and a broker that passes it on. */
  async #decided(what: string, timeoutMs: number, decide: () => Outcome): Promise<void> {
    const { brokers, quorum } = this.#cluster.core;
    await this.#retried(what, timeoutMs, async () => {
      if (![...brokers.values()].some((broker) => broker.listens && !broker.isPaused))
        throw new BrokerUnreachableError(`${what}: no broker answers`);
      if (!quorum.isActive) throw new KafkaRequestError(what, 'NOT_CONTROLLER');
      const outcome = decide();
      throwOnError(what, outcome.errorCode, outcome.message);
      await Promise.resolve();
    });
  }

  /** A client's request for metadata may have created it meanwhile, with fewer partitions. */
  async createTopics(
    topics: readonly { name: string; partitions: number; replicationFactor: number }[],
    timeoutMs: number,
  ): Promise<void> {
    for (const { name, partitions, replicationFactor } of topics) {
      const what = `creating ${name}`;
      await this.#retried(what, timeoutMs, async () => {
        const present = this.#cluster.image.topics.get(name)?.partitions.length;
        if (present === partitions) return;
        const outcome =
          present === undefined
            ? this.#cluster.createTopic({ name, partitions, replicationFactor })
            : this.#cluster.addPartitions(name, partitions);
        // No broker to put it on: some are on their way back.
        if (outcome.errorCode !== 0)
          throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE', outcome.message);
        await Promise.resolve();
      });
    }
  }

  async deleteRecords(
    topic: string,
    partition: number,
    beforeOffset: bigint,
    timeoutMs: number,
  ): Promise<bigint> {
    const what = `deleting records of ${topic}-${partition}`;
    return await this.#retried(what, timeoutMs, async () => {
      const start = this.#cluster.deleteRecords(topic, partition, beforeOffset);
      const low = this.#cluster.lowWatermark(topic, partition);
      if (start === null || low === null) throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE');
      // Until the followers have done so too another leader may have the records still, and would be asked again then.
      if (low < start) throw new KafkaRequestError(what, 'REQUEST_TIMED_OUT');
      return await Promise.resolve(start);
    });
  }

  async deleteGroupOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    timeoutMs: number,
  ): Promise<{ partition: number; error: string | null }[]> {
    const what = `deleting offsets of group ${group}`;
    const request = {
      groupId: group,
      topics: [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
    };
    return await this.#retried(what, timeoutMs, async () => {
      const coordinator = this.#coordinatorOf(what, group);
      return await new Promise<{ partition: number; error: string | null }[]>((resolve, reject) => {
        coordinator.deleteOffsets(request, (error, result) => {
          if (error !== 0) reject(new KafkaRequestError(what, errorOrNull(error) ?? ''));
          else
            resolve(
              (result[0]?.partitions ?? []).map(({ partitionIndex, errorCode }) => ({
                partition: partitionIndex,
                error: errorOrNull(errorCode),
              })),
            );
        });
      });
    });
  }

  async alterGroupOffset(
    group: string,
    topic: string,
    partition: number,
    offset: bigint,
    timeoutMs: number,
  ): Promise<string | null> {
    const what = `setting an offset of group ${group}`;
    const committed = {
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    };
    const request = {
      groupId: group,
      memberId: '',
      groupInstanceId: null,
      generationId: -1,
      retentionTimeMs: -1n,
      topics: [{ name: topic, topicId: NO_TOPIC_ID, partitions: [committed] }],
    };
    return await this.#retried(what, timeoutMs, async () => {
      const coordinator = this.#coordinatorOf(what, group);
      return await new Promise<string | null>((resolve, reject) => {
        coordinator.commitOffsets(OFFSET_COMMIT_VERSION, request, (result) => {
          const name = errorOrNull(result[0]?.partitions[0]?.errorCode ?? 0);
          const error = name === null ? null : new KafkaRequestError(what, name);
          if (error !== null && canRetry(error) && name !== 'UNKNOWN_TOPIC_OR_PARTITION') reject(error);
          else resolve(name);
        });
      });
    });
  }

  async alterClientQuotas(
    changes: Parameters<Administration['alterClientQuotas']>[0],
    timeoutMs: number,
  ): Promise<void> {
    await this.#decided('setting quotas', timeoutMs, () => {
      const outcomes = this.#cluster.alterClientQuotas(
        changes.map(({ clientId, values }) => ({
          entity: new Map([[CLIENT_ID, clientId]]),
          values: Object.entries(values),
        })),
      );
      const refusal = outcomes.find((outcome) => outcome.refusal !== null)?.refusal ?? null;
      return { errorCode: refusal === null ? 0 : errorCode('INVALID_REQUEST'), message: refusal };
    });
  }

  async logOffsets(topic: string, timeoutMs = TIMEOUT_MS) {
    const what = `reading the offsets of ${topic}`;
    return await this.#retried(what, timeoutMs, async () => {
      const partitions = this.#cluster.image.topics.get(topic)?.partitions ?? [];
      const offsets = partitions.map(({ partition }) => {
        const log = this.#cluster.logOffsets(topic, partition);
        if (log === null) throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE');
        return { partition, logStartOffset: log.logStartOffset, logEndOffset: log.highWatermark };
      });
      return await Promise.resolve(offsets);
    });
  }

  async produce(topic: string, partition: number, value: string, timeoutMs: number): Promise<bigint> {
    const what = `writing to ${topic}-${partition}`;
    const records = [{ key: null, value: Buffer.from(value) }];
    return await this.#retried(
      what,
      timeoutMs,
      async () =>
        await new Promise<bigint>((resolve, reject) => {
          this.#cluster.produce(topic, partition, records, (error, baseOffset) => {
            if (error === 0) resolve(baseOffset);
            else reject(new KafkaRequestError(what, errorOrNull(error) ?? ''));
          });
        }),
    );
  }

  async readPartition(topic: string, partition: number, fromOffset: bigint, toOffset: bigint) {
    const contents = this.#cluster.readPartition(topic, partition);
    if (contents === null)
      throw new KafkaRequestError(`reading ${topic}-${partition}`, 'LEADER_NOT_AVAILABLE');
    const records = withOutcomes(contents.entries.map(toLogEntry)).filter(
      ({ offset }) => offset >= fromOffset && offset < toOffset,
    );
    return await Promise.resolve(records);
  }

  async committedOffsets(
    group: string,
    timeoutMs = TRANSACTIONS_TIMEOUT_MS,
    of: readonly AskedPartitions[] | null = null,
  ) {
    const what = `reading the committed offsets of group ${group}`;
    const asked =
      of?.map(({ topic: name, partitions }) => ({
        name,
        topicId: NO_TOPIC_ID,
        partitionIndexes: partitions,
      })) ?? null;
    return await this.#retried(
      what,
      timeoutMs,
      async () => {
        const coordinator = this.#coordinatorOf(what, group);
        return await new Promise<{ topic: string; partition: number; offset: bigint | null }[]>(
          (resolve, reject) => {
            coordinator.fetchOffsets({ groupId: group, topics: asked }, true, ({ errorCode, topics }) => {
              // A partition has one of its own while a transaction that commits its offset has not ended.
              const failed = [
                errorCode,
                ...topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode)),
              ].find((code) => code !== 0);
              if (failed !== undefined) reject(new KafkaRequestError(what, errorOrNull(failed) ?? ''));
              else
                resolve(
                  topics.flatMap(({ name, partitions }) =>
                    partitions.map(({ partitionIndex, committedOffset }) => ({
                      topic: name,
                      partition: partitionIndex,
                      offset: committedOffset < 0n ? null : committedOffset,
                    })),
                  ),
                );
            });
          },
        );
      },
      TRANSACTIONS_TIMEOUT_MS,
    );
  }

  async describeGroup(group: string, timeoutMs = TIMEOUT_MS) {
    const what = `describing group ${group}`;
    return await this.#retried(what, timeoutMs, async () => {
      const found = this.#coordinatorOf(what, group).describeGroup(DESCRIBE_GROUPS_VERSION, group);
      throwOnError(what, found.errorCode);
      const members = found.members.map(
        ({ memberId, clientId, groupInstanceId, memberMetadata, memberAssignment }) =>
          decodeMember(found.protocolType, {
            memberId,
            clientId,
            groupInstanceId,
            subscription: memberMetadata,
            assignment: memberAssignment,
          }).member,
      );
      return await Promise.resolve({ state: found.groupState, members: members.sort(byMemberId) });
    });
  }

  #coordinatorOf(what: string, group: string): GroupCoordinator {
    const { core } = this.#cluster;
    for (const broker of core.brokers.values()) {
      const coordinator = this.#groups.of(broker);
      const leader = this.#cluster.leaderOf(OFFSETS_TOPIC, coordinator.partitionOf(group));
      if (leader !== broker.brokerId) continue;
      if (broker.listens && !broker.isPaused) return coordinator;
    }
    throw new KafkaRequestError(what, 'COORDINATOR_NOT_AVAILABLE');
  }

  /** Errors that pass by themselves are waited out, on virtual time. */
  async #retried<T>(
    what: string,
    timeoutMs: number,
    attempt: () => Promise<T>,
    longestMs = TIMEOUT_MS,
  ): Promise<T> {
    const deadlineMs = this.#context.now() + Math.min(timeoutMs, longestMs);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!canRetry(error)) throw error;
        if (this.#context.now() + RETRY_MS >= deadlineMs)
          throw new DeadlineExceededError(what, timeoutMs, error);
        await waitMs(this.#context, RETRY_MS);
      }
    }
  }
}

function toLogEntry({ offset, timestampMs, key, value, transaction }: StoredRecord): LogEntry {
  const record = { offset, timestampEpochMs: timestampMs, key: asBuffer(key), value: asBuffer(value) };
  return transaction === undefined ? record : { ...record, transaction };
}

const asBuffer = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null || Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
