/**
 * The markers of a transaction that commits or aborts (TransactionMarkerChannelManager, and KafkaApis at the other end):
 * a transaction in PrepareCommit or PrepareAbort enters, markers go to the leaders of its partitions until each has one,
 * and its last state is written.
 *
 * Kafka's sender tries again at the pace of its network client; here it does so after a fixed pause.
 */
import type { Broker } from '../broker.ts';
import type { ErrorCode, TransactionalProducer, TransactionOutcome } from '../environment.ts';
import type { GroupPart } from '../group/part.ts';
import { type ClusterCore, OFFSETS_TOPIC } from '../simulated-cluster.ts';
import type { PartitionErrors } from './coordinator.ts';
import {
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  INVALID_PRODUCER_EPOCH,
  NONE,
  NOT_COORDINATOR,
  NOT_LEADER_OR_FOLLOWER,
  TRANSACTION_COORDINATOR_FENCED,
  UNKNOWN_TOPIC_OR_PARTITION,
} from './error-codes.ts';
import type { Shard } from './shard.ts';
import type { TopicPartition, Transaction } from './transaction.ts';

const RETRY_MS = 50;

export interface Marker {
  readonly producer: TransactionalProducer;
  readonly outcome: TransactionOutcome;
  readonly coordinatorEpoch: number;
}

type Outcomes = PartitionErrors;

/** Sends markers on a coordinator's behalf. */
export class MarkerSender {
  readonly #cluster: ClusterCore;
  readonly #groups: GroupPart;
  readonly #broker: Broker;

  constructor(cluster: ClusterCore, groups: GroupPart, broker: Broker) {
    this.#cluster = cluster;
    this.#groups = groups;
    this.#broker = broker;
  }

  /** @param transaction whose end is in the log */
  complete(shard: Shard, transaction: Transaction): void {
    const { state, producerId, producerEpoch, partitions } = transaction.value;
    const isCommit = state === 'PrepareCommit';
    transaction.begin(isCommit ? 'CompleteCommit' : 'CompleteAbort');
    const marker: Marker = {
      producer: { id: producerId, epoch: producerEpoch },
      outcome: isCommit ? 'commit' : 'abort',
      coordinatorEpoch: shard.epoch,
    };
    this.#send(shard, transaction, marker, partitions);
    this.#finishIfMarked(shard, transaction);
  }

  #send(shard: Shard, transaction: Transaction, marker: Marker, partitions: readonly TopicPartition[]): void {
    const byLeader = new Map<number, TopicPartition[]>();
    const gone: TopicPartition[] = [];
    const leaderless: TopicPartition[] = [];
    for (const one of partitions) {
      if (one.partition >= this.#cluster.partitionCount(one.topic, this.#broker.brokerId)) {
        gone.push(one);
        continue;
      }
      const leader = this.#cluster.leaderNode(one.topic, one.partition, this.#broker.brokerId)?.id;
      if (leader === undefined) leaderless.push(one);
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), one]);
    }
    transaction.marked(gone);
    if (leaderless.length > 0) this.#retry(shard, transaction, marker, leaderless);
    for (const [leader, of] of byLeader)
      this.#cluster.calls.call<Outcomes>(
        this.#broker,
        leader,
        (asked, answer) => writeMarkers(this.#cluster, this.#groups, asked, marker, of, answer),
        (outcomes) => this.#answered(shard, transaction, marker, of, outcomes),
      );
  }

  #answered(
    shard: Shard,
    transaction: Transaction,
    marker: Marker,
    asked: readonly TopicPartition[],
    outcomes: Outcomes | null,
  ): void {
    if (shard.isOver) return;
    if (outcomes === null) {
      this.#retry(shard, transaction, marker, asked);
      return;
    }
    // A newer producer or coordinator has written there, so this transaction is no longer ours to end.
    const isFenced = outcomes.some(
      ([, error]) => error === INVALID_PRODUCER_EPOCH || error === TRANSACTION_COORDINATOR_FENCED,
    );
    transaction.marked(outcomes.filter(([, error]) => error === NONE).map(([one]) => one));
    if (isFenced) return;
    const failed = outcomes.filter(([, error]) => error !== NONE).map(([one]) => one);
    if (failed.length > 0) this.#retry(shard, transaction, marker, failed);
    else this.#finishIfMarked(shard, transaction);
  }

  #retry(
    shard: Shard,
    transaction: Transaction,
    marker: Marker,
    partitions: readonly TopicPartition[],
  ): void {
    this.#broker.after(RETRY_MS, () => {
      if (shard.isOver) return;
      this.#send(shard, transaction, marker, partitions);
      this.#finishIfMarked(shard, transaction);
    });
  }

  #finishIfMarked(shard: Shard, transaction: Transaction): void {
    if (transaction.value.partitions.length > 0) return;
    transaction.hasFailedFence = false;
    this.#finish(shard, transaction);
  }

  #finish(shard: Shard, transaction: Transaction): void {
    const retry = (error: ErrorCode): void => {
      if (error !== COORDINATOR_NOT_AVAILABLE) return;
      this.#broker.after(RETRY_MS, () => {
        if (!shard.isOver) this.#finish(shard, transaction);
      });
    };
    shard.write(transaction, transaction.ended(shard.nowMs()), retry, true);
  }
}

/** At the leaders: appends the marker to each partition, and answers when all are replicated or refused. */
function writeMarkers(
  cluster: ClusterCore,
  groups: GroupPart,
  leader: Broker,
  { producer, outcome, coordinatorEpoch }: Marker,
  partitions: readonly TopicPartition[],
  answer: (outcomes: Outcomes) => void,
): void {
  const outcomes: [TopicPartition, ErrorCode][] = [];
  const note = (one: TopicPartition, error: ErrorCode): void => {
    outcomes.push([one, error]);
    if (outcomes.length === partitions.length) answer(outcomes);
  };
  for (const one of partitions) {
    if (one.topic === OFFSETS_TOPIC) {
      groups
        .of(leader)
        .completeTransaction(one.partition, producer, outcome, coordinatorEpoch, (error) =>
          note(one, NOT_READY.has(error) ? NOT_LEADER_OR_FOLLOWER : error),
        );
      continue;
    }
    const log = cluster.coordinatorLog(one.topic, one.partition, leader.brokerId);
    if (log === null) note(one, UNKNOWN_TOPIC_OR_PARTITION);
    else log.appendMarker(producer, outcome, coordinatorEpoch, (error) => note(one, error));
  }
}

/** To a transaction coordinator a group coordinator that is not ready is a leader that is not there yet. */
const NOT_READY: ReadonlySet<ErrorCode> = new Set([
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  NOT_COORDINATOR,
]);
