import { beforeEach, describe, expect, it } from 'vitest';
import { writeBatch } from './batch-writer.testing.ts';
import { type CoordinatorEvent, Events } from './coordinator-view.ts';
import {
  assignmentBytes,
  groupKey,
  groupValue,
  int16,
  offsetKey,
  offsetValue,
  subscriptionBytes,
} from './coordinator-writer.testing.ts';
import { decodeRecordBatches } from './record-batches.ts';

const PARTITION = 2;
let events: Events;
let seen: CoordinatorEvent[];

beforeEach(() => {
  events = new Events();
  seen = [];
  events.subscribe('run-1.', (event) => seen.push(event));
});

const write = (
  baseOffset: bigint,
  records: readonly [key: Buffer, value: Buffer | null][],
  more: Partial<Parameters<typeof writeBatch>[0]> = {},
): void => {
  const bytes = writeBatch({ baseOffset, records: records.map(([key, value]) => ({ key, value })), ...more });
  for (const batch of decodeRecordBatches(bytes)) events.batch(PARTITION, batch);
};
const commit = (group: string, partition: number, offset: bigint): [Buffer, Buffer] => [
  offsetKey(1, group, 'run-1.t', partition),
  offsetValue(3, offset, 'why'),
];
const marker = (baseOffset: bigint, producerId: bigint, type: 0 | 1): void =>
  write(baseOffset, [[Buffer.from([0, 0, 0, type]), Buffer.alloc(6)]], {
    control: true,
    transactional: true,
    producerId,
  });
const committed = () =>
  seen.map((event) =>
    event.kind === 'commit-accepted'
      ? `${event.logPosition.offset}: ${event.partition}@${event.offset}`
      : event.kind,
  );

describe('the coordinator view', () => {
  it('tells all four kinds of events with the position and time of the record', () => {
    const generation = {
      protocolType: 'consumer',
      generation: 3,
      protocol: 'range',
      leader: 'm1-a',
      members: [
        {
          memberId: 'm1-a',
          groupInstanceId: null,
          clientId: 'm1.1',
          subscription: subscriptionBytes(['run-1.t']),
          assignment: assignmentBytes([{ topic: 'run-1.t', partitions: [1, 0] }]),
        },
      ],
    };
    const empty = { ...generation, generation: 4, protocol: null, leader: null, members: [] };
    write(5n, [
      [groupKey('run-1.g'), groupValue(3, generation)],
      commit('run-1.g', 1, 12n),
      [groupKey('run-1.g'), groupValue(3, empty)],
      [offsetKey(1, 'run-1.g', 'run-1.t', 1), null],
      [groupKey('run-1.g'), null],
    ]);
    const common = { process: 'coordinator', group: 'run-1.g', timeEpochMs: 1_700_000_000_000 };
    const at = (offset: string) => ({ ...common, logPosition: { partition: PARTITION, offset } });
    expect(seen).toEqual([
      {
        ...at('5'),
        kind: 'group-generation',
        generation: 3,
        state: 'stable',
        protocol: 'range',
        leaderMemberId: 'm1-a',
        members: [
          {
            memberId: 'm1-a',
            clientId: 'm1.1',
            groupInstanceId: null,
            subscription: ['run-1.t'],
            assignment: [{ topic: 'run-1.t', partitions: [0, 1] }],
          },
        ],
      },
      { ...at('6'), kind: 'commit-accepted', topic: 'run-1.t', partition: 1, offset: '12', metadata: 'why' },
      {
        ...at('7'),
        kind: 'group-generation',
        generation: 4,
        state: 'empty',
        protocol: null,
        leaderMemberId: null,
        members: [],
      },
      { ...at('8'), kind: 'commit-removed', topic: 'run-1.t', partition: 1 },
      { ...at('9'), kind: 'group-removed' },
    ]);
    expect(events.gaps).toEqual([]);
    expect(events.notes).toEqual([]);
  });

  it('tells each subscriber of its own groups, from the subscription to its end', () => {
    const other: string[] = [];
    write(0n, [commit('run-2.g', 0, 1n)]);
    const unsubscribe = events.subscribe('run-2.', (event) => other.push(event.group));
    write(1n, [commit('run-1.g', 0, 1n), commit('run-2.g', 0, 2n), commit('run-22.g', 0, 2n)]);
    unsubscribe();
    write(4n, [commit('run-2.g', 0, 3n)]);
    expect(other).toEqual(['run-2.g']);
    expect(committed()).toEqual(['1: 0@1']);
  });

  it('tells the commits of a transaction when it commits, at their own positions, and never when it aborts', () => {
    const inTransaction = (producerId: bigint) => ({ transactional: true, producerId });
    write(0n, [commit('run-1.g', 0, 10n)], inTransaction(7n));
    write(1n, [commit('run-1.g', 1, 20n)], inTransaction(8n));
    write(2n, [commit('run-1.g', 2, 30n)]);
    write(3n, [commit('run-1.g', 0, 11n)], inTransaction(7n));
    expect(committed()).toEqual(['2: 2@30']);
    marker(4n, 8n, 0);
    marker(5n, 7n, 1);
    expect(committed()).toEqual(['2: 2@30', '0: 0@10', '3: 0@11']);
    marker(6n, 8n, 1);
    marker(7n, 7n, 1);
    expect(committed()).toHaveLength(3);
  });

  it('says what was lost before it was read, and what cannot be read', () => {
    events.gap({ partition: 2, reason: 'compacted', fromOffset: 10n, toOffset: 12n });
    events.gap({ partition: 0, reason: 'truncated', fromOffset: 3n, toOffset: 4n });
    write(20n, [[groupKey('run-1.g'), Buffer.concat([int16(9), Buffer.alloc(4)])]]);
    expect(events.gaps).toEqual([
      '__consumer_offsets-2: offsets 10 to 11 were compacted before they were read',
      '__consumer_offsets-0: offsets 3 to 3 were read, and then truncated from the log',
      '__consumer_offsets-2: the record at 20 is unreadable: value version 9',
    ]);
    expect(seen).toEqual([]);
  });

  it('keeps telling the others when one listener throws, and remembers what it threw', () => {
    const failing = new Events();
    const heard: string[] = [];
    failing.subscribe('', () => {
      throw new Error('listener is broken');
    });
    failing.subscribe('', (event) => heard.push(event.kind));
    const [batch] = decodeRecordBatches(
      writeBatch({ baseOffset: 0n, records: [{ key: groupKey('g'), value: null }] }),
    );
    if (batch) failing.batch(0, batch);
    expect(heard).toEqual(['group-removed']);
    expect(failing.listenerFailure?.message).toBe('listener is broken');
  });
});
