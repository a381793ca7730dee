/**
 * What a simulated cluster can be made to do from inside: orders to answer errors, to move leaders and coordinators, to
 * cut brokers off from each other and to be slow enter, and the cluster carries them out.
 */
import type { InjectableApi } from '../../../scenarios/injectable-errors.ts';
import type { GroupPart } from '../../cluster/group/part.ts';
import { type ErrorName, errorCode } from '../../cluster/protocol/errors.ts';
import { OFFSETS_TOPIC, type SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import type { ClusterFaults, ErrorOrder, FaultEnd } from '../administration.ts';
import type { SimulatedBrokerFaults } from './simulated-broker-faults.ts';

const API_KEYS: Readonly<Record<InjectableApi, number>> = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  SyncGroup: 14,
};

export class SimulatedClusterFaults implements ClusterFaults {
  readonly #cluster: SimulatedCluster;
  readonly #groups: GroupPart;
  readonly #brokers: Pick<SimulatedBrokerFaults, 'awaitHeard'>;
  readonly #errors: (() => void)[] = [];

  constructor(
    cluster: SimulatedCluster,
    groups: GroupPart,
    brokers: Pick<SimulatedBrokerFaults, 'awaitHeard'>,
  ) {
    this.#cluster = cluster;
    this.#groups = groups;
    this.#brokers = brokers;
  }

  answerError({ api, error, times, clients, onAnswered }: ErrorOrder): void {
    const end = this.#cluster.intercept({
      apiKey: API_KEYS[api],
      errorCode: errorCode(error as ErrorName),
      times,
      match: (_request, { clientId }) =>
        clients === null || clients.some((client) => clientId?.startsWith(`${client}.`) === true),
      onApplied: ({ broker, clientId }) => onAnswered(broker.brokerId, clientId ?? ''),
    });
    this.#errors.push(end);
  }

  heal(): void {
    for (const end of this.#errors.splice(0)) end();
  }

  moveLeader(topic: string, partition: number): string | null {
    const state = this.#cluster.image.topics.get(topic)?.partitions[partition];
    if (state === undefined) return 'the partition does not exist';
    const other = state.isr.find((id) => id !== state.leader && this.#cluster.phase(id) === 'running');
    if (other === undefined) return 'no other replica is in sync';
    return this.#cluster.moveLeader(topic, partition, other).message;
  }

  moveCoordinator(group: string): string | null {
    const [broker] = this.#cluster.core.brokers.values();
    if (broker === undefined) return 'there is no broker';
    return this.moveLeader(OFFSETS_TOPIC, this.#groups.of(broker).partitionOf(group));
  }

  compactTopic(topic: string): string | null {
    const state = this.#cluster.image.topics.get(topic);
    if (state === undefined) return 'the topic does not exist';
    for (const partition of state.partitions.keys()) {
      const offsets = this.#cluster.logOffsets(topic, partition);
      // As if a new segment had just begun: the cleaner spares the one that is being written.
      if (offsets !== null) this.#cluster.compact(topic, partition, { below: offsets.highWatermark });
    }
    return null;
  }

  throttle(broker: number, delayMs: number): () => void {
    const ends = Object.values(API_KEYS).map((apiKey) =>
      this.#cluster.intercept({
        apiKey,
        times: Number.POSITIVE_INFINITY,
        delayMs,
        match: (_request, context) => context.broker.brokerId === broker,
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }

  isolateBrokers(one: number, other: number): FaultEnd {
    this.#cluster.isolateBroker(one, other);
    return () => {
      this.#cluster.isolateBroker(one, other, false);
      return this.#brokers.awaitHeard([one, other]);
    };
  }

  isolateController(broker: number): FaultEnd {
    this.#cluster.isolateFromController(broker);
    return () => {
      this.#cluster.isolateFromController(broker, false);
      return this.#brokers.awaitHeard([broker]);
    };
  }
}
