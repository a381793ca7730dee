/**
 * Records of `__consumer_offsets`: a record's key and value enter, what the group coordinator said with it leaves.
 *
 * Key versions: 0 and 1 an offset commit, 2 a classic group's generation; 3 and up belong to the newer group types
 * (KIP-848 consumer groups, share groups, streams groups), whose members have no generations, and are passed over.
 * Value versions 0 to 4 of both (4 is the first flexible one, KIP-915). A null value removes what the key names.
 * Not implemented: the tagged fields of version 4 are skipped.
 */
import { ProtocolFormatError, Reader } from '../../../cluster/protocol/bytes.ts';
import {
  array,
  at,
  bytes,
  field,
  int32,
  int64,
  nullable,
  string,
  struct,
  type Type,
} from '../../../cluster/protocol/codec.ts';
import type { GroupMember } from '../../../history/schema.ts';
import { byMemberId, decodeMember } from './member.ts';

export interface OffsetCommitted {
  readonly kind: 'offset-committed';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string;
}

export interface OffsetRemoved {
  readonly kind: 'offset-removed';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface GroupGeneration {
  readonly kind: 'group-generation';
  readonly group: string;
  readonly generation: number;
  readonly protocolType: string;
  readonly protocol: string | null;
  readonly leaderMemberId: string | null;
  readonly members: GroupMember[];
  /** What in the members' own bytes could not be read. */
  readonly notes: readonly string[];
}

export interface GroupRemoved {
  readonly kind: 'group-removed';
  readonly group: string;
}

/** A record that says nothing about classic groups, or that we cannot read; `reason` tells which. */
export interface PassedOver {
  readonly kind: 'passed-over';
  readonly readable: boolean;
  readonly reason: string;
}

export type CoordinatorRecord = OffsetCommitted | OffsetRemoved | GroupGeneration | GroupRemoved | PassedOver;

const LAST_OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const LAST_VALUE_VERSION = 4;
const FIRST_FLEXIBLE_VALUE_VERSION = 4;

/** Keys are never flexible, and the first versions of each kind are the only ones. */
const KEY = at(0, false);

const offsetKey = struct({ group: field(string), topic: field(string), partition: field(int32) });
const groupKey = struct({ group: field(string) });

const offsetValue = struct({
  offset: field(int64),
  leaderEpoch: field(int32, { from: 3, default: -1 }),
  metadata: field(string),
  commitTimestamp: field(int64),
  expireTimestamp: field(int64, { from: 1, to: 1, default: -1n }),
});

const groupValue = struct({
  protocolType: field(string),
  generation: field(int32),
  protocol: field(nullable(string)),
  leader: field(nullable(string)),
  currentStateTimestamp: field(int64, { from: 2, default: -1n }),
  members: field(
    array(
      struct({
        memberId: field(string),
        groupInstanceId: field(nullable(string), { from: 3, default: null }),
        clientId: field(string),
        clientHost: field(string),
        rebalanceTimeout: field(int32, { from: 1, default: 0 }),
        sessionTimeout: field(int32),
        subscription: field(bytes),
        assignment: field(bytes),
      }),
    ),
  ),
});

/** Never throws: what cannot be read is passed over, with the reason. */
export function decodeCoordinatorRecord(key: Buffer | null, value: Buffer | null): CoordinatorRecord {
  try {
    return decode(key, value);
  } catch (error) {
    if (!(error instanceof ProtocolFormatError)) throw error;
    return unreadable(error.message);
  }
}

function decode(key: Buffer | null, value: Buffer | null): CoordinatorRecord {
  if (key === null) return unreadable('the record has no key');
  const reader = new Reader(key);
  const version = reader.int16();
  if (version >= 0 && version <= LAST_OFFSET_KEY_VERSION) {
    const { group, topic, partition } = offsetKey.read(reader, KEY);
    if (value === null) return { kind: 'offset-removed', group, topic, partition };
    const { offset, metadata } = readValue(offsetValue, value);
    return { kind: 'offset-committed', group, topic, partition, offset, metadata };
  }
  if (version === GROUP_KEY_VERSION) {
    const { group } = groupKey.read(reader, KEY);
    return value === null
      ? { kind: 'group-removed', group }
      : toGeneration(group, readValue(groupValue, value));
  }
  return { kind: 'passed-over', readable: true, reason: `key version ${version} is of another group type` };
}

function readValue<Out>(type: Type<Out, never>, value: Buffer): Out {
  const reader = new Reader(value);
  const version = reader.int16();
  // A newer version may have changed anything (KIP-915 lets new tagged fields come without one).
  if (version < 0 || version > LAST_VALUE_VERSION) throw new ProtocolFormatError(`value version ${version}`);
  return type.read(reader, at(version, version >= FIRST_FLEXIBLE_VALUE_VERSION));
}

function toGeneration(group: string, value: Value): GroupGeneration {
  const { protocolType, generation, protocol, leader } = value;
  const decoded = value.members.map((member) => decodeMember(protocolType, member));
  return {
    kind: 'group-generation',
    group,
    generation,
    protocolType,
    protocol,
    leaderMemberId: leader,
    members: decoded.map(({ member }) => member).sort(byMemberId),
    notes: decoded.flatMap(({ notes }) =>
      notes.map((note) => `generation ${generation} of group ${group}: ${note}`),
    ),
  };
}

type Value = ReturnType<typeof groupValue.read>;

const unreadable = (reason: string): PassedOver => ({ kind: 'passed-over', readable: false, reason });
