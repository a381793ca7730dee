/**
 * CreateTopics (API key 19), versions 0 to 7: passed on to the controller, whose outcome is answered; brokers learn of
 * the topic a little later.
 *
 * Not implemented: the limit on partitions per request and quotas (KIP-599).
 */
import type { NewTopic, Outcome } from '../controller.ts';
import type { Handler, RequestContext } from '../handler.ts';
import { type CreateTopicsRequest, createTopicsApi } from '../protocol/19-create-topics.ts';
import { errorCode } from '../protocol/errors.ts';
import { describeConfigs } from '../topic-configs.ts';
import { configSource } from './32-describe-configs.ts';

type Answer = Parameters<typeof createTopicsApi.response.write>[1];
type TopicAnswer = Answer['topics'][number];
type Wanted = CreateTopicsRequest['topics'][number];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');
/** First version in which -1 stands for the default (KIP-464). */
const DEFAULTS_FROM = 4;

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

function create(
  { cluster }: RequestContext,
  wanted: Wanted,
  validateOnly: boolean,
  version: number,
): Outcome {
  if (version < DEFAULTS_FROM && wanted.assignments.length === 0) {
    if (wanted.numPartitions < 0)
      return { errorCode: errorCode('INVALID_PARTITIONS'), message: 'The partition count must be positive.' };
    if (wanted.replicationFactor < 0)
      return {
        errorCode: errorCode('INVALID_REPLICATION_FACTOR'),
        message: 'The replication factor must be positive.',
      };
  }
  return cluster.controller.createTopic(newTopic(wanted), validateOnly);
}

function answerTopic({ cluster }: RequestContext, name: string, outcome: Outcome): TopicAnswer {
  const topic = cluster.controller.image.topics.get(name);
  const answer = { name, errorCode: outcome.errorCode, errorMessage: outcome.message };
  if (outcome.errorCode !== 0 || topic === undefined) return answer;
  return {
    ...answer,
    topicId: topic.id,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
    configs: describeConfigs(topic.configs, cluster.settings).map(({ name: config, value, isDefault }) => ({
      name: config,
      value,
      readOnly: false,
      configSource: isDefault ? configSource.default : configSource.topic,
      isSensitive: false,
    })),
  };
}

export const createTopics: Handler<CreateTopicsRequest, Answer> = {
  api: createTopicsApi,
  handle(context, request, version, respond) {
    context.broker.toController(() => {
      const names = request.topics.map(({ name }) => name);
      const topics = request.topics
        .filter(({ name }, index) => names.indexOf(name) === index)
        .map((wanted) => {
          const isRepeated = names.indexOf(wanted.name) !== names.lastIndexOf(wanted.name);
          const outcome = isRepeated
            ? { errorCode: INVALID_REQUEST, message: 'Duplicate topic name.' }
            : create(context, wanted, request.validateOnly, version);
          return answerTopic(context, wanted.name, outcome);
        });
      respond({ topics });
    });
  },
  errorAnswer: (request, code) => ({
    topics: request.topics.map(({ name }) => ({ name, errorCode: code })),
  }),
};
