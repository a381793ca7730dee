/**
 * The state of a simulated run at one instant, for a person who looks for a cause: the parts of the run enter, plain
 * data leaves: groups, committed offsets, logs, brokers, processes, connections, and what waits for what.
 */
import type { Scenario } from '../../../scenarios/schema.ts';
import type { ClassicGroup } from '../../cluster/group/classic-group.ts';
import type { GroupPart } from '../../cluster/group/part.ts';
import { OFFSETS_TOPIC, type SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import type { GroupMember } from '../../history/schema.ts';
import { decodeMember } from '../kafka/observer/member.ts';
import type { Processes, ProcessState } from '../processes.ts';
import type { MessageTap, UnansweredRequest } from './message-tap.ts';
import type { Network, Path } from './network.ts';
import type { Scheduler } from './scheduler.ts';

export interface GroupState {
  readonly group: string;
  /** The broker that coordinates it; null where none does at this instant, and nothing more is known then. */
  readonly coordinator: number | null;
  /** Kafka's name of the state; Dead for a group that is not there. */
  readonly state: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leaderMemberId: string | null;
  /** In the coordinator's own order. */
  readonly members: readonly (GroupMember & {
    /** The request of it that the coordinator has not answered. */
    readonly waitsFor: 'JoinGroup' | 'SyncGroup' | null;
  })[];
  readonly committed: readonly { topic: string; partition: number; offset: string }[];
}

export interface LogState {
  readonly topic: string;
  readonly partition: number;
  /** As the controller knows it, or null. */
  readonly leader: number | null;
  readonly inSyncReplicas: readonly number[];
  readonly logStartOffset: string;
  readonly highWatermark: string;
  readonly logEndOffset: string;
}

export interface WorldState {
  /** Milliseconds of scenario time. */
  readonly time: number;
  readonly groups: readonly GroupState[];
  readonly logs: readonly LogState[];
  readonly brokers: readonly { id: number; phase: string; paused: boolean }[];
  readonly processes: readonly ProcessState[];
  readonly connections: readonly Path[];
  readonly unanswered: readonly UnansweredRequest[];
  /** What is scheduled, by owner and kind; `inMs` is when the first of them is due. */
  readonly pending: readonly { owner: string; kind: string; count: number; inMs: number }[];
}

export interface StateParts {
  readonly scenario: Scenario;
  readonly cluster: SimulatedCluster;
  readonly groups: GroupPart;
  readonly processes: Processes;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly tap: MessageTap;
  readonly timeOriginUs: number;
}

export function takeState(parts: StateParts): WorldState {
  const { scenario, cluster, processes, network, scheduler, tap, timeOriginUs } = parts;
  return {
    time: (scheduler.nowUs - timeOriginUs) / 1_000,
    groups: scenario.groups.map(({ id }) => groupState(id, parts)),
    logs: scenario.topology.topics.flatMap(({ name }) => logStates(name, cluster)),
    brokers: [...cluster.core.brokers.values()].map(({ brokerId, phase, isPaused }) => ({
      id: brokerId,
      phase,
      paused: isPaused,
    })),
    processes: processes.states(),
    connections: network.paths(),
    unanswered: tap.unanswered(),
    pending: scheduler.pending().map(({ owner, kind, count, nextUs }) => ({
      owner,
      kind,
      count,
      inMs: (nextUs - scheduler.nowUs) / 1_000,
    })),
  };
}

/** A group as its coordinator has it at this instant. */
export function groupState(
  id: string,
  { cluster, groups }: Pick<StateParts, 'cluster' | 'groups'>,
): GroupState {
  const unknown = {
    group: id,
    coordinator: null,
    state: 'Dead',
    generation: 0,
    protocol: null,
    leaderMemberId: null,
    members: [],
    committed: [],
  };
  for (const broker of cluster.core.brokers.values()) {
    const coordinator = groups.of(broker);
    if (!broker.isUp || cluster.leaderOf(OFFSETS_TOPIC, coordinator.partitionOf(id)) !== broker.brokerId)
      continue;
    const found = coordinator.look(id);
    if (found === null) continue;
    return {
      ...unknown,
      coordinator: broker.brokerId,
      ...(found.group === null ? {} : describe(found.group)),
      committed: [...found.offsets.of(id)].map(([topic, partition, { offset }]) => ({
        topic,
        partition,
        offset: String(offset),
      })),
    };
  }
  return unknown;
}

const describe = (group: Readonly<ClassicGroup>): Partial<GroupState> => ({
  state: group.state,
  generation: group.generationId,
  protocol: group.protocolName,
  leaderMemberId: group.leaderId,
  members: [...group.members.values()].map((member) => ({
    ...decodeMember(group.protocolType ?? '', {
      memberId: member.memberId,
      clientId: member.identity.clientId,
      groupInstanceId: member.identity.groupInstanceId,
      // Between two generations no protocol is chosen yet; the one that the member likes best is as good as any.
      subscription: member.metadata(group.protocolName ?? member.terms.protocols[0]?.name ?? ''),
      assignment: member.assignment,
    }).member,
    waitsFor: member.awaitingJoin !== null ? 'JoinGroup' : member.awaitingSync !== null ? 'SyncGroup' : null,
  })),
});

/** A topic's partition logs at this instant; those that no running broker has are left out. */
export function logStates(topic: string, cluster: SimulatedCluster): LogState[] {
  const partitions = cluster.image.topics.get(topic)?.partitions ?? [];
  return partitions.flatMap(({ partition, isr }) => {
    const offsets = cluster.logOffsets(topic, partition);
    if (offsets === null) return [];
    const { logStartOffset, highWatermark, logEndOffset } = offsets;
    return [
      {
        topic,
        partition,
        leader: cluster.leaderOf(topic, partition),
        inSyncReplicas: isr,
        logStartOffset: String(logStartOffset),
        highWatermark: String(highWatermark),
        logEndOffset: String(logEndOffset),
      },
    ];
  });
}
