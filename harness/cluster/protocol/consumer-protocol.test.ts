/** Subscriptions and assignments: bytes of Kafka, kafkajs and @platformatic/kafka, and round trips of our own. */
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { ProtocolFormatError } from './bytes.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type TopicPartitions,
} from './consumer-protocol.ts';
import { kafkaMessages } from './testing/kafka-messages.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

const samplesOf = (name: string) => kafkaMessages.filter(({ message }) => message === name);
const userDataOf = (base64: string | null): Buffer | null =>
  base64 === null ? null : Buffer.from(base64, 'base64');

interface SubscriptionJson {
  topics: string[];
  userData: string | null;
  ownedPartitions?: TopicPartitions[];
  generationId?: number;
  rackId?: string;
}
interface AssignmentJson {
  assignedPartitions: TopicPartitions[];
  userData: string | null;
}

const sorted = (items: TopicPartitions[]): TopicPartitions[] =>
  items
    .map(({ topic, partitions }) => ({ topic, partitions: [...partitions].sort((a, b) => a - b) }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1));

const readsOrRefuses = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof ProtocolFormatError;
  }
};

describe("Kafka's bytes", () => {
  test.each(samplesOf('ConsumerProtocolSubscription'))(
    'subscription $version',
    ({ version, json, bytes }) => {
      const { topics, userData, ownedPartitions = [], ...rest } = json as SubscriptionJson;
      const value = { version, topics, userData: userDataOf(userData), ownedPartitions, ...rest };
      expect(encodeSubscription(value).toString('hex')).toBe(bytes.toString('hex'));
      expect(decodeSubscription(bytes)).toEqual({
        ...value,
        topics: topics.toSorted(),
        ownedPartitions: sorted(ownedPartitions),
      });
    },
  );

  test.each(samplesOf('ConsumerProtocolAssignment'))('assignment $version', ({ version, json, bytes }) => {
    const { assignedPartitions, userData } = json as AssignmentJson;
    const value = { version, assignment: assignedPartitions, userData: userDataOf(userData) };
    expect(encodeAssignment(value).toString('hex')).toBe(bytes.toString('hex'));
    expect(decodeAssignment(bytes)).toEqual({ ...value, assignment: sorted(assignedPartitions) });
  });

  test('there is a sample of every version', () => {
    expect(samplesOf('ConsumerProtocolSubscription').map(({ version }) => version)).toEqual([0, 1, 2, 3]);
    expect(samplesOf('ConsumerProtocolAssignment').map(({ version }) => version)).toEqual([0, 1, 2, 3]);
  });
});

describe("kafkajs' bytes", () => {
  test('subscription', () => {
    const bytes = MemberMetadata.encode({ version: 0, topics: ['b', 'a'], userData: Buffer.from([9]) });
    expect(decodeSubscription(bytes)).toEqual({
      version: 0,
      topics: ['a', 'b'],
      ownedPartitions: [],
      userData: Buffer.from([9]),
    });
  });

  test('subscription of an assigner that says version 1 and has no owned partitions', () => {
    const bytes = MemberMetadata.encode({ version: 1, topics: ['b', 'a'], userData: Buffer.from([9]) });
    expect(decodeSubscription(bytes)).toEqual({
      version: 1,
      topics: ['a', 'b'],
      ownedPartitions: [],
      userData: Buffer.from([9]),
    });
  });

  test('assignment', () => {
    const bytes = MemberAssignment.encode({
      version: 1,
      assignment: { b: [2, 0], a: [1] },
      userData: Buffer.alloc(0),
    });
    expect(decodeAssignment(bytes)).toEqual({
      version: 1,
      assignment: [
        { topic: 'a', partitions: [1] },
        { topic: 'b', partitions: [0, 2] },
      ],
      userData: Buffer.alloc(0),
    });
    expect(
      MemberAssignment.decode(
        encodeAssignment({ version: 0, assignment: [{ topic: 'a', partitions: [0, 1] }], userData: null }),
      )?.assignment,
    ).toEqual({ a: [0, 1] });
  });
});

describe('round trips', () => {
  const topicPartitions = fc.uniqueArray(
    fc.record({
      topic: fc.string({ maxLength: 5 }),
      partitions: fc.uniqueArray(fc.nat(20), { maxLength: 5 }),
    }),
    { selector: ({ topic }) => topic, maxLength: 4 },
  );
  const userData = fc.option(
    fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
    { nil: null },
  );

  test('assignments, in any order', () => {
    fc.assert(
      fc.property(fc.nat(3), topicPartitions, userData, (version, assignment, data) => {
        const decoded = decodeAssignment(encodeAssignment({ version, assignment, userData: data }));
        expect(decoded).toEqual({ version, assignment: sorted(assignment), userData: data });
      }),
    );
  });

  test('a version newer than we know is read as the newest that we know', () => {
    const bytes = encodeSubscription({
      version: 7,
      topics: ['a'],
      ownedPartitions: [],
      generationId: 4,
      rackId: 'r',
      userData: null,
    });
    const newer = Buffer.concat([bytes, Buffer.from('what a later version adds')]);
    expect(decodeSubscription(newer)).toMatchObject({
      version: 7,
      topics: ['a'],
      generationId: 4,
      rackId: 'r',
    });
  });

  test('garbage is said to be garbage', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(decodeSubscription, decodeAssignment),
        (bytes, decode) => {
          expect(readsOrRefuses(() => decode(bytes))).toBe(true);
        },
      ),
    );
  });
});
