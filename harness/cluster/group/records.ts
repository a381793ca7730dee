/**
 * Records of `__consumer_offsets` as Kafka 4.3 writes them (GroupCoordinatorRecordHelpers): what a group coordinator
 * wants to remember enters, keys and values leave, and back again.
 *
 * Written: offsets with key version 1 and value version 4, which has the topic's id (1 where the commit carries its own
 * retention), generations with key version 2 and value version 3; a null value removes what the key names. Read: value
 * versions 0 to 4.
 * Not implemented: key versions 3 and up, of the newer group types, are passed over.
 */
import type { NewRecord } from '../environment.ts';
import { ProtocolFormatError, Reader, Writer } from '../protocol/bytes.ts';
import {
  type At,
  array,
  at,
  bytes,
  field,
  int32,
  int64,
  nullable,
  type Output,
  string,
  struct,
  type Type,
  uuid,
} from '../protocol/codec.ts';

const offsetKey = struct({ group: field(string), topic: field(string), partition: field(int32) });
const groupKey = struct({ group: field(string) });

const offsetValue = struct({
  offset: field(int64),
  leaderEpoch: field(int32, { from: 3, default: -1 }),
  metadata: field(string),
  commitTimestamp: field(int64),
  expireTimestamp: field(int64, { from: 1, to: 1, default: -1n }),
  topicId: field(uuid, { from: 4, tag: 0, default: uuid.empty }),
});

const storedMember = {
  memberId: field(string),
  groupInstanceId: field(nullable(string), { from: 3, default: null }),
  clientId: field(string),
  clientHost: field(string),
  rebalanceTimeoutMs: field(int32, { from: 1, default: -1 }),
  sessionTimeoutMs: field(int32),
  subscription: field(bytes),
  assignment: field(bytes),
};

const groupValue = {
  protocolType: field(string),
  generation: field(int32),
  protocol: field(nullable(string)),
  leader: field(nullable(string)),
  currentStateTimestamp: field(int64, { from: 2, default: -1n }),
  members: field(array(struct(storedMember))),
};
const groupValueType = struct(groupValue);

export type StoredMember = Output<typeof storedMember>;
export type StoredGroup = Output<typeof groupValue>;

export interface CommittedOffset {
  readonly offset: bigint;
  /** -1 where the client did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** Null where the broker's retention applies. */
  readonly expireTimestampMs: number | null;
  /** 32 hexadecimal digits; all 0 where it is not known. */
  readonly topicId: string;
}

/** A null value removes. */
export interface OffsetEntry {
  readonly kind: 'offset';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset | null;
}

export interface GroupEntry {
  readonly kind: 'group';
  readonly group: string;
  readonly value: StoredGroup | null;
}

export type CoordinatorEntry = OffsetEntry | GroupEntry;

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 4;
/** The highest that is not flexible: Kafka keeps to it while nothing new has to be said (KIP-915). */
const GROUP_VALUE_VERSION = 3;
const EXPIRING_OFFSET_VALUE_VERSION = 1;
const VALUE_VERSION_MAX = 4;
const FIRST_FLEXIBLE_VALUE_VERSION = 4;
/** Keys have no versions of their own: the number only says what kind they are. */
const KEY = at(0, false);

export function encodeEntry(entry: CoordinatorEntry): NewRecord {
  if (entry.kind === 'group')
    return {
      key: encode(groupKey, GROUP_KEY_VERSION, KEY, entry),
      value: entry.value === null ? null : encodeValue(groupValueType, GROUP_VALUE_VERSION, entry.value),
    };
  return {
    key: encode(offsetKey, OFFSET_KEY_VERSION, KEY, entry),
    value: entry.value === null ? null : encodeOffset(entry.value),
  };
}

function encodeOffset(value: CommittedOffset): Buffer {
  const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs, topicId } = value;
  return encodeValue(
    offsetValue,
    expireTimestampMs === null ? OFFSET_VALUE_VERSION : EXPIRING_OFFSET_VALUE_VERSION,
    {
      offset,
      leaderEpoch,
      metadata,
      commitTimestamp: BigInt(commitTimestampMs),
      expireTimestamp: expireTimestampMs === null ? -1n : BigInt(expireTimestampMs),
      topicId,
    },
  );
}

/** @returns null for a record of another group type */
export function decodeEntry({ key, value }: NewRecord): CoordinatorEntry | null {
  if (key === null) throw new ProtocolFormatError('a record of __consumer_offsets without a key');
  const reader = new Reader(key);
  const version = reader.int16();
  if (version > GROUP_KEY_VERSION) return null;
  if (version === GROUP_KEY_VERSION) {
    const { group } = groupKey.read(reader, KEY);
    return { kind: 'group', group, value: value === null ? null : readValue(groupValueType, value) };
  }
  return {
    kind: 'offset',
    ...offsetKey.read(reader, KEY),
    value: value === null ? null : decodeOffset(value),
  };
}

function decodeOffset(bytes: Uint8Array): CommittedOffset {
  const { commitTimestamp, expireTimestamp, ...rest } = readValue(offsetValue, bytes);
  return {
    ...rest,
    commitTimestampMs: Number(commitTimestamp),
    expireTimestampMs: expireTimestamp < 0n ? null : Number(expireTimestamp),
  };
}

const layoutOf = (version: number): At => at(version, version >= FIRST_FLEXIBLE_VALUE_VERSION);

function readValue<Out>(type: Type<Out, never>, value: Uint8Array): Out {
  const reader = new Reader(value);
  const version = reader.int16();
  if (version < 0 || version > VALUE_VERSION_MAX) throw new ProtocolFormatError(`value version ${version}`);
  return type.read(reader, layoutOf(version));
}

const encodeValue = <In>(type: Type<unknown, In>, version: number, value: In): Buffer =>
  encode(type, version, layoutOf(version), value);

/** One for all, since a commit is small and frequent, and a writer's own buffer would be most of its cost. */
const scratch = new Writer();

function encode<In>(type: Type<unknown, In>, version: number, layout: At, value: In): Buffer {
  scratch.reset().int16(version);
  type.write(scratch, value, layout);
  return scratch.copy();
}
