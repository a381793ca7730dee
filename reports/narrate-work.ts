/**
 * Words for stretches of work: what a member did on a partition, what its death leaves, or what a producer sent enters; a
 * sentence without a full stop leaves.
 */
import { recordSpans } from '../scenarios/lessons/lesson.ts';
import { count, formatSeconds } from './describe-event.ts';

/** A producer that has been sending for so long is said to have sent until then. */
const LONG_MS = 1_000;
/** Spans of records named before they are counted. */
const RECORDS_LISTED_MAX = 5;
/** Commits listed one by one before they are counted. */
const COMMITS_LISTED_MAX = 5;

/** One process's uninterrupted work on one partition. */
export interface Work {
  readonly timeMs: number;
  readonly process: string;
  readonly partition: string;
  /** Processed to the end, in order. */
  readonly done: { readonly offset: number; readonly record: string }[];
  readonly failed: number[];
  /** Committed offsets, as the coordinator confirmed them. */
  readonly commits: number[];
}

/** What a process was given of one partition in its life, to say what a crash leaves behind. */
export interface Hand {
  delivered: number;
  begun: number;
  done: number;
}

export interface Sent {
  readonly timeMs: number;
  readonly process: string;
  readonly topic: string;
  readonly acks: string;
  /** When it sent last. */
  lastMs: number;
  readonly records: string[];
  /** Whether it sent in transactions. */
  isTransactional: boolean;
  readonly outcomes: Map<'ok' | 'failed' | 'unknown', number>;
}

/** Null where nothing came of it. */
export function describeWork({ process, partition, done, failed, commits }: Work): string | null {
  const parts: string[] = [];
  if (done.length > 0) {
    const spans = runsOf(done.map(({ offset }) => offset)).map(({ from, to }) =>
      from === to ? `offset ${from}` : `offsets ${from} to ${to}`,
    );
    const records = recordSpans(done.map(({ record }) => record));
    const named = records.length > RECORDS_LISTED_MAX ? count(done.length, 'record') : records.join(', ');
    parts.push(`processed ${spans.join(', then ')} of ${partition} (${named})`);
  }
  if (failed.length > 0) parts.push(`failed at ${failed.map((offset) => `offset ${offset}`).join(', ')}`);
  if (commits.some((offset) => offset < 0))
    parts.push(`overwrote the committed offset of ${partition} with ${commits.find((offset) => offset < 0)}`);
  const real = commits.filter((offset) => offset >= 0);
  if (real.length > 0)
    parts.push(
      `committed ${
        real.length > COMMITS_LISTED_MAX
          ? `${real[0]} to ${real.at(-1)} in ${real.length} commits`
          : real.join(', ')
      }${done.length > 0 ? '' : ` of ${partition}`}`,
    );
  return parts.length === 0 ? null : `${process} ${parts.join(' and ')}`;
}

/** Ascending runs without a gap, in the order given. */
function runsOf(offsets: readonly number[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const offset of offsets) {
    const last = runs.at(-1);
    if (last !== undefined && last.to + 1 === offset) last.to = offset;
    else runs.push({ from: offset, to: offset });
  }
  return runs;
}

/** What a killed member had in hand, against what is committed; null where nothing is open. */
export function describeLeft({ delivered, begun, done }: Hand, committed: number | null): string | null {
  const from = committed ?? 0;
  const parts = [`committed ${committed ?? 'nothing'}`];
  const span = (first: number, end: number): string =>
    end - first === 1 ? `offset ${first}` : `offsets ${first} to ${end - 1}`;
  if (done > from) parts.push(`${span(from, done)} processed and not committed`);
  if (begun > done) parts.push(`${span(done, begun)} in the middle of processing`);
  if (delivered > begun) parts.push(`${span(begun, delivered)} handed over and not begun`);
  if (from > done) parts.push(`so ${span(done, from)} committed without having been processed`);
  return parts.length === 1 ? null : parts.join(', ');
}

export function describeSent({
  process,
  topic,
  acks,
  timeMs,
  lastMs,
  records,
  isTransactional,
  outcomes,
}: Sent): string {
  const answered = [
    acks === '0' && outcomes.has('ok')
      ? 'nobody confirms anything'
      : outcomes.get('ok') === records.length
        ? 'all were acknowledged'
        : outcomes.has('ok')
          ? `${outcomes.get('ok')} were acknowledged`
          : null,
    outcomes.has('failed') ? `${outcomes.get('failed')} were refused` : null,
    outcomes.has('unknown') ? `of ${outcomes.get('unknown')} it does not know what became` : null,
  ].filter((part) => part !== null);
  return `${process} sent ${recordSpans(records).join(', ')} to ${topic} ${isTransactional ? 'in transactions' : `with acks ${acks}`}${lastMs - timeMs < LONG_MS ? '' : `, until ${formatSeconds(lastMs)}`}; ${
    answered.length === 0 ? 'no answer has come yet' : answered.join(', ')
  }`;
}
