/**
 * DescribeConfigs (API key 32), versions 1 to 4: the settings of topics and, as far as the simulation has any, brokers.
 *
 * Not implemented: documentation texts, and resources other than topics (2) and brokers (4).
 */
import type { Handler, RequestContext } from '../handler.ts';
import { type DescribeConfigsRequest, describeConfigsApi } from '../protocol/32-describe-configs.ts';
import { errorCode } from '../protocol/errors.ts';
import type { ClusterCore } from '../simulated-cluster.ts';
import { configTypes, describeConfigs as describeTopic } from '../topic-configs.ts';
import { isTopicName } from '../topic-name.ts';

type Answer = Parameters<typeof describeConfigsApi.response.write>[1];
type Result = Answer['results'][number];
type Config = Result['configs'][number];
type Resource = DescribeConfigsRequest['resources'][number];

const NONE = errorCode('NONE');
const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');

export const resourceType = { topic: 2, broker: 4 } as const;
/** Where a value comes from, as Kafka numbers it. */
export const configSource = { topic: 1, dynamicDefault: 3, static: 4, default: 5 } as const;
/** Others are of no request that a client may make; the whole of it is refused then. */
const KNOWN_TYPES = new Set([2, 4, 8, 16, 32]);

const INVALID_TOPIC = errorCode('INVALID_TOPIC_EXCEPTION');

const isWanted = ({ configurationKeys }: Resource, name: string): boolean =>
  configurationKeys === null || configurationKeys.length === 0 || configurationKeys.includes(name);

const refused = ({ resourceType: type, resourceName }: Resource, code: number, message: string): Result => ({
  errorCode: code,
  errorMessage: message,
  resourceType: type,
  resourceName,
  configs: [],
});

/** What the broker's setting is called that a topic's one comes from, where that is another name. */
const brokerNames: Readonly<Record<string, string>> = {
  'max.message.bytes': 'message.max.bytes',
  'retention.ms': 'log.retention.ms',
};

/** Where a topic's setting comes from. */
export function sourceOf(cluster: ClusterCore, name: string, isDefault: boolean): number {
  if (!isDefault) return configSource.topic;
  // Where eligible leader replicas are on, the controller has set this one for the whole cluster (KIP-966).
  const isOfCluster = name === 'min.insync.replicas' && cluster.profile.eligibleLeaderReplicas;
  if (isOfCluster) return configSource.dynamicDefault;
  const isGiven = cluster.settings.staticNames.includes(brokerNames[name] ?? name);
  return isGiven ? configSource.static : configSource.default;
}

function topicConfigs({ broker, cluster }: RequestContext, resource: Resource): Config[] | null {
  const topic = broker.image.topics.get(resource.resourceName);
  if (topic === undefined) return null;
  return describeTopic(topic.configs, cluster.settings)
    .filter(({ name }) => isWanted(resource, name))
    .map(({ name, value, type, isDefault }) => {
      const source = sourceOf(cluster, name, isDefault);
      return {
        name,
        value,
        readOnly: false,

        configSource: source,
        isSensitive: false,
        synonyms: [{ name, value, source }],
        configType: configTypes[type],
      };
    });
}

/** What the cluster was set up with under Kafka's own names. */
function brokerConfigs({ cluster }: RequestContext, resource: Resource): Config[] {
  const { settings } = cluster;
  const known: Record<string, string> = {
    'broker.id': resource.resourceName,
    'default.replication.factor': String(settings.defaultReplicationFactor),
    'message.max.bytes': String(settings.messageBytesMax),
    'min.insync.replicas': String(settings.minInsyncReplicas),
    'num.partitions': String(settings.numPartitions),
    'offsets.topic.num.partitions': String(settings.offsetsTopicNumPartitions),
    'replica.lag.time.max.ms': String(settings.replicaLagTimeMaxMs),
    ...settings.extra,
  };
  return Object.entries(known)
    .filter(([name]) => isWanted(resource, name))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => ({
      name,
      value,
      readOnly: true,
      configSource: configSource.static,
      isSensitive: false,
      synonyms: [{ name, value, source: configSource.static }],
      configType: configTypes.string,
    }));
}

function describe(context: RequestContext, resource: Resource): Result {
  const { resourceType: type, resourceName } = resource;
  if (type !== resourceType.topic && type !== resourceType.broker)
    return refused(resource, INVALID_REQUEST, `Unsupported resource type: ${type}`);
  if (type === resourceType.topic && !isTopicName(resourceName))
    return refused(resource, INVALID_TOPIC, `Topic name is invalid: '${resourceName}'`);
  const configs =
    type === resourceType.topic ? topicConfigs(context, resource) : brokerConfigs(context, resource);
  if (configs === null) return refused(resource, UNKNOWN_TOPIC_OR_PARTITION, '');
  return { errorCode: NONE, errorMessage: '', resourceType: type, resourceName, configs };
}

export const describeConfigs: Handler<DescribeConfigsRequest, Answer> = {
  api: describeConfigsApi,
  handle(context, request, _version, respond) {
    const unknown = request.resources.find(({ resourceType: type }) => !KNOWN_TYPES.has(type));
    const results = request.resources.map((resource) =>
      unknown === undefined
        ? describe(context, resource)
        : refused(resource, INVALID_REQUEST, `Unexpected resource type ${unknown.resourceType}`),
    );
    if (!request.includeSynonyms)
      for (const { configs } of results)
        for (const config of configs) Object.assign(config, { synonyms: [] });
    respond({ results });
  },
  errorAnswer: (request, code) => ({
    results: request.resources.map((resource) => refused(resource, code, '')),
  }),
};
