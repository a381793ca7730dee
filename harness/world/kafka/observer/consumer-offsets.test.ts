import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCoordinatorRecord } from './consumer-offsets.ts';
import {
  assignmentBytes,
  groupKey,
  groupValue,
  int16,
  offsetKey,
  offsetValue,
  string,
  subscriptionBytes,
} from './coordinator-writer.testing.ts';

const VERSIONS = [0, 1, 2, 3, 4];
const name = fc.string({ minLength: 1, maxLength: 20 });
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe('records of __consumer_offsets', () => {
  it('are offset commits in every version of key and value', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<0 | 1>(0, 1),
        fc.constantFrom(...VERSIONS),
        name,
        name,
        fc.nat(),
        fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
        fc.string({ maxLength: 200 }),
        (keyVersion, version, group, topic, partition, offset, metadata) => {
          const key = offsetKey(keyVersion, group, topic, partition);
          const read = decodeCoordinatorRecord(key, offsetValue(version, offset, metadata));
          expect(read).toEqual({ kind: 'offset-committed', group, topic, partition, offset, metadata });
        },
      ),
    );
  });

  it('are generations in every version, members, topics and partitions in a fixed order', () => {
    const topics = fc.uniqueArray(name, { maxLength: 4 });
    const members = fc.uniqueArray(
      fc.record({
        memberId: name,
        groupInstanceId: fc.option(name),
        clientId: name,
        topics,
        partitions: fc.uniqueArray(fc.nat({ max: 99 }), { maxLength: 5 }),
      }),
      { selector: (member) => member.memberId, maxLength: 4 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...VERSIONS),
        name,
        fc.nat(),
        fc.option(name),
        fc.option(name),
        members,
        (version, group, generation, protocol, leader, drawn) => {
          const value = groupValue(version, {
            protocolType: 'consumer',
            generation,
            protocol,
            leader,
            members: drawn.map(({ topics: subscribed, partitions, ...member }) => ({
              ...member,
              subscription: subscriptionBytes(subscribed),
              assignment: assignmentBytes(subscribed.map((topic) => ({ topic, partitions }))),
            })),
          });
          expect(decodeCoordinatorRecord(groupKey(group), value)).toEqual({
            kind: 'group-generation',
            group,
            generation,
            protocolType: 'consumer',
            protocol,
            leaderMemberId: leader,
            notes: [],
            members: drawn
              .map(({ memberId, clientId, groupInstanceId, topics: subscribed, partitions }) => ({
                memberId,
                clientId,
                groupInstanceId: version >= 3 ? groupInstanceId : null,
                subscription: [...subscribed].sort(byName),
                assignment: [...subscribed]
                  .sort(byName)
                  .map((topic) => ({ topic, partitions: [...partitions].sort((a, b) => a - b) })),
              }))
              .sort((a, b) => byName(a.memberId, b.memberId)),
          });
        },
      ),
    );
  });

  it('without a value remove what the key names', () => {
    expect(decodeCoordinatorRecord(offsetKey(1, 'g', 't', 3), null)).toEqual({
      kind: 'offset-removed',
      group: 'g',
      topic: 't',
      partition: 3,
    });
    expect(decodeCoordinatorRecord(groupKey('g'), null)).toEqual({ kind: 'group-removed', group: 'g' });
  });

  it('of newer group types are passed over, with and without a value', () => {
    for (let version = 3; version < 25; version++)
      for (const value of [null, Buffer.from('anything')])
        expect(decodeCoordinatorRecord(Buffer.concat([int16(version), string('g')]), value)).toMatchObject({
          kind: 'passed-over',
          readable: true,
        });
  });

  it('of value versions to come are told as unreadable, not misread', () => {
    for (const key of [offsetKey(1, 'g', 't', 0), groupKey('g')])
      for (const version of [-1, 5])
        expect(decodeCoordinatorRecord(key, Buffer.concat([int16(version), Buffer.alloc(60)]))).toEqual({
          kind: 'passed-over',
          readable: false,
          reason: `value version ${version}`,
        });
  });

  it('of any bytes never throw, and cut short are unreadable', () => {
    const whole = offsetValue(3, 7n, 'note');
    for (let length = 0; length < whole.length; length++)
      expect(decodeCoordinatorRecord(offsetKey(1, 'g', 't', 0), whole.subarray(0, length))).toMatchObject({
        readable: false,
      });
    const any = fc.option(fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)));
    const key = fc.oneof(any, fc.constantFrom(offsetKey(1, 'g', 't', 0), groupKey('g')));
    const value = fc.oneof(
      any,
      fc
        .tuple(fc.constantFrom(...VERSIONS), fc.uint8Array({ maxLength: 100 }))
        .map(([version, rest]) => Buffer.concat([int16(version), rest])),
    );
    fc.assert(
      fc.property(key, value, (k, v) => {
        decodeCoordinatorRecord(k, v);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keep a member whose own bytes cannot be read, with empty lists and notes', () => {
    const member = (subscription: Buffer, assignment: Buffer) => ({
      memberId: 'm-1',
      groupInstanceId: null,
      clientId: 'm',
      subscription,
      assignment,
    });
    const group = (protocolType: string, subscription: Buffer, assignment: Buffer) =>
      decodeCoordinatorRecord(
        groupKey('g'),
        groupValue(3, {
          protocolType,
          generation: 4,
          protocol: 'p',
          leader: 'm-1',
          members: [member(subscription, assignment)],
        }),
      );
    const garbage = Buffer.from('garbage');
    const empty = { memberId: 'm-1', clientId: 'm', groupInstanceId: null, subscription: [], assignment: [] };
    expect(group('consumer', garbage, garbage)).toMatchObject({
      members: [empty],
      notes: [
        expect.stringContaining('generation 4 of group g: subscription of member m-1 cannot be read'),
        expect.stringContaining('assignment of member m-1 cannot be read'),
      ],
    });
    expect(group('connect', subscriptionBytes(['t']), Buffer.alloc(0))).toMatchObject({
      members: [empty],
      notes: ["generation 4 of group g: subscription of member m-1 is of protocol type 'connect'"],
    });
    // A member without an assignment sends no bytes; that is nothing to note.
    expect(group('consumer', subscriptionBytes(['t']), Buffer.alloc(0))).toMatchObject({
      members: [{ ...empty, subscription: ['t'] }],
      notes: [],
    });
  });
});
