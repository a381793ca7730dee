/**
 * What each mutant does to the application, the same in front of every client: a group's configuration and the
 * mutant's id enter, the configuration that really runs and the altered decisions leave.
 */
import type { Producer } from '../../../scenarios/schema.ts';
import type { Assignment } from '../../history/schema.ts';
import { findMutant } from '../mutants.ts';
import type { MemberStart } from '../protocol.ts';

type MemberGroup = MemberStart['group'];

const REWIND_EVERY_COMMITS = 7;
const REWIND_RECORDS = 3n;
const AHEAD_EVERY_COMMITS = 5;
const REPEAT_EVERY_RECORDS = 10;
/** Longer than any scenario. */
const NEVER_MS = 3_600_000;

export interface Mutation {
  /** What the application runs with; the scenario still says what it claims. */
  readonly group: MemberGroup;
  /** Tells the mutation what the member owns now. */
  assigned(assignment: Assignment): void;
  /** True where the application drops the partition's records unprocessed. */
  skips(topic: string, partition: number): boolean;
  /** The offset that the application commits in place of the right one. */
  committedOffset(topic: string, partition: number, offset: string): string;
  /** What the application works on, of the records of one handler call, in its order. */
  inOrder<Record>(records: readonly Record[]): readonly Record[];
  /** True where the application works on the record that it has just finished once more. */
  repeats(topic: string, partition: number): boolean;
  /** What the client reports as its assignment. */
  claims(assignment: Assignment): Assignment;
  /** Whether the client keeps the last record of a poll back until the next one. */
  readonly holdsBack: boolean;
  /** Whether a pipeline takes an aborted transaction for a committed one. */
  readonly goesOnAfterAbort: boolean;
  /** Whether the client says that it paused what it is to pause, and goes on with it. */
  readonly isDeaf: boolean;
  /** Which of its two offsets the client answers with. */
  answers(question: 'position' | 'committed'): 'position' | 'committed';
  /** An extra commit that an application which leaves commits to the client makes after a record, or null. */
  extraCommit(topic: string, partition: number, offset: string): string | null;
}

/** Commit first; where the client commits by itself, the application has to do it explicitly. */
const commitFirst = (group: MemberGroup): MemberGroup =>
  group.commitMode.kind === 'none'
    ? group
    : {
        ...group,
        commitOrder: 'commit-then-process',
        commitMode: ofRecords(group.commitMode),
      };

/** Who commits whole polls, or leaves it to the client, has nothing to commit before it processes. */
function ofRecords(mode: MemberGroup['commitMode']): MemberGroup['commitMode'] {
  if (mode.kind === 'auto' || mode.kind === 'per-poll') return { kind: 'per-record' };
  return mode.kind === 'asynchronous' && mode.after === 'poll' ? { ...mode, after: 'record' } : mode;
}

const oppositeReset = (group: MemberGroup): MemberGroup =>
  group.autoOffsetReset === 'none'
    ? group
    : { ...group, autoOffsetReset: group.autoOffsetReset === 'earliest' ? 'latest' : 'earliest' };

/** The setting is the rebalance timeout too, as it is in the Java client: others wait for the member all the longer. */
const tireless = (group: MemberGroup): MemberGroup => ({ ...group, maxPollIntervalMs: NEVER_MS });

const CONFIGURATIONS: Readonly<Record<string, (group: MemberGroup) => MemberGroup>> = {
  'commit-before-processing': commitFirst,
  'opposite-reset': oppositeReset,
  'tireless-client': tireless,
};

/** True at every so many calls for a partition. */
function createCounter(times: number): (topic: string, partition: number) => boolean {
  const counts = new Map<string, number>();
  return (topic, partition) => {
    const key = `${topic}/${partition}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count % times === 0;
  };
}

const NEVER = () => false;

/** How a mutant alters the offsets of commits: null where it leaves one as it is. */
function createAlteration(
  id: string | null,
): (topic: string, partition: number, offset: string) => string | null {
  const alterations: Readonly<Record<string, { times: number; by: bigint }>> = {
    'rewind-commit': { times: REWIND_EVERY_COMMITS, by: -REWIND_RECORDS },
    'commit-ahead': { times: AHEAD_EVERY_COMMITS, by: 1n },
  };
  const alteration = alterations[id ?? ''];
  if (alteration === undefined) return () => null;
  const isDue = createCounter(alteration.times);
  return (topic, partition, offset) => {
    if (!isDue(topic, partition)) return null;
    const altered = BigInt(offset) + alteration.by;
    return String(altered < 0n ? 0n : altered);
  };
}

const lower = (offset: string): string => (offset === '0' ? offset : String(BigInt(offset) - 1n));

/** Without the last partition that it has. */
const withoutLast = (assignment: Assignment): Assignment => {
  const last = assignment.findLastIndex(({ partitions }) => partitions.length > 0);
  return assignment.flatMap((one, i) => {
    if (i !== last) return [one];
    const partitions = one.partitions.slice(0, -1);
    return partitions.length === 0 ? [] : [{ topic: one.topic, partitions }];
  });
};

/** @throws Error where the mutant is not a known one: a misspelt mutant would silently prove nothing */
export function createMutation(group: MemberGroup, mutantId: string | null): Mutation {
  const mutant = mutantId === null ? null : findMutant(mutantId);
  if (mutant === undefined) throw new Error(`there is no mutant '${mutantId}'`);
  const id = mutant?.id ?? null;
  const alter = createAlteration(id);
  const repeats = id === 'process-twice' ? createCounter(REPEAT_EVERY_RECORDS) : NEVER;
  const lowest = new Map<string, number>();
  return {
    group: CONFIGURATIONS[id ?? '']?.(group) ?? group,
    assigned(assignment) {
      lowest.clear();
      for (const { topic, partitions } of assignment) lowest.set(topic, Math.min(...partitions));
    },
    skips: (topic, partition) => id === 'skip-partition' && lowest.get(topic) === partition,
    committedOffset: (topic, partition, offset) =>
      id === 'commit-behind' ? lower(offset) : (alter(topic, partition, offset) ?? offset),
    inOrder: (records) => (id === 'reverse-batches' ? records.toReversed() : records),
    repeats,
    claims: (assignment) => (id === 'boastful-client' ? withoutLast(assignment) : assignment),
    holdsBack: id === 'hold-back',
    goesOnAfterAbort: id === 'careless-pipeline',
    isDeaf: id === 'deaf-client',
    answers: (question) =>
      id !== 'confused-client' ? question : question === 'position' ? 'committed' : 'position',
    extraCommit: (topic, partition, offset) =>
      group.commitMode.kind === 'auto' ? alter(topic, partition, offset) : null,
  };
}

/** What a producer really does on close, whatever the scenario claims. */
export const closingOf = (
  { closing }: Pick<Producer, 'closing'>,
  mutantId: string | null,
): Producer['closing'] => (mutantId === 'careless-producer' ? 'drop' : closing);

/** Whether a producer aborts what it is to commit. */
export const abortsForCommit = (mutantId: string | null): boolean => mutantId === 'swapping-producer';
