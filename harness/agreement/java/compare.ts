/**
 * Whether the reference client does what Java's does: what Java did in one run, and what the reference client did in one or
 * more runs of the same scenario, enter; what Java does and the reference never did, or the other way round, leaves.
 */
import type { Scenario } from '../../../scenarios/schema.ts';
import { compareEndStates } from '../compare.ts';
import type { Conduct } from './conduct.ts';

export type Aspect = 'end state' | 'resets' | 'errors' | 'assignments';

export interface Difference {
  readonly aspect: Aspect;
  readonly sentence: string;
}

/** @param references at least one; the more there are, the fewer differences are chance */
export function compareConduct(
  scenario: Scenario,
  references: readonly Conduct[],
  java: Conduct,
): Difference[] {
  const endStates = compareEndStates(
    scenario,
    references.map(({ end }) => end),
    java.end,
    { real: 'Java', simulated: 'the reference client' },
  );
  return [
    ...endStates.disagreements.map((sentence) => ({ aspect: 'end state' as const, sentence })),
    ...resetDifferences(references, java),
    ...errorDifferences(scenario, references, java),
    ...assignmentDifferences(references, java),
  ];
}

/**
 * Where a group starts decides what it never processes: record by record, as in at least one run of the reference in which
 * the record and the group's starts came in the same order. What it processes again is not compared, since that depends on
 * the instant of a crash; the properties bound it in each run.
 */
function* resetDifferences(references: readonly Conduct[], java: Conduct): Generator<Difference> {
  for (const [group, fates] of java.fates)
    for (const [record, { isLeftOut, order }] of fates) {
      const others = references
        .map((one) => one.fates.get(group)?.get(record))
        .filter((fate) => fate?.order === order);
      if (others.length > 0 && others.every((fate) => fate?.isLeftOut !== isLeftOut))
        yield {
          aspect: 'resets',
          sentence: `${group}: ${record} is left out by ${isLeftOut ? 'Java' : 'the reference client'} only`,
        };
    }
}

/** Every error of Java's is one that the reference had too, and what the reference has every time, Java has. */
function* errorDifferences(
  scenario: Scenario,
  references: readonly Conduct[],
  java: Conduct,
): Generator<Difference> {
  for (const { id } of scenario.groups) {
    const ofJava = [...(java.errors.get(id) ?? [])];
    for (const error of ofJava)
      if (!references.some(({ errors }) => errors.get(id)?.has(error)))
        yield { aspect: 'errors', sentence: `${id}: only Java's application is told ${error}` };
    for (const error of references[0]?.errors.get(id) ?? [])
      if (references.every(({ errors }) => errors.get(id)?.has(error)) && !ofJava.includes(error))
        yield {
          aspect: 'errors',
          sentence: `${id}: only the reference client's application is told ${error}, and always`,
        };
  }
}

/** The same members on the same partitions are assigned what they were in some run of the reference client. */
function* assignmentDifferences(references: readonly Conduct[], java: Conduct): Generator<Difference> {
  const known = answersOf(references);
  for (const { question, answer } of java.generations) {
    const answers = known.get(question);
    if (answers !== undefined && !answers.has(answer))
      yield {
        aspect: 'assignments',
        sentence: `Java assigns ${answer}, and the reference client ${[...answers].join(' or ')}`,
      };
  }
}

function answersOf(conducts: readonly Conduct[]): Map<string, Set<string>> {
  const answers = new Map<string, Set<string>>();
  for (const { question, answer } of conducts.flatMap(({ generations }) => generations))
    answers.set(question, (answers.get(question) ?? new Set()).add(answer));
  return answers;
}

/** How many of Java's generations the reference client had too, with the same members and partitions. */
export const comparedGenerations = (references: readonly Conduct[], java: Conduct): number => {
  const known = answersOf(references);
  return java.generations.filter(({ question }) => known.has(question)).length;
};
