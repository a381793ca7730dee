/**
 * A soak in sections of sentences and tables: its result and the mutants' enter, what a terminal, Markdown or a page shows
 * leaves, the same in each of them.
 */
import { goals } from '../../properties/goals/index.ts';
import type { MutantsResult } from '../mutants/result.ts';
import { mutantRows, mutantsSummary } from '../mutants/table.ts';
import type { SoakResult } from './soak.ts';
import { missedGoals, mistakes, SCENARIOS_FOR_GOALS } from './verdict.ts';

export interface Section {
  readonly title: string;
  readonly sentences: readonly string[];
  /** The first row is the head; empty without a table. */
  readonly rows: readonly (readonly string[])[];
}

/** Goals that so few scenarios of a soak reached are worth a look. */
const SELDOM = 5;

/** @param untried mutants that there was no time for */
export interface SoakMutants {
  readonly result: MutantsResult;
  readonly untried: readonly string[];
}

/** @param mutants null where none were asked for */
export function soakSections(result: SoakResult, mutants: SoakMutants | null): Section[] {
  return [partSection(result), findingSection(result), goalSection(result), ...mutantSections(mutants)];
}

const partSection = ({ parts, scenarios, seed }: SoakResult): Section => ({
  title: 'Scenarios',
  sentences: [`${scenarios} scenarios of seed ${seed}`],
  rows: [
    ['client', 'profile', 'scenarios', 'invalid', 'unknown', 'goals'],
    ...parts.map((part) => [
      part.client,
      part.profile,
      String(part.scenarios),
      String(part.invalid),
      String(part.unknown),
      String(part.goals.size),
    ]),
  ],
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function findingSection(result: SoakResult): Section {
  const { findings, unknown } = result;
  return {
    title: 'Anomalies',
    sentences: [
      ...unknown.map((sentence) => `No verdict: ${sentence}`),
      ...mistakes(result).map(
        ({ property, signature, example }) =>
          `The control fails ${property} (${signature}) in ${example}: a mistake of the harness.`,
      ),
    ],
    rows: [
      ['client', 'policy', 'anomalies', 'example', 'known as', 'what'],
      ...findings
        .toSorted(
          (a, b) => compare(a.client, b.client) || compare(a.policy, b.policy) || b.anomalies - a.anomalies,
        )
        .map((one) => [
          one.client,
          one.policy,
          String(one.anomalies),
          one.example,
          one.known ?? '',
          `${one.property}: ${one.signature}`,
        ]),
    ],
  };
}

function goalSection(result: SoakResult): Section {
  const { goals: reached, scenarios } = result;
  const missed = missedGoals(result);
  const seldom = [...reached].filter(([, times]) => times > 0 && times <= SELDOM);
  const known = [...reached.values()].filter((times) => times > 0).length;
  return {
    title: 'Goals',
    sentences: [
      `${known} of ${reached.size} goals reached.`,
      ...(seldom.length === 0
        ? []
        : [`Seldom: ${seldom.map(([name, times]) => `${name} (${times})`).join(', ')}.`]),
      ...(missed.length === 0
        ? []
        : [
            `Never reached: ${missed.join(', ')}${scenarios < SCENARIOS_FOR_GOALS ? ` (a failure from ${SCENARIOS_FOR_GOALS} scenarios on)` : ''}.`,
          ]),
    ],
    rows: [
      ['goal', 'scenarios', 'in words'],
      ...goals.map(({ name, isRare, description }) => [
        name,
        String(reached.get(name) ?? 0),
        isRare ? `${description} (rare)` : description,
      ]),
    ],
  };
}

function mutantSections(mutants: SoakMutants | null): Section[] {
  if (mutants === null) return [];
  const { result, untried } = mutants;
  return [
    {
      title: 'Mutants',
      sentences: [
        mutantsSummary(result),
        ...(untried.length === 0 ? [] : [`No time was left for ${untried.join(', ')}.`]),
      ],
      rows: mutantRows(result),
    },
  ];
}
