/**
 * The cluster's metadata at one moment, immutable: the controller makes a new image for each change and every broker
 * holds the one that it has got to, so a broker that lags acts on yesterday's truth, as in KRaft.
 */

import type { QuotaTable } from './quota/entities.ts';

export const NO_LEADER = -1;

export interface PartitionState {
  readonly partition: number;
  /** In order of preference. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Replicas that have everything committed although they left the ISR (KIP-966). */
  readonly eligibleLeaders: readonly number[];
  /** Who led when the last of the ISR and of the eligible leaders went; NO_LEADER otherwise. */
  readonly lastKnownLeader: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  /** Goes up with every change of this partition. */
  readonly partitionEpoch: number;
}

export interface TopicState {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionState[];
  /** The topic's own settings, by Kafka's name. */
  readonly configs: ReadonlyMap<string, string>;
}

export interface BrokerState {
  readonly id: number;
  /** A fenced broker leads nothing, and clients do not see it. */
  readonly fenced: boolean;
  readonly shuttingDown: boolean;
}

export interface MetadataImage {
  /** Goes up with every change. */
  readonly version: number;
  /** In order of creation. */
  readonly topics: ReadonlyMap<string, TopicState>;
  readonly topicsById: ReadonlyMap<string, TopicState>;
  /** Ascending by id. */
  readonly brokers: ReadonlyMap<number, BrokerState>;
  readonly quotas: QuotaTable;
}

export const emptyImage: MetadataImage = {
  version: 0,
  topics: new Map(),
  topicsById: new Map(),
  brokers: new Map(),
  quotas: new Map(),
};

/** The image with other topics. */
export function withTopics(image: MetadataImage, topics: Iterable<TopicState>): MetadataImage {
  const list = [...topics];
  return {
    ...image,
    version: image.version + 1,
    topics: new Map(list.map((topic) => [topic.name, topic])),
    topicsById: new Map(list.map((topic) => [topic.id, topic])),
  };
}

export const withQuotas = (image: MetadataImage, quotas: QuotaTable): MetadataImage => ({
  ...image,
  version: image.version + 1,
  quotas,
});

export const withBroker = (image: MetadataImage, broker: BrokerState): MetadataImage => ({
  ...image,
  version: image.version + 1,
  brokers: new Map([...image.brokers, [broker.id, broker] as const].sort(([left], [right]) => left - right)),
});
