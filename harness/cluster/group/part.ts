/**
 * The group coordinators as a part of a simulated cluster: the brokers' leaderships of `__consumer_offsets` and
 * deletions of topics enter, handlers of the group APIs and evidence leave.
 */
import { offsetCommit } from '../api/08-offset-commit.ts';
import { offsetFetch } from '../api/09-offset-fetch.ts';
import { findCoordinator } from '../api/10-find-coordinator.ts';
import { joinGroup } from '../api/11-join-group.ts';
import { heartbeat } from '../api/12-heartbeat.ts';
import { leaveGroup } from '../api/13-leave-group.ts';
import { syncGroup } from '../api/14-sync-group.ts';
import { describeGroups } from '../api/15-describe-groups.ts';
import { listGroups } from '../api/16-list-groups.ts';
import { deleteGroups } from '../api/42-delete-groups.ts';
import { offsetDelete } from '../api/47-offset-delete.ts';
import type { Broker } from '../broker.ts';
import type { RequestContext } from '../handler.ts';
import type { ClusterCore } from '../simulated-cluster.ts';
import { GroupCoordinator } from './coordinator.ts';
import { GroupEvidence } from './evidence.ts';
import { DEFAULT_GROUP_SETTINGS, groupSettings } from './settings.ts';

const OFFSETS_TOPIC = '__consumer_offsets';

export interface GroupPart {
  /** The group coordinators of a broker, for other parts, such as transactions. */
  of(broker: Broker): GroupCoordinator;
}

export interface GroupPartOptions {
  /** How long a new coordinator takes to load a partition. */
  readonly loadingTimeMs?: number;
}

/** Attaches the group coordinators to a cluster; Kafka's own settings are taken from the cluster's extra ones. */
export function addGroupCoordinators(
  cluster: ClusterCore,
  { loadingTimeMs = DEFAULT_GROUP_SETTINGS.loadingTimeMs }: GroupPartOptions = {},
): GroupPart {
  const settings = groupSettings(cluster.settings.extra, loadingTimeMs);
  const evidence = new GroupEvidence((event) => cluster.environment.observe(event));
  const coordinators = new Map<Broker, GroupCoordinator>();

  const of = (broker: Broker): GroupCoordinator => {
    const known = coordinators.get(broker);
    if (known !== undefined) return known;
    const made = new GroupCoordinator({
      environment: {
        nowMs: () => broker.nowMs(),
        after: (delayMs, callback) => broker.after(delayMs, callback),
      },
      cluster: cluster.environment,
      settings,
      evidence,
      isOld: cluster.profile.oldGroupCoordinator,
      partitionCount: cluster.settings.offsetsTopicNumPartitions,
    });
    coordinators.set(broker, made);
    return made;
  };

  cluster.onLeadership(OFFSETS_TOPIC, (partition, change, broker) => {
    const log =
      change === 'elected' ? cluster.coordinatorLog(OFFSETS_TOPIC, partition, broker.brokerId) : null;
    if (log === null) of(broker).resigned(partition);
    else of(broker).elected(log);
  });
  cluster.onTopicDeleted(({ name, partitions }, broker) =>
    of(broker).partitionsDeleted(partitions.map(({ partition }) => ({ topic: name, partition }))),
  );

  const coordinatorOf = ({ broker }: RequestContext): GroupCoordinator => of(broker);
  cluster.registerHandlers([
    offsetCommit(coordinatorOf),
    offsetFetch(coordinatorOf),
    findCoordinator,
    joinGroup(coordinatorOf),
    heartbeat(coordinatorOf),
    leaveGroup(coordinatorOf),
    syncGroup(coordinatorOf),
    describeGroups(coordinatorOf),
    listGroups(coordinatorOf),
    deleteGroups(coordinatorOf),
    offsetDelete(coordinatorOf),
  ]);
  return { of };
}
