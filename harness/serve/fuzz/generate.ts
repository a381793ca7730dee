/**
 * Generated sequences of raw requests: the APIs and versions that a cluster announces enter, an arbitrary of sequences
 * leaves. Most values mean something to a cluster, some lie at a boundary, and some mean nothing.
 */
import fc from 'fast-check';
import { buildBatch } from '../../cluster/log/record-batch.ts';
import type { AnyApi } from '../../cluster/protocol/api.ts';
import { type At, at, type Shape, type ShapeField } from '../../cluster/protocol/codec.ts';
import { encodeSubscription } from '../../cluster/protocol/consumer-protocol.ts';
import { NAME_MARK, references, type Sequence, type Step } from './step.ts';

export interface Announced {
  readonly api: AnyApi;
  readonly min: number;
  readonly max: number;
}

const STEPS_MAX = 8;
const TIMESTAMP_MS = 1_577_836_800_000;

const named = (name: string): string => `${NAME_MARK}${name}`;
const topicNames = fc.constantFrom(
  ...['orders', 'orders', 'orders', 'payments', 'missing'].map(named),
  '',
  'bad/name',
);
const groupNames = fc.constantFrom(...['g', 'g', 'h'].map(named), '');
const transactionalIds = fc.constantFrom(...['t', 't', 'u'].map(named), '');
const int64 = (value: number | bigint | string) => ({ int64: String(value) });
const hex = (bytes: Uint8Array) => ({ hex: Buffer.from(bytes).toString('hex') });

const INT32_MAX = 0x7fffffff;

/** Record batches, good and bad. The producer's id stands for whatever the sequence has got. */
const recordBytes: fc.Arbitrary<Uint8Array> = fc
  .record({
    count: fc.integer({ min: 1, max: 3 }),
    fault: fc.constantFrom(...Array<string>(7).fill('none'), 'checksum', 'magic', 'length', 'empty', 'twice'),
  })
  .map(({ count, fault }) => {
    const records = Array.from({ length: count }, (_, index) => ({
      offsetDelta: index,
      key: Buffer.from(`k${index}`),
      value: Buffer.from(`v${index}`),
    }));
    const bytes = Buffer.from(
      buildBatch({ baseOffset: 0, leaderEpoch: -1, timestampMs: TIMESTAMP_MS }, records).bytes,
    );
    if (fault === 'checksum') bytes[20] = (bytes[20] ?? 0) ^ 1;
    if (fault === 'magic') bytes[16] = 7;
    if (fault === 'length') bytes.writeInt32BE(bytes.readInt32BE(8) + 10, 8);
    if (fault === 'empty') return Buffer.alloc(0);
    return fault === 'twice' ? Buffer.concat([bytes, bytes]) : bytes;
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
    fc.oneof(groupNames, transactionalIds),
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
    fc.constantFrom(0, 0, 0, 1, 2, -1, INT32_MAX),
  ],
  [/^acks$/, fc.constantFrom(-1, 1, 2, -2)],
  [/^maxWaitMs$/, fc.constantFrom(0, 10)],
  [/^(sessionTimeoutMs)$/, fc.constantFrom(60_000, 60_000, 1, -1, INT32_MAX)],
  [/^(rebalanceTimeoutMs)$/, fc.constantFrom(60_000, 300_000)],
  [/^(timeoutMs|transactionTimeoutMs)$/, fc.constantFrom(1_000, 60_000, 60_000)],
  [/^minBytes$/, fc.constantFrom(0, 0, 1)],
  [/(maxBytes|MaxBytes)$/, fc.constantFrom(1_048_576, 1_048_576, 1, 0, INT32_MAX)],
  [/^replicaId$/, fc.constantFrom(-1, -1, -1, -2)],
  [/^isolationLevel$/, fc.constantFrom(0, 1)],
  [
    /^(timestamp|commitTimestamp)$/,
    fc.constantFrom(-1, -2, -3, 0, TIMESTAMP_MS, TIMESTAMP_MS + 1).map(int64),
  ],
  [/(offset|Offset)$/, fc.constantFrom(0, 0, 1, 2, 3, -1, 100).map(int64)],
  [/(leaderEpoch|LeaderEpoch|lastFetchedEpoch)$/, fc.constantFrom(-1, -1, 0, 0, 1, 5)],
  [/^(count|numPartitions)$/, fc.constantFrom(1, 2, 3, 4, 0, -1)],
  [/^replicationFactor$/, fc.constantFrom(1, 1, 1, -1, 0, 2)],
  [/^brokerIds$/, fc.constantFrom(1, 1, 2)],
  [/^resourceType$/, fc.constantFrom(2, 2, 2, 2, 99)],
  [/^configOperation$/, fc.constantFrom(0, 0, 1, 2, 3)],
  [/^keyType$/, fc.constantFrom(0, 0, 1, 9)],
  [/^sessionId$/, fc.constantFrom(0, 0, 0, 77)],
  [/^sessionEpoch$/, fc.constantFrom(-1, -1, -1, 0, 1)],
  [/^(errorCode)$/, fc.constant(0)],
];

const configName = fc.constantFrom('retention.ms', 'cleanup.policy', 'max.message.bytes', 'nonsense', '');
const configValue = fc.constantFrom('1000', 'compact', 'delete', '-5', 'x', '', null);

interface Place {
  readonly api: AnyApi;
  /** Names of the fields around it, outermost first. */
  readonly path: readonly string[];
  readonly layout: At;
}

const has = ({ from, to }: ShapeField, version: number): boolean => from <= version && version <= to;

function valueFor(shape: Shape, place: Place): fc.Arbitrary<unknown> {
  const name = place.path.at(-1) ?? '';
  const around = place.path.at(-2) ?? '';
  switch (shape.kind) {
    case 'struct': {
      const fields = shape.fields.filter((one) => has(one, place.layout.version));
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
      return fc.array(valueFor(shape.item, place), { minLength: 0, maxLength: 2 });
    case 'nullable': {
      const value = valueFor(shape.type, place);
      if (place.layout.version < shape.from) return value;
      return fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });
    }
    case 'bool':
      return fc.boolean();
    case 'bytes':
      if (name === 'records') return recordBytes.map(hex);
      if (name === 'metadata') return fc.constantFrom(subscription, Buffer.alloc(0)).map(hex);
      return fc.constantFrom(Buffer.alloc(0), Buffer.from('00ff', 'hex')).map(hex);
    case 'string':
      if (around === 'configs' || name === 'configurationKeys' || name === 'configNames')
        return name === 'value' ? configValue.map((text) => text ?? '') : configName;
      if (around === 'protocols') return fc.constantFrom('range', 'range', 'roundrobin', '');
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
/** SASL is about the connection and not the cluster, and what ApiVersions says differs on purpose. */
const LEFT_OUT = new Set([17, 36]);

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

export function sequences(announced: readonly Announced[]): fc.Arbitrary<Sequence> {
  const step = fc.oneof(
    ...announced
      .filter(({ api }) => !LEFT_OUT.has(api.key))
      .map((one) => ({ weight: weights[one.api.key] ?? 1, arbitrary: stepOf(one) })),
  );
  return fc.record({ steps: fc.array(step, { minLength: 1, maxLength: STEPS_MAX }) });
}
