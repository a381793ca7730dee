/**
 * A look at answers that nearly always say nothing: the bytes of a request or an answer enter, and whether it has to be
 * read at all leaves. Fetch and heartbeat are most of what a consumer says, and reading them all took a tenth of a
 * simulated run.
 */
import type { Reader } from '../../cluster/protocol/bytes.ts';
import { skipTagged } from '../../cluster/protocol/codec.ts';

export interface Glance {
  /** Whether nothing of the request counts but with an answer that does, so that it can be read then. */
  canWait(version: number, request: Reader): boolean;
  /** Whether the answer says anything of interest; only asked where the request could wait. */
  hasNews(version: number, answer: Reader): boolean;
}

/** From there on lengths are varints and fields are tagged. */
const FETCH_FLEXIBLE_FROM = 12;
/** From there on a topic is an id, which a glance does not know. */
const FETCH_TOPIC_IDS_FROM = 13;
const FETCH_SESSIONS_FROM = 7;
/** Replica id, wait, least and most bytes, isolation level. */
const FETCH_BEFORE_SESSION_BYTES = 4 + 4 + 4 + 4 + 1;
/** A request of a fetch session names only the partitions that have changed since the one before. */
const NO_SESSION_EPOCH = -1;

const skipString = (reader: Reader): void => reader.skip(reader.int16());

/** In a request: the reader is a client; in a response: the leader is to be read from. */
export const NO_REPLICA = -1;

/** The same as below, with varints, whose lengths are one more than what follows, and tagged fields. */
function hasFlexibleFetchNews(reader: Reader): boolean {
  skipTagged(reader);
  reader.skip(4 + 2 + 4);
  for (let topics = reader.unsignedVarint() - 1; topics > 0; topics--) {
    reader.skip(Math.max(0, reader.unsignedVarint() - 1));
    for (let partitions = reader.unsignedVarint() - 1; partitions > 0; partitions--) {
      reader.skip(4);
      if (reader.int16() !== 0) return true;
      reader.skip(24);
      for (let aborted = reader.unsignedVarint() - 1; aborted > 0; aborted--) {
        reader.skip(16);
        skipTagged(reader);
      }
      if (reader.int32() !== NO_REPLICA) return true;
      reader.skip(Math.max(0, reader.unsignedVarint() - 1));
      skipTagged(reader);
    }
    skipTagged(reader);
  }
  return false;
}

/** An error of a partition, or another replica to read from. */
function hasFetchNews(version: number, reader: Reader): boolean {
  if (version >= FETCH_FLEXIBLE_FROM) return hasFlexibleFetchNews(reader);
  reader.skip(4);
  if (version >= FETCH_SESSIONS_FROM) reader.skip(2 + 4);
  for (let topics = reader.int32(); topics > 0; topics--) {
    skipString(reader);
    for (let partitions = reader.int32(); partitions > 0; partitions--) {
      reader.skip(4);
      if (reader.int16() !== 0) return true;
      // High watermark, last stable offset, log start offset; then aborted transactions of two numbers each.
      reader.skip(version >= 5 ? 24 : 16);
      reader.skip(Math.max(0, reader.int32()) * 16);
      if (version >= 11 && reader.int32() !== NO_REPLICA) return true;
      reader.skip(Math.max(0, reader.int32()));
    }
  }
  return false;
}

export const fetchGlance: Glance = {
  canWait(version, request) {
    if (version >= FETCH_TOPIC_IDS_FROM) return false;
    if (version < FETCH_SESSIONS_FROM) return true;
    if (version >= FETCH_FLEXIBLE_FROM) skipTagged(request);
    request.skip(FETCH_BEFORE_SESSION_BYTES);
    return request.int32() === 0 && request.int32() === NO_SESSION_EPOCH;
  },
  hasNews: hasFetchNews,
};

const HEARTBEAT_FLEXIBLE_FROM = 4;

export const heartbeatGlance: Glance = {
  canWait: () => true,
  hasNews(version, answer) {
    if (version >= HEARTBEAT_FLEXIBLE_FROM) skipTagged(answer);
    if (version >= 1) answer.skip(4);
    return answer.int16() !== 0;
  },
};
