/**
 * A step of a sequence of raw requests, as plain data that fits a file: what goes to which connection. Values that an
 * arm gives out (ids of topics, members and producers) stand in it as references, which each arm fills in for itself.
 */
import { z } from 'zod';

export const stepSchema = z.strictObject({
  connection: z.int().min(0).max(2),
  apiKey: z.int(),
  version: z.int(),
  /**
   * The request's body; integers of 64 bits are `{ "int64": "1" }`, bytes `{ "hex": "00" }`, records a plan of a batch
   * and SASL tokens a plan of one.
   */
  body: z.unknown(),
});

export type Step = z.output<typeof stepSchema>;

export const sequenceSchema = z.strictObject({
  /** Why this sequence is kept. */
  note: z.string().optional(),
  steps: z.array(stepSchema).min(1),
});

export type Sequence = z.output<typeof sequenceSchema>;

/** A string in a body that stands for what an arm has given out; -1, '' or zeros where it has not. */
export const references = {
  /** `@topic-id:NAME` */
  topicId: '@topic-id:',
  /** The member id of the last JoinGroup that had one. */
  memberId: '@member-id',
  producerId: '@producer-id',
  producerEpoch: '@producer-epoch',
  generationId: '@generation-id',
} as const;

/** A name that belongs to the sequence; what stands before it differs from sequence to sequence. */
export const NAME_MARK = '~';

export const named = (name: string): string => `${NAME_MARK}${name}`;
export const int64 = (value: number | bigint) => ({ int64: String(value) });

/** The version of a SaslAuthenticate that is its token and nothing else, as it is after a handshake of version 0. */
export const RAW = -1;

/** The time stamp of all generated records. */
export const TIMESTAMP_MS = 1_577_836_800_000;

/** A record batch to be built once the producer's id is known. */
export interface BatchPlan {
  readonly count: number;
  readonly fault:
    | 'none'
    | 'checksum'
    | 'magic'
    | 'old magic'
    | 'length'
    | 'empty'
    | 'twice'
    | 'count'
    | 'base offset'
    | 'control';
  readonly producer: 'none' | 'idempotent' | 'transactional';
  readonly sequence: number;
}
