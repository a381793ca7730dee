/** What an error of kafkajs says about an outcome: any thrown value enters, whether the broker refused leaves. */
import { causes } from '../application/describe-error.ts';

interface ProtocolErrorLike {
  name?: unknown;
  type?: unknown;
  code?: unknown;
  retriable?: unknown;
}

/** The broker's own answer in the error or its causes, or undefined where no broker answered. */
export const protocolError = (
  error: unknown,
): { type: string; code: number; retriable: boolean } | undefined => {
  for (const one of causes(error)) {
    // By shape and not by class: kafkajs' subclasses of KafkaJSProtocolError have other names.
    const { type, code, retriable } = one as ProtocolErrorLike;
    if (typeof type === 'string' && typeof code === 'number')
      return { type, code, retriable: retriable === true };
  }
  return undefined;
};

/** `failed` only where a broker said no; everything else may have been done. */
export const outcomeOf = (error: unknown): 'failed' | 'unknown' =>
  protocolError(error) === undefined ? 'unknown' : 'failed';
