/** What a running cluster looks like at one instant, as plain data: its parts enter, lists that JSON can hold leave. */
import type { BrokerPhase } from '../cluster/broker.ts';
import type { GroupPart } from '../cluster/group/part.ts';
import { apiByKey } from '../cluster/protocol/apis.ts';
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';
import { type GroupState, groupState, type LogState, logStates } from '../world/simulated/world-state.ts';
import type { Listener } from './listener.ts';

export type { GroupState, LogState } from '../world/simulated/world-state.ts';

export interface BrokerView {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly phase: BrokerPhase;
  readonly paused: boolean;
  readonly connections: number;
}

export interface ConnectionView {
  /** The broker's number for it; null where the broker's end is gone and the client was not told. */
  readonly id: number | null;
  readonly broker: number;
  /** The client's address. */
  readonly client: string;
  readonly clientId: string | null;
  readonly principal: string | null;
  readonly requests: number;
  /** Kafka's name of the request that waits for its answer. */
  readonly waitsFor: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface TopicView {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  readonly configs: Readonly<Record<string, string>>;
  readonly partitions: readonly LogState[];
}

export interface RecordView {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface InspectionParts {
  readonly cluster: SimulatedCluster;
  readonly groups: GroupPart;
  readonly listeners: ReadonlyMap<number, Listener>;
}

const asBuffer = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));

export class Inspection {
  readonly #parts: InspectionParts;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  brokers(): BrokerView[] {
    const { cluster, listeners } = this.#parts;
    return [...cluster.core.brokers.values()].map(({ brokerId, phase, isPaused }) => ({
      id: brokerId,
      ...cluster.address(brokerId),
      phase,
      paused: isPaused,
      connections: listeners.get(brokerId)?.bridges.size ?? 0,
    }));
  }

  connections(): ConnectionView[] {
    return [...this.#parts.listeners.values()].flatMap(({ bridges }) =>
      [...bridges].map(({ connection, brokerId, host, remotePort, clientId, bytesIn, bytesOut }) => ({
        id: connection?.id ?? null,
        broker: brokerId,
        client: `${host}:${remotePort}`,
        clientId: connection?.clientId ?? clientId,
        principal: connection?.principal ?? null,
        requests: connection?.requests ?? 0,
        waitsFor: apiByKey.get(connection?.waitingApiKey ?? -1)?.name ?? null,
        bytesIn,
        bytesOut,
      })),
    );
  }

  /** In order of creation, the internal ones too. */
  topics(): TopicView[] {
    const { cluster } = this.#parts;
    return [...cluster.image.topics.values()].map(({ name, id, isInternal, configs }) => ({
      name,
      id,
      internal: isInternal,
      configs: Object.fromEntries(configs),
      partitions: logStates(name, cluster),
    }));
  }

  /** Null where there is no such topic. */
  topic(name: string): TopicView | null {
    return this.topics().find((topic) => topic.name === name) ?? null;
  }

  /** Every group that a coordinator has now, by name. */
  groups(): GroupState[] {
    const { cluster, groups } = this.#parts;
    const ids = new Set<string>();
    for (const broker of cluster.core.brokers.values()) {
      const listed = broker.isUp ? groups.of(broker).listGroups({ statesFilter: [], typesFilter: [] }) : [];
      if (typeof listed !== 'number') for (const { groupId } of listed) ids.add(groupId);
    }
    return [...ids].sort().map((id) => groupState(id, this.#parts));
  }

  /** In state Dead where there is none. */
  group(id: string): GroupState {
    return groupState(id, this.#parts);
  }

  /**
   * All data records up to the high watermark, whatever transaction they belong to; null where there is no such
   * partition.
   */
  records(topic: string, partition: number): RecordView[] | null {
    const contents = this.#parts.cluster.readPartition(topic, partition);
    return (
      contents?.records
        .filter(({ offset }) => offset < contents.highWatermark)
        .map(({ offset, timestampMs, key, value }) => ({
          offset,
          timestampMs,
          key: asBuffer(key),
          value: asBuffer(value),
        })) ?? null
    );
  }
}
