/**
 * FindCoordinator (API key 10), versions 0 to 6: which broker coordinates a group (key type 0) or a transactional id
 * (1): the leader of the partition that keeps it, as far as the broker asked knows.
 *
 * A first question about transactions makes Kafka create their topic, and so it does here.
 * Not implemented: share groups (key type 2) are refused as by a broker that has them off: with INVALID_REQUEST, and from
 * version 6 on by Kafka 3.9 with COORDINATOR_NOT_AVAILABLE.
 */
import { COORDINATOR_NOT_AVAILABLE, INVALID_REQUEST, NONE } from '../group/error-codes.ts';
import { partitionFor } from '../group/partition-for.ts';
import type { Handler, RequestContext } from '../handler.ts';
import {
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinatorApi,
} from '../protocol/10-find-coordinator.ts';

type Coordinator = FindCoordinatorResponse['coordinators'][number];

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;
const SEVERAL_KEYS_VERSION = 4;
const SHARE_VERSION = 6;

/** What Kafka's Errors says with these codes. */
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [NONE, 'NONE'],
  [COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.'],
]);

const nobody = (key: string, errorCode: number): Coordinator => ({
  key,
  nodeId: -1,
  host: '',
  port: -1,
  errorCode,
  errorMessage: '',
});

function internalTopic({ cluster: { settings } }: RequestContext, keyType: number) {
  if (keyType === GROUP)
    return {
      name: '__consumer_offsets',
      partitions: settings.offsetsTopicNumPartitions,
      replicationFactor: settings.offsetsTopicReplicationFactor,
    };
  if (keyType === TRANSACTION)
    return {
      name: '__transaction_state',
      partitions: settings.transactionStateLogNumPartitions,
      replicationFactor: settings.transactionStateLogReplicationFactor,
    };
  return null;
}

function find(context: RequestContext, keyType: number, key: string, version: number): Coordinator {
  const { cluster, broker } = context;
  const topic = internalTopic(context, keyType);
  if (topic === null) {
    const isForeseen = cluster.profile.name === '3.9' && keyType === SHARE && version >= SHARE_VERSION;
    return nobody(key, isForeseen ? COORDINATOR_NOT_AVAILABLE : INVALID_REQUEST);
  }
  if (!broker.image.topics.has(topic.name)) {
    if (cluster.quorum.reaches(broker.brokerId))
      cluster.createInternalTopic(topic.name, topic.partitions, topic.replicationFactor);
    return nobody(key, COORDINATOR_NOT_AVAILABLE);
  }
  const node = cluster.leaderNode(topic.name, partitionFor(key, topic.partitions), broker.brokerId);
  if (node === null) return nobody(key, COORDINATOR_NOT_AVAILABLE);
  return { key, nodeId: node.id, host: node.host, port: node.port, errorCode: NONE, errorMessage: '' };
}

function toResponse(coordinators: Coordinator[], version: number): FindCoordinatorResponse {
  const [only] = coordinators;
  if (version >= SEVERAL_KEYS_VERSION || only === undefined)
    return {
      throttleTimeMs: 0,
      errorCode: NONE,
      errorMessage: null,
      nodeId: 0,
      host: '',
      port: 0,
      coordinators,
    };
  const { errorCode, nodeId, host, port } = only;
  const errorMessage = MESSAGES.get(errorCode) ?? null;
  return { throttleTimeMs: 0, errorCode, errorMessage, nodeId, host, port, coordinators: [] };
}

const keysOf = ({ key, coordinatorKeys }: FindCoordinatorRequest, version: number): readonly string[] =>
  version >= SEVERAL_KEYS_VERSION ? coordinatorKeys : [key];

export const findCoordinator: Handler<FindCoordinatorRequest, FindCoordinatorResponse> = {
  api: findCoordinatorApi,
  handle(context, request, version, respond) {
    const coordinators = keysOf(request, version).map((key) => find(context, request.keyType, key, version));
    respond(toResponse(coordinators, version));
  },
  errorAnswer: (request, code, version) =>
    toResponse(
      keysOf(request, version).map((key) => nobody(key, code)),
      version,
    ),
};
