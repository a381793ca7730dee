import { describe, expect, it } from 'vitest';
import { decodeTransaction, encodeTransaction } from './records.ts';
import { TRANSACTION_STATES } from './state.ts';
import type { TransactionValue } from './transaction.ts';

const value: TransactionValue = {
  producerId: 7n,
  previousProducerId: 7n,
  nextProducerId: -1n,
  producerEpoch: 3,
  lastProducerEpoch: -1,
  timeoutMs: 60_000,
  state: 'Ongoing',
  partitions: [
    { topic: 'a', partition: 2 },
    { topic: 'a', partition: 0 },
  ],
  startMs: 5,
  updatedMs: 6,
  clientVersion: 2,
};

describe('records of __transaction_state', () => {
  it('are laid out as by Kafka, with a tagged field for each that is not its default', () => {
    const { key, value: bytes } = encodeTransaction('t', value, 1);
    expect(Buffer.from(key ?? []).toString('hex')).toBe('0000' + '0001' + '74');
    expect(Buffer.from(bytes ?? []).toString('hex')).toBe(
      [
        '0001',
        '0000000000000007',
        '0003',
        '0000ea60',
        '01',
        // One topic with two partitions, and no tagged fields of its own.
        '02' + '0261' + '03' + '00000002' + '00000000' + '00',
        '0000000000000006',
        '0000000000000005',
        // Previous producer id and client version.
        '02' + '00080000000000000007' + '02020002',
      ].join(''),
    );
  });

  it.each(TRANSACTION_STATES)('bring back a transaction in %s', (state) => {
    const kept = { ...value, state, partitions: state === 'Empty' ? [] : value.partitions };
    expect(decodeTransaction(encodeTransaction('t', kept, 1))).toEqual({ transactionalId: 't', value: kept });
    const { previousProducerId, clientVersion } =
      decodeTransaction(encodeTransaction('t', kept, 0))?.value ?? {};
    expect([previousProducerId, clientVersion]).toEqual([-1n, 0]);
  });

  it('can say that an id is gone, or something else altogether', () => {
    const { key } = encodeTransaction('t', value, 1);
    expect(decodeTransaction({ key, value: null })).toEqual({ transactionalId: 't', value: null });
    expect(decodeTransaction({ key: Buffer.from('0001000174', 'hex'), value: null })).toBeNull();
    expect(() => decodeTransaction({ key: null, value: null })).toThrow('without a key');
    expect(() => decodeTransaction({ key, value: Buffer.from('0009', 'hex') })).toThrow('value version 9');
  });
});
