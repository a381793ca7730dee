/**
 * Options of kafkajs that a scenario puts over those of an application of the user's, where a person compares its
 * configurations: what takes them and what the application gave enter, what kafkajs is to get leaves.
 */
import { APPLICATION_OPTIONS } from '../../../scenarios/application.ts';
import type { MemberStart } from '../protocol.ts';

type TakenBy = 'kafka' | 'consumer' | 'run' | 'subscribe';

/** `retry` is put over key by key, as the file that names one of its options means it. */
export function withGivenOptions<T extends object>(start: MemberStart, takenBy: TakenBy, own: T): T {
  const given = start.group.native?.[APPLICATION_OPTIONS]?.[takenBy] ?? {};
  const { retry, ...others } = given;
  if (retry === undefined) return { ...own, ...others };
  const before = 'retry' in own ? (own.retry as object | undefined) : {};
  return { ...own, ...others, retry: { ...before, ...(retry as object) } };
}
