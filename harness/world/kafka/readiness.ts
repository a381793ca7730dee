/** Whether brokers are ready: their addresses enter, and the promise resolves when every one of them can serve. */
import {
  type BrokerAddress,
  type CoordinatorKind,
  coordinatorKinds,
  coordinatorPartition,
  describeGroup,
  findCoordinator,
  knownBrokers,
  type PartitionState,
  partitionStates,
} from './broker-probe.ts';
import { pollUntil } from './poll.ts';

export interface AwaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type Addresses = ReadonlyMap<number, BrokerAddress>;

/** Each of the brokers answers requests and knows all of `ids` as registered and not fenced. */
export async function allKnow(brokers: Addresses, ids: readonly number[]): Promise<boolean> {
  const known = await Promise.all([...brokers.values()].map(knownBrokers));
  return ids.every((id) => known.every((broker) => broker.includes(id)));
}

export async function awaitRegistered(brokers: Addresses, options: AwaitOptions): Promise<void> {
  const ids = [...brokers.keys()];
  await pollUntil(() => allKnow(brokers, ids), {
    ...options,
    what: `The registration of ${ids.length === 1 ? 'the broker' : `brokers ${ids.join(', ')}`}`,
  });
}

/** Every partition of every topic has a leader, and all its replicas are in sync. */
export async function awaitReplicated(brokers: Addresses, options: AwaitOptions): Promise<void> {
  await Promise.all(
    [...brokers].map(([id, address]) =>
      pollUntil(async () => (await partitionStates(address, 'all')).every(isReplicated), {
        ...options,
        what: `Full replication as broker ${id} sees it`,
      }),
    ),
  );
}

export function isReplicated({ leader, replicas, inSyncReplicas }: PartitionState): boolean {
  return leader !== -1 && replicas.every((replica) => inSyncReplicas.includes(replica));
}

/**
 * The topics of the group and transaction coordinators exist, complete, and every coordinator has loaded its part.
 * A cluster makes these topics when they are first asked for, which the first group would have to sit through.
 */
export async function awaitCoordinators(
  brokers: Addresses,
  partitionCount: number,
  options: AwaitOptions,
): Promise<void> {
  const [first] = brokers.values();
  if (first === undefined) throw new Error('no broker to ask');
  const keys = keysForEveryPartition(partitionCount);
  const awaitKind = async (kind: CoordinatorKind): Promise<Map<string, number>> => {
    await pollUntil(async () => (await findCoordinator(first, kind, keys[0] as string)) >= 0, {
      ...options,
      what: `The first ${kind} coordinator`,
    });
    await pollUntil(async () => isComplete(first, kind, partitionCount, brokers.size), {
      ...options,
      what: `The completion of ${coordinatorKinds[kind].topic}`,
    });
    const coordinators = keys.map(
      async (key): Promise<[string, number]> => [
        key,
        await pollUntil(() => findCoordinator(first, kind, key), {
          ...options,
          what: `The ${kind} coordinator of partition ${coordinatorPartition(key, partitionCount)}`,
        }),
      ],
    );
    return new Map(await Promise.all(coordinators));
  };
  const [groups] = await Promise.all([awaitKind('group'), awaitKind('transaction')]);
  await Promise.all(
    [...groups].map(([key, brokerId]) =>
      pollUntil(
        async () => {
          await describeGroup(brokers.get(brokerId) ?? first, key);
          return true;
        },
        { ...options, what: `The loading of the group coordinator on broker ${brokerId}` },
      ),
    ),
  );
}

async function isComplete(
  address: BrokerAddress,
  kind: CoordinatorKind,
  partitionCount: number,
  replicationFactor: number,
): Promise<boolean> {
  const partitions = await partitionStates(address, [coordinatorKinds[kind].topic]);
  return (
    partitions.length === partitionCount &&
    partitions.every(
      ({ leader, inSyncReplicas }) => leader !== -1 && inSyncReplicas.length === replicationFactor,
    )
  );
}

/** One key for each partition of a coordinators' topic, in the partitions' order. */
export function keysForEveryPartition(partitionCount: number): string[] {
  const keys: string[] = [];
  for (let number = 0; Object.keys(keys).length < partitionCount; number++) {
    const key = `kafka-trial-probe-${number}`;
    keys[coordinatorPartition(key, partitionCount)] ??= key;
  }
  return keys;
}
