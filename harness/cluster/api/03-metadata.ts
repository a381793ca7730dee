/**
 * Metadata (API key 3), versions 0 to 13: brokers, topics and leaders, as the broker that is asked knows them.
 *
 * As under KRaft, the controller that clients see is a live broker, since every broker passes administrative requests
 * on. A topic that is created by being asked for (auto.create.topics.enable) is answered as unknown this once, as Kafka
 * does it; the client asks again.
 *
 * Not implemented: access control, so everything is authorized where a client asks for that.
 */
import type { Broker } from '../broker.ts';
import type { Handler, RequestContext } from '../handler.ts';
import { type MetadataImage, NO_LEADER, type PartitionState, type TopicState } from '../metadata-image.ts';
import { type MetadataRequest, metadataApi } from '../protocol/03-metadata.ts';
import { uuid } from '../protocol/codec.ts';
import { errorCode } from '../protocol/errors.ts';
import { isTopicName } from '../topic-name.ts';

type Answer = Parameters<typeof metadataApi.response.write>[1];
type TopicAnswer = Answer['topics'][number];

const NONE = errorCode('NONE');
const LEADER_NOT_AVAILABLE = errorCode('LEADER_NOT_AVAILABLE');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const UNKNOWN_TOPIC_ID = errorCode('UNKNOWN_TOPIC_ID');
const INVALID_TOPIC = errorCode('INVALID_TOPIC_EXCEPTION');
const INVALID_REQUEST = errorCode('INVALID_REQUEST');
/** With these a broker answers for a topic alone, and names its peers all the same. */
const ERRORS_OF_TOPICS: ReadonlySet<number> = new Set([
  LEADER_NOT_AVAILABLE,
  UNKNOWN_TOPIC_OR_PARTITION,
  UNKNOWN_TOPIC_ID,
  INVALID_TOPIC,
]);
/** A bit for each of the operations that AclEntry allows on such a resource (KIP-430). */
const TOPIC_OPERATIONS = 3_576;
const CLUSTER_OPERATIONS = 8_096;
/** The fields for ids came before the understanding of them. */
const ID_FROM = 12;

const isReachable = (image: MetadataImage, id: number): boolean => image.brokers.get(id)?.fenced === false;

function partitionAnswer(image: MetadataImage, state: PartitionState) {
  const hasLeader = state.leader !== NO_LEADER && isReachable(image, state.leader);
  return {
    errorCode: hasLeader ? NONE : LEADER_NOT_AVAILABLE,
    partitionIndex: state.partition,
    leaderId: hasLeader ? state.leader : NO_LEADER,
    leaderEpoch: state.leaderEpoch,
    replicaNodes: [...state.replicas],
    isrNodes: [...state.isr],
    offlineReplicas: state.replicas.filter((id) => !isReachable(image, id)),
  };
}

const topicAnswer = (image: MetadataImage, topic: TopicState): TopicAnswer => ({
  errorCode: NONE,
  name: topic.name,
  topicId: topic.id,
  isInternal: topic.isInternal,
  partitions: topic.partitions.map((state) => partitionAnswer(image, state)),
});

const unknown = (code: number, name: string | null, topicId: string): TopicAnswer => ({
  errorCode: code,
  name,
  topicId,
  partitions: [],
});

function wantedTopics(broker: Broker, request: MetadataRequest, version: number): TopicAnswer[] {
  const { image } = broker;
  // Version 0 has no null: there an empty list asks for all.
  const wantsAll = request.topics === null || (version === 0 && request.topics.length === 0);
  if (request.topics === null || wantsAll)
    return [...image.topics.values()].map((topic) => topicAnswer(image, topic));
  // Kafka answers unknown ids first, then what there is, then unknown names.
  const unknownIds: TopicAnswer[] = [];
  const known: TopicAnswer[] = [];
  const unknownNames: TopicAnswer[] = [];
  const hasIds = request.topics.some(({ topicId }) => topicId !== uuid.empty);
  const seen = new Set<string>();
  for (const { name, topicId } of request.topics) {
    const key = `${topicId} ${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    // An id comes before a name (KIP-516).
    const isById = name === null || topicId !== uuid.empty;
    const topic = isById ? image.topicsById.get(topicId) : image.topics.get(name);
    // Where one topic is asked for by its id, names are passed over; and neither is no question.
    if (topicId === uuid.empty && (hasIds || name === null)) continue;
    if (topic !== undefined) known.push(topicAnswer(image, topic));
    else if (isById) unknownIds.push(unknown(UNKNOWN_TOPIC_ID, null, topicId));
    else
      unknownNames.push(
        unknown(isTopicName(name) ? UNKNOWN_TOPIC_OR_PARTITION : INVALID_TOPIC, name, uuid.empty),
      );
  }
  return [...unknownIds, ...known, ...unknownNames];
}

function createMissing(broker: Broker, { topics, allowAutoTopicCreation }: MetadataRequest): void {
  for (const { name } of (allowAutoTopicCreation && topics) || []) {
    if (name === null || broker.image.topics.has(name) || !isTopicName(name)) continue;
    broker.toController(() => {
      broker.cluster.controller.createTopic({ name, partitions: -1, replicationFactor: -1 });
    });
  }
}

const errorAnswer = (request: MetadataRequest, code: number): Answer => ({
  brokers: [],
  topics: (request.topics ?? []).map(({ name, topicId }) => unknown(code, name ?? '', topicId)),
  errorCode: code,
});

/** What is said of the cluster itself, whatever becomes of the topics. */
function aboutCluster({ cluster, broker }: RequestContext): Omit<Answer, 'topics'> {
  const alive = [...broker.image.brokers.values()].filter(({ fenced }) => !fenced);
  return {
    brokers: alive.map(({ id }) => {
      const { host, port, rack } = cluster.node(id);
      return { nodeId: id, host, port, rack };
    }),
    clusterId: cluster.clusterId,
    controllerId: alive[0]?.id ?? NO_LEADER,
  };
}

const asksById = ({ topics }: MetadataRequest): boolean =>
  topics?.some(({ name, topicId }) => name === null || topicId !== uuid.empty) === true;

export const metadata: Handler<MetadataRequest, Answer> = {
  api: metadataApi,
  handle(context, request, version, respond) {
    const { cluster, broker } = context;
    if (version < ID_FROM && asksById(request)) {
      respond(errorAnswer(request, INVALID_REQUEST));
      return;
    }
    if (cluster.settings.autoCreateTopicsEnable) createMissing(broker, request);
    const topics = wantedTopics(broker, request, version);
    if (request.includeTopicAuthorizedOperations)
      for (const topic of topics)
        if (topic.errorCode !== UNKNOWN_TOPIC_ID)
          Object.assign(topic, { topicAuthorizedOperations: TOPIC_OPERATIONS });
    respond({
      ...aboutCluster(context),
      topics,
      ...(request.includeClusterAuthorizedOperations
        ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS }
        : {}),
    });
  },
  errorAnswer,
  faultAnswer(request, code, version, context) {
    if (!ERRORS_OF_TOPICS.has(code)) return null;
    const topics = wantedTopics(context.broker, request, version);
    return {
      ...aboutCluster(context),
      topics: topics.map(({ name, topicId }) => unknown(code, name ?? null, topicId ?? uuid.empty)),
    };
  },
};
