/**
 * The applications that are broken on purpose, to prove that a property has teeth: a mutant's id enters, what it
 * breaks and which property has to catch it leaves. What a mutant does is in `application/mutation.ts`.
 */

export interface Mutant {
  readonly id: string;
  readonly description: string;
  /** The part that it breaks. */
  readonly breaks: 'application' | 'client' | 'coordinator';
  /** Ids of the properties that have to catch it. */
  readonly caughtBy: readonly string[];
}

export const mutants = [
  {
    id: 'commit-before-processing',
    description:
      'The application commits a record before it processes it, although it claims the other order.',
    breaks: 'application',
    caughtBy: ['at-least-once'],
  },
  {
    id: 'skip-partition',
    description:
      'The application drops the records of the lowest-numbered partition it owns of each topic, as if they were done.',
    breaks: 'application',
    caughtBy: ['at-least-once'],
  },
  {
    id: 'rewind-commit',
    description: 'Every seventh commit of a partition says an offset three lower than what is done.',
    breaks: 'application',
    caughtBy: ['commit-monotonic'],
  },
] as const satisfies readonly Mutant[];

export type MutantId = (typeof mutants)[number]['id'];

export const findMutant = (id: string): (typeof mutants)[number] | undefined =>
  mutants.find((mutant) => mutant.id === id);
