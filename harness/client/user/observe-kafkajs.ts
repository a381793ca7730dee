/**
 * What an application on trial finds under the name `kafkajs`: the kafkajs that it has installed enters, the same
 * leaves with a `Kafka` whose connection is the trial's and whose consumers are watched. Everything else is untouched.
 */
import type {
  Consumer,
  ConsumerConfig,
  ConsumerRunConfig,
  KafkaConfig,
  Producer,
  TopicPartitions,
} from 'kafkajs';
import { describeError } from '../application/describe-error.ts';
import { recordClaims } from '../kafkajs/claims.ts';
import { outcomeOf } from '../kafkajs/errors.ts';
import { saslConfig, sslConfig, tappedSockets } from '../kafkajs/sockets.ts';
import { withGivenOptions } from './given-options.ts';
import { observeHandlers } from './observe-handlers.ts';
import { callClient, type Session, session } from './session.ts';

type Kafkajs = typeof import('kafkajs');

/** Where the application would go, who it would be and how it would log in, as the trial says; the rest is its own. */
const onTrial = (config: KafkaConfig): KafkaConfig => {
  const { start, tap } = session();
  const { connection } = start;
  const { sasl: _, ...own } = config;
  return {
    ...withGivenOptions(start, 'kafka', own),
    clientId: start.process,
    brokers: connection.bootstrapServers,
    ssl: sslConfig(connection),
    ...saslConfig(connection),
    socketFactory: tappedSockets(tap, config.socketFactory),
  };
};

export function observeKafkajs(kafkajs: Kafkajs): Kafkajs {
  class Kafka extends kafkajs.Kafka {
    constructor(config: KafkaConfig) {
      super(onTrial(config));
    }

    override consumer(config: ConsumerConfig): Consumer {
      const current = session();
      const own = { ...config, groupId: current.names.real(config.groupId) };
      const isOnTrial = own.groupId === current.start.group.id;
      const given = isOnTrial ? withGivenOptions(current.start, 'consumer', own) : own;
      return observeConsumer(super.consumer(given), given, current);
    }

    override producer(...config: Parameters<InstanceType<Kafkajs['Kafka']>['producer']>): Producer {
      return renameProducer(super.producer(...config), session());
    }
  }
  return { ...kafkajs, Kafka };
}

const topicsOf = ({ topic, topics }: { topic?: string | RegExp; topics?: (string | RegExp)[] }) => [
  ...(topic === undefined ? [] : [topic]),
  ...(topics ?? []),
];

function observeConsumer(consumer: Consumer, config: ConsumerConfig, current: Session): Consumer {
  const { start, host, names, consumers } = current;
  const isOnTrial = config.groupId === start.group.id;
  const given: typeof withGivenOptions = (of, takenBy, own) =>
    isOnTrial ? withGivenOptions(of, takenBy, own) : own;
  const subscribed: { topic: string | RegExp; fromBeginning: boolean }[] = [];
  if (isOnTrial) recordClaims(consumer, start.group.id, host);
  const real = <T extends string | RegExp>(topic: T): T =>
    typeof topic === 'string' ? (names.real(topic) as T) : topic;
  const place = <T extends { topic: string }>(one: T): T => ({ ...one, topic: names.real(one.topic) });
  // It has to be told that its consumer is gone, however that came about.
  const ended = (): void => {
    current.onTrial.delete(observed);
    if (consumers.delete(observed)) current.onDisconnected();
  };

  const observed: Consumer = {
    ...consumer,
    async connect() {
      if (isOnTrial) {
        current.onTrial.add(observed);
        if (current.onTrial.size > 1)
          host.refuse(
            `The application runs several consumers of group '${names.own(config.groupId)}' in one process, and what ` +
              'each of them does could not be told apart: put a module with one of them on trial. In a scenario, ' +
              "members with the same 'sharedProcess' share an instance of Kafka.",
          );
      }
      consumers.add(observed);
      await consumer.connect();
    },
    async disconnect() {
      try {
        await consumer.disconnect();
      } finally {
        ended();
      }
    },
    async subscribe(asked) {
      const subscription = given(start, 'subscribe', asked);
      const { fromBeginning = false } = subscription;
      for (const topic of topicsOf(subscription)) subscribed.push({ topic, fromBeginning });
      // What is asked for is all that is wanted to be known: the topics need not exist yet.
      if (host.configured !== undefined) return;
      await consumer.subscribe(
        'topic' in subscription
          ? { ...subscription, topic: real(subscription.topic) }
          : { ...subscription, topics: subscription.topics.map(real) },
      );
    },
    async run(asked: ConsumerRunConfig = {}) {
      const run = given(start, 'run', asked);
      host.configured?.({ consumer: config, run, subscribed });
      if (host.configured !== undefined) return;
      await consumer.run(observeHandlers(run, current));
    },
    commitOffsets: async (offsets) =>
      await recordCommit(current, offsets.map(place), async (placed) => await consumer.commitOffsets(placed)),
    seek: (position) => consumer.seek(place(position)),
    pause: (topics) => consumer.pause(topics.map(place)),
    resume: (topics) => consumer.resume(topics.map(place)),
    paused: () => consumer.paused().map((one): TopicPartitions => ({ ...one, topic: names.own(one.topic) })),
  };
  return observed;
}

type Offsets = Parameters<Consumer['commitOffsets']>[0];

/** Whether the application waits for the answer cannot be seen; a careful one does. */
async function recordCommit(
  current: Session,
  offsets: Offsets,
  commit: (offsets: Offsets) => Promise<void>,
): Promise<void> {
  const { start, host } = current;
  const group = start.group.id;
  const call = current.commitCalls++;
  host.emit({
    kind: 'application-commit',
    group,
    call,
    awaited: true,
    offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
  });
  try {
    await callClient(current, async () => await commit(offsets));
  } catch (error) {
    host.emit({
      kind: 'application-commit-end',
      group,
      call,
      outcome: outcomeOf(error),
      error: describeError(error),
    });
    throw error;
  }
  host.emit({ kind: 'application-commit-end', group, call, outcome: 'ok', error: null });
}

/** A producer of the application's own: its topics too have other names where scenarios share a cluster. */
function renameProducer(producer: Producer, { names }: Session): Producer {
  if (!names.differ) return producer;
  const send: Producer['send'] = async (record) =>
    await producer.send({ ...record, topic: names.real(record.topic) });
  const sendBatch: Producer['sendBatch'] = async (batch) =>
    await producer.sendBatch({
      ...batch,
      ...(batch.topicMessages === undefined
        ? {}
        : { topicMessages: batch.topicMessages.map((one) => ({ ...one, topic: names.real(one.topic) })) }),
    });
  return { ...producer, send, sendBatch };
}
