/**
 * Generated sequences of raw requests: the APIs and versions that a cluster announces enter, an arbitrary of sequences
 * leaves. Most values mean something to a cluster, some lie at a boundary, and some mean nothing.
 *
 * Many sequences begin with what later steps can speak of: records, a producer's id, an open transaction, a member.
 */
import fc from 'fast-check';
import type { AnyApi } from '../../cluster/protocol/api.ts';
import { type At, at, type Shape, type ShapeField } from '../../cluster/protocol/codec.ts';
import { encodeSubscription } from '../../cluster/protocol/consumer-protocol.ts';
import { openings } from './openings.ts';
import { type BatchPlan, int64, named, references, type Sequence, type Step, TIMESTAMP_MS } from './step.ts';

export interface Announced {
  readonly api: AnyApi;
  readonly min: number;
  readonly max: number;
}

const STEPS_MAX = 8;

const topicNames = fc.constantFrom(
  ...[
    'orders',
    'orders',
    'orders',
    'orders',
    'orders',
    'payments',
    'missing',
    'missing',
    'x'.repeat(250),
  ].map(named),
  '',
  'bad/name',
  '..',
);
/** Not the empty name, which all sequences would share. */
const groupNames = fc.constantFrom(...['g', 'g', 'h'].map(named));
const transactionalIds = fc.constantFrom(...['t', 't', 'u'].map(named), '');
const hex = (bytes: Uint8Array) => ({ hex: Buffer.from(bytes).toString('hex') });

const INT32_MAX = 0x7fffffff;

const INT64_MAX = 0x7fffffffffffffffn;

/** Record batches, good and bad, of no producer in particular or of the one whose id the sequence has got. */
const batches: fc.Arbitrary<{ batch: BatchPlan }> = fc.record({
  batch: fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    fault: fc.constantFrom(
      ...Array<'none'>(10).fill('none'),
      ...([
        'checksum',
        'magic',
        'old magic',
        'length',
        'empty',
        'twice',
        'count',
        'base offset',
        'control',
      ] as const),
    ),
    producer: fc.constantFrom('none', 'none', 'idempotent', 'transactional', 'transactional'),
    sequence: fc.constantFrom(0, 0, 0, 1, 2, 3, -1, INT32_MAX),
  }),
});

const subscription = encodeSubscription({
  version: 1,
  topics: ['orders'],
  userData: null,
  ownedPartitions: [],
  generationId: -1,
  rackId: null,
} as never);

/** By field name, then by what it is part of: values that mean something. */
const meaning: readonly (readonly [pattern: RegExp, arbitrary: fc.Arbitrary<unknown>])[] = [
  [
    /^(groupId|groups|groupsNames|key|coordinatorKeys|consumerGroupId)$/,
    fc.oneof(groupNames, groupNames, fc.constantFrom(...['t', 'u'].map(named))),
  ],
  [/transactionalId$/i, transactionalIds],
  [/^(topic|topicNames|topics|name|resourceName)$/, topicNames],
  [
    /^topicId$/,
    fc.constantFrom(
      `${references.topicId}orders`,
      `${references.topicId}payments`,
      '0'.repeat(32),
      'f'.repeat(32),
    ),
  ],
  [/^memberId$/, fc.constantFrom(references.memberId, references.memberId, '', 'unknown')],
  [/^groupInstanceId$/, fc.constantFrom(null, null, null, 'i')],
  [/^protocolType$/, fc.constantFrom('consumer', 'consumer', 'consumer', 'connect', '')],
  [/^protocolName$/, fc.constantFrom('range', 'range', 'other')],
  [
    /^generationId(OrMemberEpoch)?$/,
    fc.constantFrom(references.generationId, references.generationId, -1, 0, 7),
  ],
  [/producerId$/i, fc.constantFrom(references.producerId, references.producerId, int64(-1), int64(999_999))],
  [/producerEpoch$/i, fc.constantFrom(references.producerEpoch, references.producerEpoch, -1, 0, 5)],
  [
    /^(partition|index|partitionIndex|partitionIndexes|partitions)$/,
    fc.constantFrom(0, 0, 0, 0, 1, 1, 2, -1, INT32_MAX),
  ],
  [/^acks$/, fc.constantFrom(-1, -1, 1, 1, 0, 2, -2)],
  [/^maxWaitMs$/, fc.constantFrom(0, 10)],
  [/^(sessionTimeoutMs)$/, fc.constantFrom(60_000, 60_000, 1, -1, INT32_MAX)],
  [/^(rebalanceTimeoutMs)$/, fc.constantFrom(60_000, 300_000)],
  [/^timeoutMs$/, fc.constantFrom(1_000, 60_000, 60_000)],
  [/^transactionTimeoutMs$/, fc.constantFrom(60_000, 60_000, 60_000, 900_000, 900_001, 0, -1)],
  [/^minBytes$/, fc.constantFrom(0, 0, 1)],
  [/(maxBytes|MaxBytes)$/, fc.constantFrom(1_048_576, 1_048_576, 1, 0, INT32_MAX)],
  [/^replicaId$/, fc.constantFrom(-1, -1, -1, -2)],
  [/^isolationLevel$/, fc.constantFrom(0, 1)],
  [
    /^(timestamp|commitTimestamp)$/,
    fc
      .constantFrom(-1, -1, -2, -2, -3, -4, -5, -6, -7, 0, TIMESTAMP_MS, TIMESTAMP_MS + 1, INT64_MAX)
      .map(int64),
  ],
  [/(offset|Offset)$/, fc.constantFrom(0, 0, 0, 1, 1, 2, 3, -1, -5, 100, INT64_MAX).map(int64)],
  [/(leaderEpoch|LeaderEpoch|lastFetchedEpoch)$/, fc.constantFrom(-1, -1, 0, 0, 1, 5)],
  [/^(count|numPartitions)$/, fc.constantFrom(1, 2, 3, 4, 0, -1)],
  [/^replicationFactor$/, fc.constantFrom(1, 1, 1, -1, 0, 2)],
  [/^brokerIds$/, fc.constantFrom(1, 1, 2)],
  [/^resourceType$/, fc.constantFrom(2, 2, 2, 2, 99)],
  [/^configOperation$/, fc.constantFrom(0, 0, 1, 2, 3, 4)],
  [/^keyType$/, fc.constantFrom(0, 0, 1, 2, 9)],
  [/^sessionId$/, fc.constantFrom(0, 0, 0, 77)],
  [/^sessionEpoch$/, fc.constantFrom(-1, -1, -1, 0, 1, INT32_MAX)],
  [/^statesFilter$/, fc.constantFrom('Stable', 'Empty', 'empty', 'Dead', 'nonsense')],
  [/^typesFilter$/, fc.constantFrom('classic', 'Classic', 'consumer', 'nonsense')],
  [/^mechanism$/, fc.constantFrom('PLAIN', 'SCRAM-SHA-256', 'nonsense')],
  [/^committedMetadata$/, fc.constantFrom('', 'note', 'x'.repeat(4_096), 'x'.repeat(4_097))],
  [/^(errorCode)$/, fc.constant(0)],
  // Quotas of nobody that sends a request, and large ones: those that hold a client up would hold up the search.
  [/^entityType$/, fc.constantFrom('client-id', 'client-id', 'user', 'host', '')],
  [/^(entityName|match)$/, fc.constantFrom(...['c', 'c', 'd'].map(named), '')],
  [/^matchType$/, fc.constantFrom(0, 0, 0, 1, 9)],
  [/^value$/, fc.constantFrom(1e9, 1e9, 1e9 + 0.5, 0, -1)],
];

const configName = fc.constantFrom('retention.ms', 'cleanup.policy', 'max.message.bytes', 'nonsense', '');
const quotaName = fc.constantFrom(
  'consumer_byte_rate',
  'producer_byte_rate',
  'request_percentage',
  'nonsense',
);
const configValue = fc.constantFrom('1000', 'compact', 'delete', '-5', 'x', '', null);

/** What an item of a list is about; Kafka puts most lists into maps by it. */
function identityOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return JSON.stringify(item);
  const { topicId: id } = item as { topicId?: string };
  if (id !== undefined && !/^0+$/.test(id)) return id;
  const {
    name,
    topic,
    topicId,
    partition,
    partitionIndex,
    index,
    groupId,
    memberId,
    resourceName,
    transactionalId,
  } = item as Record<string, unknown>;
  return JSON.stringify([
    name,
    topic,
    topicId,
    partition,
    partitionIndex,
    index,
    groupId,
    memberId,
    resourceName,
    transactionalId,
  ]);
}

interface Place {
  readonly api: AnyApi;
  /** Names of the fields around it, outermost first. */
  readonly path: readonly string[];
  readonly layout: At;
}

/** Fields with which brokers speak to each other. */
const OF_BROKERS: Readonly<Record<string, true>> = { replicaState: true, clusterId: true };

const has = ({ from, to }: ShapeField, version: number): boolean => from <= version && version <= to;

/** Most lists name nothing twice and are of something, as those of clients are. */
function lists(item: fc.Arbitrary<unknown>, isRarelyEmpty: boolean): fc.Arbitrary<unknown[]> {
  const usual = fc.uniqueArray(item, {
    minLength: isRarelyEmpty ? 1 : 0,
    maxLength: 2,
    selector: identityOf,
  });
  const ofNothing = fc.constant([] as unknown[]);
  const twice = fc
    .uniqueArray(item, { minLength: 1, maxLength: 2, selector: identityOf })
    .map((list) => [...list, list[0]]);
  return fc.oneof(
    { weight: 40, arbitrary: usual },
    { weight: 1, arbitrary: ofNothing },
    { weight: 1, arbitrary: twice },
  );
}

function valueFor(shape: Shape, place: Place): fc.Arbitrary<unknown> {
  const name = place.path.at(-1) ?? '';
  const around = place.path.at(-2) ?? '';
  switch (shape.kind) {
    case 'struct': {
      const fields = shape.fields.filter(
        (one) => has(one, place.layout.version) && !(one.name in OF_BROKERS),
      );
      return fc.record(
        Object.fromEntries(
          fields.map((one) => {
            const value = valueFor(one.shape, { ...place, path: [...place.path, one.name] });
            // What travels among the tagged fields is left out more often than not.
            return [
              one.name,
              one.tag === null ? value : fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, value),
            ];
          }),
        ),
      );
    }
    case 'array':
      return lists(valueFor(shape.item, place), /partition/i.test(name) || place.path.length === 1);
    case 'nullable': {
      const value = valueFor(shape.type, place);
      // Without a name it would be a quota of everybody, in other sequences too.
      if (place.layout.version < shape.from || name === 'entityName') return value;
      return fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });
    }
    case 'bool':
      return fc.boolean();
    case 'bytes':
      if (name === 'records') return batches;
      if (name === 'metadata') return fc.constantFrom(subscription, Buffer.alloc(0)).map(hex);
      return fc.constantFrom(Buffer.alloc(0), Buffer.from('00ff', 'hex')).map(hex);
    case 'string':
      if (around === 'configs' || name === 'configurationKeys' || name === 'configNames')
        return name === 'value' ? configValue.map((text) => text ?? '') : configName;
      if (around === 'ops') return quotaName;
      if (around === 'protocols') return fc.constantFrom('range', 'range', 'roundrobin');
      break;
  }
  const known = meaning.find(([pattern]) => pattern.test(name))?.[1];
  if (known !== undefined) return known;
  switch (shape.kind) {
    case 'string':
      return fc.constantFrom('', 'a', 'kafka-client', '1.0', 'x y');
    case 'uuid':
      return fc.constant('0'.repeat(32));
    case 'int64':
      return fc.constantFrom(0, 1, -1).map(int64);
    default:
      return fc.constantFrom(0, 1, -1);
  }
}

/** So that most sequences have something to speak of, the more fruitful APIs come more often. */
const weights: Readonly<Record<number, number>> = {
  0: 4,
  1: 3,
  2: 2,
  8: 3,
  9: 3,
  11: 3,
  12: 2,
  14: 2,
  22: 3,
  24: 3,
  26: 3,
  28: 2,
};
const stepOf = ({ api, min, max }: Announced): fc.Arbitrary<Step> =>
  fc.integer({ min, max }).chain((version) => {
    const layout = at(version, version >= api.flexibleFrom);
    const body = valueFor(api.request.shape, { api, path: [], layout });
    return fc.record({
      connection: fc.constantFrom(0, 0, 0, 1, 2),
      apiKey: fc.constant(api.key),
      version: fc.constant(version),
      body,
    });
  });

export const anyStep = (announced: readonly Announced[]): fc.Arbitrary<Step> =>
  fc.oneof(...announced.map((one) => ({ weight: weights[one.api.key] ?? 1, arbitrary: stepOf(one) })));

export function sequences(announced: readonly Announced[]): fc.Arbitrary<Sequence> {
  const step = anyStep(announced);
  return fc
    .record({ opening: openings(announced), steps: fc.array(step, { minLength: 1, maxLength: STEPS_MAX }) })
    .map(({ opening, steps }) => ({ steps: [...opening, ...steps] }));
}
