/**
 * For tests: writes keys and values of `__consumer_offsets` and members' own bytes by hand, in every version, so that
 * the reader is not tested against the tables it reads with.
 */

export interface MemberToWrite {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly subscription: Buffer;
  readonly assignment: Buffer;
}

export interface GroupToWrite {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  readonly members: readonly MemberToWrite[];
}

export const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
export const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

/** UNSIGNED_VARINT of numbers up to 16383, which is more than any test needs. */
const varint = (value: number): Buffer =>
  value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7]);

export const string = (text: string | null, flexible = false): Buffer => {
  if (text === null) return flexible ? varint(0) : int16(-1);
  const utf8 = Buffer.from(text);
  return Buffer.concat([flexible ? varint(utf8.length + 1) : int16(utf8.length), utf8]);
};
const bytesOf = (bytes: Buffer, flexible: boolean): Buffer =>
  Buffer.concat([flexible ? varint(bytes.length + 1) : int32(bytes.length), bytes]);
const arrayOf = (items: readonly Buffer[], flexible = false): Buffer =>
  Buffer.concat([flexible ? varint(items.length + 1) : int32(items.length), ...items]);

/** One tagged field that no reader knows: number 3, two bytes. */
const UNKNOWN_TAG = Buffer.from([1, 3, 2, 0xca, 0xfe]);

export const offsetKey = (version: 0 | 1, group: string, topic: string, partition: number): Buffer =>
  Buffer.concat([int16(version), string(group), string(topic), int32(partition)]);

export const groupKey = (group: string): Buffer => Buffer.concat([int16(2), string(group)]);

export function offsetValue(version: number, offset: bigint, metadata: string): Buffer {
  const flexible = version >= 4;
  return Buffer.concat([
    int16(version),
    int64(offset),
    ...(version >= 3 ? [int32(5)] : []),
    string(metadata, flexible),
    int64(1_700_000_000_000n),
    ...(version === 1 ? [int64(-1n)] : []),
    ...(flexible ? [UNKNOWN_TAG] : []),
  ]);
}

export function groupValue(version: number, group: GroupToWrite): Buffer {
  const flexible = version >= 4;
  const members = group.members.map((member) =>
    Buffer.concat([
      string(member.memberId, flexible),
      ...(version >= 3 ? [string(member.groupInstanceId, flexible)] : []),
      string(member.clientId, flexible),
      string('/127.0.0.1', flexible),
      ...(version >= 1 ? [int32(60_000)] : []),
      int32(10_000),
      bytesOf(member.subscription, flexible),
      bytesOf(member.assignment, flexible),
      ...(flexible ? [UNKNOWN_TAG] : []),
    ]),
  );
  return Buffer.concat([
    int16(version),
    string(group.protocolType, flexible),
    int32(group.generation),
    string(group.protocol, flexible),
    string(group.leader, flexible),
    ...(version >= 2 ? [int64(1_700_000_000_000n)] : []),
    arrayOf(members, flexible),
    ...(flexible ? [UNKNOWN_TAG] : []),
  ]);
}

export const subscriptionBytes = (topics: readonly string[]): Buffer =>
  Buffer.concat([int16(0), arrayOf(topics.map((topic) => string(topic))), int32(-1)]);

export const assignmentBytes = (
  assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): Buffer =>
  Buffer.concat([
    int16(0),
    arrayOf(
      assignment.map(({ topic, partitions }) =>
        Buffer.concat([string(topic), arrayOf(partitions.map(int32))]),
      ),
    ),
    int32(-1),
  ]);
