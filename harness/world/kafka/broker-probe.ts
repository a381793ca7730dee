/**
 * Questions to one particular broker, over a connection of their own: an address enters, the broker's answer leaves.
 * The clients' pools choose a broker by themselves, and here it matters which one answers.
 */
import { Connection, describeGroupsV5, findCoordinatorV4, metadataV12 } from '@platformatic/kafka';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

/** What a coordinator coordinates: consumer groups, or transactions. */
export const coordinatorKinds = {
  group: { keyType: 0, topic: '__consumer_offsets' },
  transaction: { keyType: 1, topic: '__transaction_state' },
} as const;
export type CoordinatorKind = keyof typeof coordinatorKinds;

const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Opens a connection, puts the questions, closes it in every case. */
export async function withBroker<Result>(
  { host, port }: BrokerAddress,
  ask: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = new Connection('kafka-trial-probe', {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  // Every failure also rejects the call that it belongs to; without a listener the event would end the process.
  connection.on('error', () => {});
  try {
    await connection.connect(host, port);
    return await ask(connection);
  } finally {
    await connection.close().catch(() => {});
  }
}

/** Ids of the brokers that this broker knows as registered and not fenced. */
export async function knownBrokers(address: BrokerAddress): Promise<number[]> {
  const metadata = await withBroker(address, (connection) =>
    metadataV12.api.async(connection, [], false, false),
  );
  return metadata.brokers.map((broker) => broker.nodeId).sort((left, right) => left - right);
}

/** The partitions of the topics named, or of all topics, as this broker knows them. */
export async function partitionStates(
  address: BrokerAddress,
  topics: readonly string[] | 'all',
): Promise<PartitionState[]> {
  const metadata = await withBroker(address, (connection) =>
    metadataV12.api.async(connection, topics === 'all' ? null : [...topics], false, false),
  );
  return metadata.topics.flatMap((topic) =>
    topic.partitions.map((partition) => ({
      topic: topic.name ?? '',
      partition: partition.partitionIndex,
      leader: partition.leaderId,
      replicas: partition.replicaNodes,
      inSyncReplicas: partition.isrNodes,
    })),
  );
}

/**
 * Which broker coordinates the key. The first question of its kind makes the cluster create the coordinators' topic.
 * @throws while there is none, with COORDINATOR_NOT_AVAILABLE among the causes
 */
export async function findCoordinator(
  address: BrokerAddress,
  kind: CoordinatorKind,
  key: string,
): Promise<number> {
  const answer = await withBroker(address, (connection) =>
    findCoordinatorV4.api.async(connection, coordinatorKinds[kind].keyType, [key]),
  );
  const coordinator = answer.coordinators[0];
  if (coordinator === undefined || coordinator.errorCode !== 0)
    throw new Error(`no coordinator for ${key} yet (error ${coordinator?.errorCode})`);
  return coordinator.nodeId;
}

/** Resolves when this broker answers for the group; a coordinator that still loads its partition throws. */
export async function describeGroup(address: BrokerAddress, groupId: string): Promise<void> {
  await withBroker(address, (connection) => describeGroupsV5.api.async(connection, [groupId], false));
}

/** The partition of the coordinators' topic that holds a key: Java's String.hashCode, then Kafka's Utils.abs. */
export function coordinatorPartition(key: string, partitionCount: number): number {
  let hash = 0;
  for (let index = 0; index < key.length; index++) hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  // Java's int has no positive counterpart of its least value; Kafka takes 0.
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount;
}
