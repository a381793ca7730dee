/** Messages as plain data: only what their version says, errors by name, and no payload where a size will do. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../log/record-batch.ts';
import { produceApi } from './00-produce.ts';
import { fetchApi } from './01-fetch.ts';
import { joinGroupApi } from './11-join-group.ts';
import { syncGroupApi } from './14-sync-group.ts';
import {
  type AnyApi,
  encodeRequest,
  encodeResponse,
  readRequestBody,
  readRequestHeader,
  readResponseBody,
} from './api.ts';
import { Reader } from './bytes.ts';
import { at } from './codec.ts';
import { encodeAssignment, encodeSubscription } from './consumer-protocol.ts';
import { plainMessage } from './plain.ts';

const SIZE_BYTES = 4;

/** Over the wire and back. */
function plainRequest(api: unknown, version: number, body: unknown) {
  const { request, flexibleFrom } = api as AnyApi;
  const reader = new Reader(
    encodeRequest(api as AnyApi, version, { correlationId: 1, clientId: 'm1.1' }, body).subarray(SIZE_BYTES),
  );
  readRequestHeader(reader);
  const decoded = readRequestBody(api as never, version, reader);
  return plainMessage(request.shape, decoded, at(version, version >= flexibleFrom));
}

function plainAnswer(api: unknown, version: number, body: unknown) {
  const { response, flexibleFrom } = api as AnyApi;
  const reader = new Reader(encodeResponse(api as AnyApi, version, 1, body).subarray(SIZE_BYTES));
  reader.int32();
  const decoded = readResponseBody(api as never, version, reader);
  return plainMessage(response.shape, decoded, at(version, version >= flexibleFrom));
}

const batch = (count: number, baseOffset: number): Buffer =>
  buildBatch(
    { baseOffset, leaderEpoch: 0, timestampMs: 1_000 },
    Array.from({ length: count }, (_, i) => ({ key: null, value: Buffer.from(`secret-${i}`) })),
  ).bytes;

describe('plainMessage', () => {
  it('decodes what consumers put into JoinGroup, with the fields of the version and no others', () => {
    const metadata = encodeSubscription({
      version: 1,
      topics: ['orders'],
      ownedPartitions: [{ topic: 'orders', partitions: [1, 0] }],
      userData: null,
    });
    const body = {
      groupId: 'g1',
      sessionTimeoutMs: 6_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata },
        { name: 'own', metadata: Buffer.from([1]) },
      ],
    };
    expect(plainRequest(joinGroupApi, 0, body)).toEqual({
      groupId: 'g1',
      sessionTimeoutMs: 6_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [
        {
          name: 'range',
          metadata: { topics: ['orders'], ownedPartitions: [{ topic: 'orders', partitions: [0, 1] }] },
        },
        // Another user of group membership can put anything there.
        { name: 'own', metadata: { bytes: 1 } },
      ],
    });
    expect(plainRequest(joinGroupApi, 5, body)).toMatchObject({
      groupInstanceId: null,
      rebalanceTimeoutMs: -1,
    });
  });

  it('names errors and decodes assignments', () => {
    const assignment = encodeAssignment({
      version: 0,
      assignment: [{ topic: 'orders', partitions: [2] }],
      userData: null,
    });
    expect(plainAnswer(syncGroupApi, 0, { errorCode: 0, assignment })).toEqual({
      errorCode: 'NONE',
      assignment: [{ topic: 'orders', partitions: [2] }],
    });
    const empty = Buffer.alloc(0);
    expect(plainAnswer(syncGroupApi, 1, { errorCode: 27, assignment: empty })).toEqual({
      throttleTimeMs: 0,
      errorCode: 'REBALANCE_IN_PROGRESS',
      assignment: { bytes: 0 },
    });
  });

  it('says of batches where they begin and how many records and bytes they have', () => {
    const [first, second] = [batch(3, 40), batch(2, 43)];
    const records = Buffer.concat([first, second, batch(1, 45).subarray(0, 30)]);
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 46n,
      abortedTransactions: null,
      records,
    };
    const answer = plainAnswer(fetchApi, 12, {
      responses: [{ topic: 'orders', partitions: [partition] }],
    });
    expect(answer).toMatchObject({
      responses: [
        {
          partitions: [
            {
              highWatermark: '46',
              records: [
                { baseOffset: 40, records: 3, bytes: first.length },
                { baseOffset: 43, records: 2, bytes: second.length },
                { cutOffBytes: 30 },
              ],
            },
          ],
        },
      ],
    });
    expect(JSON.stringify(answer)).not.toMatch(/secret/);
    // A tagged field at its default is not on the wire, so it is not shown.
    expect(JSON.stringify(answer)).not.toMatch(/divergingEpoch|nodeEndpoints/);
    const led = { ...partition, currentLeader: { leaderId: 2, leaderEpoch: 7 } };
    expect(plainAnswer(fetchApi, 12, { responses: [{ topic: 'orders', partitions: [led] }] })).toMatchObject({
      responses: [{ partitions: [{ currentLeader: { leaderId: 2, leaderEpoch: 7 } }] }],
    });
  });

  it('says the same of what is produced', () => {
    const records = batch(1, 0);
    expect(
      plainRequest(produceApi, 3, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 1_000,
        topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
      }),
    ).toEqual({
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [
        {
          name: 'orders',
          partitionData: [{ index: 0, records: [{ baseOffset: 0, records: 1, bytes: records.length }] }],
        },
      ],
    });
  });
});
