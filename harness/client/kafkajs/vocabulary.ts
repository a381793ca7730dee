/** What kafkajs makes of the vocabulary of configuration: words enter, its own options or what to do instead leave. */
import type { Vocabulary } from '../vocabulary.ts';

const consumer = (options: Record<string, string | number | boolean>) => ({ native: { consumer: options } });
const kafka = (options: Record<string, number>) => ({ native: { kafka: options } });
const refused = (instead: string) => ({ refused: instead });

const RECONNECTING = 'kafkajs waits between all its attempts alike; use retry.backoff.ms';
const HARNESS = 'the harness sets it';
const byWord = (word: string): string => `use the word ${word}, so that the properties know of it`;

export const vocabulary: Vocabulary = {
  consumer: {
    'session.timeout.ms': 'scenario',
    'heartbeat.interval.ms': 'scenario',
    'rebalance.timeout.ms': 'scenario',
    'fetch.min.bytes': 'scenario',
    'fetch.max.wait.ms': 'scenario',
    'max.partition.fetch.bytes': 'scenario',
    'metadata.max.age.ms': 'scenario',
    'isolation.level': 'scenario',
    'enable.auto.commit': 'scenario',
    'auto.commit.interval.ms': 'scenario',
    'auto.offset.reset': (policy) =>
      policy === 'none'
        ? refused("it has 'earliest' (fromBeginning: true) and 'latest' (fromBeginning: false) alone")
        : 'scenario',
    'max.poll.interval.ms': refused(
      'kafkajs throws no slow member out: its handlers have to call heartbeat() often enough for session.timeout.ms, and rebalance.timeout.ms says how long a rebalance waits for them',
    ),
    'max.poll.records': refused(
      'kafkajs hands over what one fetch brought; max.partition.fetch.bytes bounds it',
    ),
    'partition.assignment.strategy': (names) =>
      names.every((name) => name === 'roundrobin')
        ? 'scenario'
        : refused("it brings 'roundrobin' alone; the application of an own module can give it others"),
    'group.instance.id': (template) =>
      template === null
        ? 'scenario'
        : refused('its members are dynamic; a longer session.timeout.ms bridges no restart'),
    'fetch.max.bytes': (maxBytes) => consumer({ maxBytes }),
    'allow.auto.create.topics': (allowAutoTopicCreation) => consumer({ allowAutoTopicCreation }),
    'client.rack': (rackId) => consumer({ rackId }),
    'default.api.timeout.ms': refused(
      'kafkajs counts its attempts; native.kafkajs.consumer.retry (retries, initialRetryTime, maxRetryTime) bounds them',
    ),
    'request.timeout.ms': (requestTimeout) => kafka({ requestTimeout }),
    'socket.connection.setup.timeout.ms': (connectionTimeout) => kafka({ connectionTimeout }),
    'retry.backoff.ms': (initialRetryTime) => ({ native: { consumer: { retry: { initialRetryTime } } } }),
    'retry.backoff.max.ms': (maxRetryTime) => ({ native: { consumer: { retry: { maxRetryTime } } } }),
    'reconnect.backoff.ms': refused(RECONNECTING),
    'reconnect.backoff.max.ms': refused(RECONNECTING.replace('backoff.ms', 'backoff.max.ms')),
  },
  producer: {
    acks: 'scenario',
    'enable.idempotence': 'scenario',
    'linger.ms': refused('kafkajs sends at once what one call of send was given'),
    'batch.size': refused('kafkajs makes one batch of what one call of send was given for a partition'),
    'max.request.size': refused('kafkajs bounds no request; the broker refuses one with message.max.bytes'),
    'max.block.ms': refused('kafkajs keeps no records back, so that its send never blocks'),
    'delivery.timeout.ms': refused('kafkajs counts its attempts; use retries and retry.backoff.ms'),
    retries: (retries) => ({ native: { producer: { retry: { retries } } } }),
    'max.in.flight.requests.per.connection': (maxInFlightRequests) => ({
      native: { producer: { maxInFlightRequests } },
    }),
    'metadata.max.age.ms': (metadataMaxAge) => ({ native: { producer: { metadataMaxAge } } }),
    'request.timeout.ms': (requestTimeout) => kafka({ requestTimeout }),
    'socket.connection.setup.timeout.ms': (connectionTimeout) => kafka({ connectionTimeout }),
    'retry.backoff.ms': (initialRetryTime) => ({ native: { producer: { retry: { initialRetryTime } } } }),
    'retry.backoff.max.ms': (maxRetryTime) => ({ native: { producer: { retry: { maxRetryTime } } } }),
    'reconnect.backoff.ms': refused(RECONNECTING),
    'reconnect.backoff.max.ms': refused(RECONNECTING.replace('backoff.ms', 'backoff.max.ms')),
  },
  application: {
    commitMode: (mode) =>
      mode === 'per-poll'
        ? refused('the application of kafkajs is called for one partition at a time; use per-batch')
        : 'scenario',
    commitOrder: 'scenario',
    consumeMode: 'scenario',
    partitionsConsumedConcurrently: 'scenario',
  },
  native: {
    /** `new Kafka(...)` */
    kafka: {
      of: 'both',
      options: new Set([
        'connectionTimeout',
        'authenticationTimeout',
        'reauthenticationThreshold',
        'requestTimeout',
        'enforceRequestTimeout',
        'retry',
        'logLevel',
      ]),
      elsewhere: {
        brokers: HARNESS,
        clientId: HARNESS,
        ssl: 'the connection file sets it',
        sasl: 'the connection file sets it',
        socketFactory: HARNESS,
        logCreator: HARNESS,
      },
    },
    /** `kafka.consumer(...)` */
    consumer: {
      of: 'member',
      options: new Set(['maxBytes', 'retry', 'allowAutoTopicCreation', 'maxInFlightRequests', 'rackId']),
      elsewhere: {
        groupId: HARNESS,
        partitionAssigners: byWord('partition.assignment.strategy'),
        metadataMaxAge: byWord('metadata.max.age.ms'),
        sessionTimeout: byWord('session.timeout.ms'),
        rebalanceTimeout: byWord('rebalance.timeout.ms'),
        heartbeatInterval: byWord('heartbeat.interval.ms'),
        maxBytesPerPartition: byWord('max.partition.fetch.bytes'),
        minBytes: byWord('fetch.min.bytes'),
        maxWaitTimeInMs: byWord('fetch.max.wait.ms'),
        readUncommitted: byWord('isolation.level'),
      },
    },
    /** `consumer.run(...)` */
    run: {
      of: 'member',
      options: new Set(['autoCommitThreshold']),
      elsewhere: {
        autoCommit: byWord('enable.auto.commit'),
        autoCommitInterval: byWord('auto.commit.interval.ms'),
        eachBatchAutoResolve: 'use application.consumeMode',
        eachBatch: 'use application.consumeMode',
        eachMessage: 'use application.consumeMode',
        partitionsConsumedConcurrently: 'use application.partitionsConsumedConcurrently',
      },
    },
    /** `kafka.producer(...)` */
    producer: {
      of: 'producer',
      options: new Set(['retry', 'metadataMaxAge', 'allowAutoTopicCreation', 'maxInFlightRequests']),
      elsewhere: {
        createPartitioner: HARNESS,
        idempotent: byWord('enable.idempotence'),
        transactionalId: "the producer's id is its transactional.id, where its scenario has transactions",
        transactionTimeout: HARNESS,
      },
    },
    /** `producer.send(...)` */
    send: {
      of: 'producer',
      options: new Set(['timeout', 'compression']),
      elsewhere: { acks: byWord('acks'), topic: HARNESS, messages: HARNESS },
    },
  },
};
