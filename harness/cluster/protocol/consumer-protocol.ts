/**
 * What consumers put into the opaque bytes of JoinGroup and SyncGroup: subscriptions and assignments, versions 0 to 3,
 * enter as bytes and leave as objects, and back again. Topics leave in order of name, partitions ascending.
 *
 * Subscriptions: 1 adds owned partitions (KIP-429), 2 the generation they are from, 3 the rack (KIP-881). Assignments
 * are the same in all versions. A newer version is read as version 3, since versions only ever add fields at the end.
 */
import { ProtocolFormatError, Reader, Writer } from './bytes.ts';
import { type At, array, at, bytes, field, int32, nullable, string, struct, type Type } from './codec.ts';

const VERSION_MAX = 3;

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}

export interface Subscription {
  readonly version: number;
  readonly topics: string[];
  readonly ownedPartitions: TopicPartitions[];
  /** Missing before version 2; -1 where the member has none yet. */
  readonly generationId?: number;
  /** Missing before version 3. */
  readonly rackId?: string | null;
  readonly userData: Uint8Array | null;
}

export interface MemberAssignment {
  readonly version: number;
  readonly assignment: TopicPartitions[];
  readonly userData: Uint8Array | null;
}

const topicPartitions = array(struct({ topic: field(string), partitions: field(array(int32)) }));

const subscription = struct({
  topics: field(array(string)),
  userData: field(nullable(bytes)),
  ownedPartitions: field(topicPartitions, { from: 1, default: [] }),
  generationId: field(int32, { from: 2, default: -1 }),
  rackId: field(nullable(string), { from: 3, default: null }),
});

const memberAssignment = struct({
  assignedPartitions: field(topicPartitions),
  userData: field(nullable(bytes)),
});

/** Compares by UTF-16 code units, which is the same on every machine, unlike `localeCompare`. */
const byTopic = (a: TopicPartitions, b: TopicPartitions): number =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0;

const inOrder = (items: TopicPartitions[]): TopicPartitions[] =>
  items
    .map(({ topic, partitions }) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
    .sort(byTopic);

const readVersion = (reader: Reader): number => {
  const version = reader.int16();
  if (version < 0) throw new ProtocolFormatError(`consumer protocol version ${version}`);
  return version;
};

const atVersion = (version: number): At => at(Math.min(version, VERSION_MAX), false);

const encode = <In>(type: Type<unknown, In>, version: number, value: In): Buffer => {
  const writer = new Writer().int16(version);
  type.write(writer, value, atVersion(version));
  return writer.bytes();
};

/** @throws ProtocolFormatError where the bytes are no subscription */
export function decodeSubscription(message: Uint8Array): Subscription {
  const reader = new Reader(message);
  const version = readVersion(reader);
  const { position } = reader;
  let value = subscription.read(reader, atVersion(0));
  // Assigners that people write for kafkajs say version 1 and end after the fields of version 0; Java's do not.
  if (version > 0 && reader.remaining > 0)
    value = subscription.read(new Reader(message, position), atVersion(version));
  const { topics, ownedPartitions, generationId, rackId, userData } = value;
  return {
    version,
    topics: topics.toSorted(),
    ownedPartitions: inOrder(ownedPartitions),
    ...(version >= 2 ? { generationId } : {}),
    ...(version >= 3 ? { rackId } : {}),
    userData,
  };
}

/** Writes the version's fields only, in the order given. */
export const encodeSubscription = ({ version, ...value }: Subscription): Buffer =>
  encode(subscription, version, value);

/** @throws ProtocolFormatError where the bytes are no assignment */
export function decodeAssignment(message: Uint8Array): MemberAssignment {
  const reader = new Reader(message);
  const version = readVersion(reader);
  const value = memberAssignment.read(reader, atVersion(version));
  return { version, assignment: inOrder(value.assignedPartitions), userData: value.userData };
}

/** Writes topics and partitions in the order given. */
export const encodeAssignment = ({ version, assignment, userData }: MemberAssignment): Buffer =>
  encode(memberAssignment, version, { assignedPartitions: assignment, userData });
