/** What the reference client makes of the vocabulary of configuration, whose words are its own: what each becomes leaves. */
import type { NativeSection, Taken, Vocabulary } from '../vocabulary.ts';

const consumer =
  (word: string) =>
  (value: string | number | boolean): Taken => ({
    native: { consumer: { [word]: value } },
  });
const producer =
  (word: string) =>
  (value: number): Taken => ({ native: { producer: { [word]: value } } });

const HARNESS = 'the harness sets it';

/** Its own options are the vocabulary's words, which are better given as such. */
const own = (
  of: NativeSection['of'],
  options: readonly string[],
  elsewhere: readonly string[],
): NativeSection => ({
  of,
  options: new Set(options),
  elsewhere: {
    ...Object.fromEntries(
      elsewhere.map((word) => [word, `use the word ${word}, so that the properties know of it`]),
    ),
    'bootstrap.servers': HARNESS,
    'client.id': HARNESS,
    'group.id': HARNESS,
    'transactional.id': 'the scenario says who sends in transactions (--profile transactions)',
    'transaction.timeout.ms': 'the scenario says who sends in transactions (--profile transactions)',
    'partitioner.class': HARNESS,
  },
});

const COMMON = [
  'request.timeout.ms',
  'retry.backoff.ms',
  'retry.backoff.max.ms',
  'reconnect.backoff.ms',
  'reconnect.backoff.max.ms',
  'socket.connection.setup.timeout.ms',
] as const;

const common = <T>(take: (word: string) => T): Record<(typeof COMMON)[number], T> =>
  Object.fromEntries(COMMON.map((word) => [word, take(word)])) as Record<(typeof COMMON)[number], T>;

export const vocabulary: Vocabulary = {
  consumer: {
    'session.timeout.ms': 'scenario',
    'heartbeat.interval.ms': 'scenario',
    'max.poll.interval.ms': 'scenario',
    'max.poll.records': 'scenario',
    'auto.offset.reset': 'scenario',
    'enable.auto.commit': 'scenario',
    'auto.commit.interval.ms': 'scenario',
    'partition.assignment.strategy': 'scenario',
    'isolation.level': 'scenario',
    'group.instance.id': 'scenario',
    'fetch.min.bytes': 'scenario',
    'fetch.max.wait.ms': 'scenario',
    'max.partition.fetch.bytes': 'scenario',
    'metadata.max.age.ms': 'scenario',
    'rebalance.timeout.ms': {
      refused: "the Java consumer's rebalance timeout is its max.poll.interval.ms; use that",
    },
    'fetch.max.bytes': consumer('fetch.max.bytes'),
    'default.api.timeout.ms': consumer('default.api.timeout.ms'),
    'allow.auto.create.topics': consumer('allow.auto.create.topics'),
    'client.rack': consumer('client.rack'),
    ...common(consumer),
  },
  producer: {
    acks: 'scenario',
    'enable.idempotence': 'scenario',
    'linger.ms': 'scenario',
    'batch.size': 'scenario',
    retries: producer('retries'),
    'delivery.timeout.ms': 'scenario',
    'max.in.flight.requests.per.connection': producer('max.in.flight.requests.per.connection'),
    'max.block.ms': producer('max.block.ms'),
    'max.request.size': producer('max.request.size'),
    'metadata.max.age.ms': producer('metadata.max.age.ms'),
    ...common(producer),
  },
  application: {
    commitMode: 'scenario',
    commitOrder: 'scenario',
    consumeMode: 'scenario',
    partitionsConsumedConcurrently: 'scenario',
  },
  native: {
    /** `new Consumer(...)` */
    consumer: own(
      'member',
      [...COMMON, 'fetch.max.bytes', 'default.api.timeout.ms', 'allow.auto.create.topics', 'client.rack'],
      [
        'session.timeout.ms',
        'heartbeat.interval.ms',
        'max.poll.interval.ms',
        'max.poll.records',
        'auto.offset.reset',
        'enable.auto.commit',
        'auto.commit.interval.ms',
        'partition.assignment.strategy',
        'isolation.level',
        'group.instance.id',
        'fetch.min.bytes',
        'fetch.max.wait.ms',
        'max.partition.fetch.bytes',
        'metadata.max.age.ms',
      ],
    ),
    /** `new Producer(...)` */
    producer: own(
      'producer',
      [
        ...COMMON,
        'metadata.max.age.ms',
        'retries',
        'max.in.flight.requests.per.connection',
        'max.block.ms',
        'max.request.size',
      ],
      ['acks', 'enable.idempotence', 'linger.ms', 'batch.size', 'delivery.timeout.ms'],
    ),
  },
};
