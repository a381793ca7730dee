/**
 * Records of `__transaction_state` as Kafka writes them (TransactionLog): what a transaction coordinator wants to
 * remember enters, a key and a value leave, and back again. A null value removes the transactional id.
 *
 * Key version 0; value version 1, which is flexible, where the cluster has the feature transaction.version, else 0.
 */
import type { NewRecord } from '../environment.ts';
import { ProtocolFormatError, Reader, Writer } from '../protocol/bytes.ts';
import { array, at, field, int8, int16, int32, int64, nullable, string, struct } from '../protocol/codec.ts';
import { stateId, stateOfId } from './state.ts';
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type TopicPartition,
  type TransactionValue,
} from './transaction.ts';

const keyType = struct({ transactionalId: field(string) });
const valueType = struct({
  producerId: field(int64),
  previousProducerId: field(int64, { from: 1, tag: 0, default: NO_PRODUCER_ID }),
  nextProducerId: field(int64, { from: 1, tag: 1, default: NO_PRODUCER_ID }),
  producerEpoch: field(int16),
  timeoutMs: field(int32),
  status: field(int8),
  topics: field(nullable(array(struct({ topic: field(string), partitions: field(array(int32)) })))),
  updatedMs: field(int64),
  startMs: field(int64),
  clientTransactionVersion: field(int16, { from: 1, tag: 2, default: 0 }),
});

const KEY_VERSION = 0;
const VALUE_VERSION_MAX = 1;
const KEY = at(KEY_VERSION, false);

export type ValueVersion = 0 | 1;

export function encodeTransaction(
  transactionalId: string,
  value: TransactionValue,
  version: ValueVersion,
): NewRecord {
  const key = new Writer().int16(KEY_VERSION);
  keyType.write(key, { transactionalId }, KEY);
  const body = new Writer().int16(version);
  const { producerId, previousProducerId, nextProducerId, producerEpoch } = value;
  const { timeoutMs, updatedMs, startMs, clientVersion } = value;
  valueType.write(
    body,
    {
      producerId,
      previousProducerId,
      nextProducerId,
      producerEpoch,
      timeoutMs,
      status: stateId(value.state),
      topics: value.state === 'Empty' ? null : byTopic(value.partitions),
      updatedMs: BigInt(updatedMs),
      startMs: BigInt(startMs),
      clientTransactionVersion: clientVersion,
    },
    at(version, version >= 1),
  );
  return { key: key.copy(), value: body.copy() };
}

export function byTopic(
  partitions: readonly TopicPartition[],
): { readonly topic: string; readonly partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  return [...topics].map(([topic, of]) => ({ topic, partitions: of }));
}

/** @returns null for a record of another kind, and a null value for one that removes the id */
export function decodeTransaction({
  key,
  value,
}: NewRecord): { readonly transactionalId: string; readonly value: TransactionValue | null } | null {
  if (key === null) throw new ProtocolFormatError('a record of __transaction_state without a key');
  const reader = new Reader(key);
  if (reader.int16() !== KEY_VERSION) return null;
  const { transactionalId } = keyType.read(reader, KEY);
  return { transactionalId, value: value === null ? null : decodeValue(value) };
}

function decodeValue(bytes: Uint8Array): TransactionValue {
  const reader = new Reader(bytes);
  const version = reader.int16();
  if (version < 0 || version > VALUE_VERSION_MAX) throw new ProtocolFormatError(`value version ${version}`);
  const read = valueType.read(reader, at(version, version >= 1));
  const state = stateOfId(read.status);
  if (state === undefined) throw new ProtocolFormatError(`transaction status ${read.status}`);
  return {
    producerId: read.producerId,
    previousProducerId: read.previousProducerId,
    nextProducerId: read.nextProducerId,
    producerEpoch: read.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: read.timeoutMs,
    state,
    partitions: (read.topics ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
    startMs: Number(read.startMs),
    updatedMs: Number(read.updatedMs),
    clientVersion: read.clientTransactionVersion >= 2 ? 2 : 0,
  };
}
