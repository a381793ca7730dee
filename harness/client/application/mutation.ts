/**
 * What each mutant does to the application, the same in front of every client: a group's configuration and the
 * mutant's id enter, the configuration that really runs and the altered decisions leave.
 */
import type { Assignment } from '../../history/schema.ts';
import { findMutant } from '../mutants.ts';
import type { MemberStart } from '../protocol.ts';

type MemberGroup = MemberStart['group'];

const REWIND_EVERY_COMMITS = 7;
const REWIND_RECORDS = 3n;

export interface Mutation {
  /** What the application runs with; the scenario still says what it claims. */
  readonly group: MemberGroup;
  /** Tells the mutation what the member owns now. */
  assigned(assignment: Assignment): void;
  /** True where the application drops the partition's records unprocessed. */
  skips(topic: string, partition: number): boolean;
  /** The offset that the application commits in place of the right one. */
  committedOffset(topic: string, partition: number, offset: string): string;
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
        commitMode: group.commitMode.kind === 'auto' ? { kind: 'per-record' } : group.commitMode,
      };

/** Counts the commits of each partition and lowers every seventh. */
function createRewinder(): (topic: string, partition: number, offset: string) => string | null {
  const counts = new Map<string, number>();
  return (topic, partition, offset) => {
    const key = `${topic}/${partition}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count % REWIND_EVERY_COMMITS !== 0) return null;
    const lowered = BigInt(offset) - REWIND_RECORDS;
    return String(lowered < 0n ? 0n : lowered);
  };
}

/** @throws Error where the mutant is not a known one: a misspelt mutant would silently prove nothing */
export function createMutation(group: MemberGroup, mutantId: string | null): Mutation {
  const mutant = mutantId === null ? null : findMutant(mutantId);
  if (mutant === undefined) throw new Error(`there is no mutant '${mutantId}'`);
  const id = mutant?.id ?? null;
  const rewind = id === 'rewind-commit' ? createRewinder() : () => null;
  const lowest = new Map<string, number>();
  return {
    group: id === 'commit-before-processing' ? commitFirst(group) : group,
    assigned(assignment) {
      lowest.clear();
      for (const { topic, partitions } of assignment) lowest.set(topic, Math.min(...partitions));
    },
    skips: (topic, partition) => id === 'skip-partition' && lowest.get(topic) === partition,
    committedOffset: (topic, partition, offset) => rewind(topic, partition, offset) ?? offset,
    extraCommit: (topic, partition, offset) =>
      group.commitMode.kind === 'auto' ? rewind(topic, partition, offset) : null,
  };
}
