import { describe, expect, it } from 'vitest';
import {
  type CoordinatorRecord,
  decodeCoordinatorRecord,
} from '../../world/kafka/observer/consumer-offsets.ts';
import {
  assignmentBytes,
  groupKey,
  groupValue,
  offsetKey,
  offsetValue,
  subscriptionBytes,
} from '../../world/kafka/observer/coordinator-writer.testing.ts';
import { toEvent } from './evidence.ts';
import { type CoordinatorEntry, decodeEntry, encodeEntry, type GroupEntry } from './records.ts';

const generation: GroupEntry = {
  kind: 'group',
  group: 'g',
  value: {
    protocolType: 'consumer',
    generation: 4,
    protocol: 'range',
    leader: 'm-1',
    currentStateTimestamp: 1_700_000_000_000n,
    members: [
      {
        memberId: 'm-2',
        groupInstanceId: 'static',
        clientId: 'c2',
        clientHost: '/127.0.0.1',
        rebalanceTimeoutMs: 60_000,
        sessionTimeoutMs: 10_000,
        subscription: subscriptionBytes(['t']),
        assignment: assignmentBytes([{ topic: 't', partitions: [1, 0] }]),
      },
      {
        memberId: 'm-1',
        groupInstanceId: null,
        clientId: 'c1',
        clientHost: '/127.0.0.1',
        rebalanceTimeoutMs: 60_000,
        sessionTimeoutMs: 10_000,
        subscription: subscriptionBytes(['t']),
        assignment: Buffer.from('not an assignment'),
      },
    ],
  },
};

const UNKNOWN_TAG_BYTES = 5;
const TOPIC_ID = '00112233445566778899aabbccddeeff';

const commit = (expireTimestampMs: number | null): CoordinatorEntry => ({
  kind: 'offset',
  group: 'g',
  topic: 't',
  partition: 3,
  value: {
    offset: 2n ** 60n,
    leaderEpoch: expireTimestampMs === null ? 5 : -1,
    metadata: 'where I was',
    commitTimestampMs: 1_700_000_000_000,
    expireTimestampMs,
    topicId: expireTimestampMs === null ? TOPIC_ID : '0'.repeat(32),
  },
});

const entries: [string, CoordinatorEntry][] = [
  ['a generation', generation],
  [
    'an empty group',
    { ...generation, value: { ...generation.value, protocol: null, leader: null, members: [] } as never },
  ],
  ['a removed group', { kind: 'group', group: 'g', value: null }],
  ['a commit', commit(null)],
  ['a commit with its own retention', commit(1_700_000_060_000)],
  ['a removed commit', { kind: 'offset', group: 'g', topic: 't', partition: 3, value: null }],
];

/** As `coordinator-view.ts` makes events of what it reads. */
function asObserved(observed: CoordinatorRecord): object {
  switch (observed.kind) {
    case 'offset-committed': {
      const { topic, partition, offset, metadata } = observed;
      return { kind: 'commit-accepted', topic, partition, offset: String(offset), metadata };
    }
    case 'offset-removed':
      return { kind: 'commit-removed', topic: observed.topic, partition: observed.partition };
    case 'group-removed':
      return { kind: 'group-removed' };
    case 'group-generation': {
      const { generation, protocol, leaderMemberId, members } = observed;
      const state = members.length === 0 ? 'empty' : 'stable';
      return { kind: 'group-generation', generation, state, protocol, leaderMemberId, members };
    }
    case 'passed-over':
      return { reason: observed.reason };
  }
}

describe('records of __consumer_offsets', () => {
  it.each(entries)('of %s are read back as they were written', (_, entry) => {
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
  });

  it('are byte for byte what Kafka writes', () => {
    const { key, value } = encodeEntry(commit(null));
    expect(key).toEqual(offsetKey(1, 'g', 't', 3));
    // The tagged fields at the end: one, the topic's id, in place of the one that nobody knows.
    const tagged = Buffer.concat([Buffer.from([1, 0, 16]), Buffer.from(TOPIC_ID, 'hex')]);
    const untagged = offsetValue(4, 2n ** 60n, 'where I was').subarray(0, -UNKNOWN_TAG_BYTES);
    expect(value).toEqual(Buffer.concat([untagged, tagged]));
    const group = encodeEntry(generation);
    expect(group.key).toEqual(groupKey('g'));
    const { members = [], ...rest } = generation.value ?? {};
    expect(group.value).toEqual(
      groupValue(3, { ...(rest as object), members: members.map((one) => ({ ...one })) } as never),
    );
    expect(encodeEntry(commit(1)).value?.subarray(0, 2)).toEqual(Buffer.from([0, 1]));
  });

  it.each(entries)('of %s mean to the observer of a real cluster what is reported here', (_, entry) => {
    const { key, value } = encodeEntry(entry);
    const observed = decodeCoordinatorRecord(key as Buffer, value as Buffer | null);
    expect(toEvent(entry, 7, 9n)).toEqual({
      ...asObserved(observed),
      group: 'g',
      logPosition: { partition: 7, offset: '9' },
    });
  });

  it('of other group types are passed over, and garbage is refused', () => {
    expect(decodeEntry({ key: Buffer.from([0, 3, 0, 1, 103]), value: null })).toBeNull();
    expect(() => decodeEntry({ key: null, value: null })).toThrow('without a key');
    expect(() => decodeEntry({ key: groupKey('g'), value: Buffer.from([0, 9]) })).toThrow('value version 9');
  });
});
