/**
 * The body of a step, made concrete for one arm: a body with references and names, and what the arm has given out, enter,
 * what is sent leaves; an answer enters, and what later steps refer to is kept.
 */
import { plannedBatch } from './planned-batch.ts';
import { type BatchPlan, NAME_MARK, references } from './step.ts';
import type { TokenPlan, Tokens } from './tokens.ts';

export type Values = Record<string, unknown>;

/** What the arm has given out, for references in later steps. */
export interface Given {
  topicIds: Map<string, string>;
  memberId: string;
  generationId: number;
  producerId: bigint;
  producerEpoch: number;
}

export const nothingGiven = (): Given => ({
  topicIds: new Map(),
  memberId: '',
  generationId: -1,
  producerId: -1n,
  producerEpoch: -1,
});

/** Keeps what later steps refer to. */
export function note(answer: Values, given: Given): void {
  if (typeof answer.memberId === 'string' && answer.memberId !== '') given.memberId = answer.memberId;
  if (typeof answer.generationId === 'number' && answer.generationId >= 0)
    given.generationId = answer.generationId;
  if (typeof answer.producerId === 'bigint' && answer.producerId >= 0n) {
    given.producerId = answer.producerId;
    given.producerEpoch = answer.producerEpoch as number;
  }
}

/**
 * The body with references and names filled in.
 *
 * @param tokens of the connection on which it goes, where it may hold tokens
 */
export function concrete(
  value: unknown,
  prefix: string,
  given: Given,
  tokens: Tokens | null = null,
): unknown {
  if (typeof value === 'string') return concreteText(value, prefix, given);
  if (Array.isArray(value)) return value.map((one) => concrete(one, prefix, given, tokens));
  if (typeof value !== 'object' || value === null) return value;
  const { int64, hex, batch, token } = value as {
    int64?: string;
    hex?: string;
    batch?: BatchPlan;
    token?: TokenPlan;
  };
  if (int64 !== undefined) return BigInt(int64);
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  if (token !== undefined && tokens !== null) return tokens.bytes(token);
  if (batch !== undefined) return plannedBatch(batch, given.producerId, given.producerEpoch);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, concrete(one, prefix, given, tokens)]),
  );
}

function concreteText(text: string, prefix: string, given: Given): unknown {
  if (text.startsWith(NAME_MARK)) return prefix + text.slice(1);
  if (text.startsWith(references.topicId))
    return given.topicIds.get(text.slice(references.topicId.length)) ?? '0'.repeat(32);
  switch (text) {
    case references.memberId:
      return given.memberId;
    case references.generationId:
      return given.generationId;
    case references.producerId:
      return given.producerId;
    case references.producerEpoch:
      return given.producerEpoch;
    default:
      return text;
  }
}
