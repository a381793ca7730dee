/**
 * CreateTopics (API key 19), versions 2 to 7: passed on to the controller, whose outcome is answered; brokers learn of
 * the topic a little later.
 *
 * Not implemented: the limit on partitions per request and quotas (KIP-599).
 */
import type { NewTopic, Outcome } from '../controller.ts';
import type { Handler, RequestContext } from '../handler.ts';
import { type CreateTopicsRequest, createTopicsApi } from '../protocol/19-create-topics.ts';
import { errorCode } from '../protocol/errors.ts';
import { describeConfigs } from '../topic-configs.ts';
import { sourceOf } from './32-describe-configs.ts';

type Answer = Parameters<typeof createTopicsApi.response.write>[1];
type TopicAnswer = Answer['topics'][number];
type Wanted = CreateTopicsRequest['topics'][number];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const INVALID_REPLICA_ASSIGNMENT = errorCode('INVALID_REPLICA_ASSIGNMENT');

function newTopic(wanted: Wanted): NewTopic {
  const configs = new Map(wanted.configs.map(({ name, value }) => [name, value]));
  const topic = {
    name: wanted.name,
    partitions: wanted.numPartitions,
    replicationFactor: wanted.replicationFactor,
    configs,
  };
  if (wanted.assignments.length === 0) return topic;
  const sorted = [...wanted.assignments].sort((left, right) => left.partitionIndex - right.partitionIndex);
  return { ...topic, assignments: sorted.map(({ brokerIds }) => brokerIds) };
}

/** Partitions that are not counted from 0 on are found out once nothing else is wrong. */
function create({ cluster: { controller } }: RequestContext, wanted: Wanted, validateOnly: boolean): Outcome {
  const indexes = wanted.assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
  if (indexes.every((partitionIndex, position) => partitionIndex === position))
    return controller.createTopic(newTopic(wanted), validateOnly);
  const checked = controller.createTopic(newTopic(wanted), true);
  return checked.errorCode === 0
    ? { errorCode: INVALID_REPLICA_ASSIGNMENT, message: 'Partitions should be counted from 0 on.' }
    : checked;
}

/** A topic that was only checked is described as it would have been, with an id that nobody keeps. */
function answerTopic({ cluster }: RequestContext, wanted: Wanted, outcome: Outcome): TopicAnswer {
  const { name, numPartitions, replicationFactor } = wanted;
  const answer = { name, errorCode: outcome.errorCode, errorMessage: outcome.message };
  if (outcome.errorCode !== 0) return answer;
  const { settings } = cluster;
  const topic = cluster.controller.image.topics.get(name);
  const configs = topic?.configs ?? new Map(wanted.configs.map((one) => [one.name, one.value ?? '']));
  return {
    ...answer,
    topicId: topic?.id ?? cluster.controller.newTopicId(),
    numPartitions:
      topic?.partitions.length ?? (numPartitions === -1 ? settings.numPartitions : numPartitions),
    replicationFactor:
      topic?.partitions[0]?.replicas.length ??
      (replicationFactor === -1 ? settings.defaultReplicationFactor : replicationFactor),
    configs: describeConfigs(configs, settings).map(({ name: config, value, isDefault }) => ({
      name: config,
      value,
      readOnly: false,
      configSource: sourceOf(cluster, config, isDefault),
      isSensitive: false,
    })),
  };
}

export const createTopics: Handler<CreateTopicsRequest, Answer> = {
  api: createTopicsApi,
  handle(context, request, _version, respond) {
    context.broker.toController(() => {
      const names = request.topics.map(({ name }) => name);
      const topics = request.topics
        .filter(({ name }, index) => names.indexOf(name) === index)
        .map((wanted) => {
          const isRepeated = names.indexOf(wanted.name) !== names.lastIndexOf(wanted.name);
          const outcome = isRepeated
            ? { errorCode: INVALID_REQUEST, message: 'Duplicate topic name.' }
            : create(context, wanted, request.validateOnly);
          return answerTopic(context, wanted, outcome);
        });
      respond({ topics });
    });
  },
  errorAnswer: (request, code) => ({
    topics: request.topics.map(({ name }) => ({ name, errorCode: code })),
  }),
};
