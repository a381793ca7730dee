/**
 * The scenarios on which the two clients are compared: how many are wanted and a seed enter; the lessons, then generated
 * scenarios of the `java` profile leave, without those that the driver cannot run.
 */
import { generateScenario } from '../../../scenarios/arbitrary.ts';
import type { Expectation } from '../../../scenarios/lessons/lesson.ts';
import type { ActionKind, Scenario } from '../../../scenarios/schema.ts';
import { loadLessons } from '../../lessons/load.ts';

export interface Trial {
  readonly scenario: Scenario;
  /** What the lesson says of it on real Kafka; null for a generated scenario. */
  readonly expectation: Expectation | null;
}

/** Those that are the harness's own doing, to processes, brokers and topics; the driver knows no calls that are ordered. */
const KNOWN_ACTIONS: ReadonlySet<ActionKind> = new Set<ActionKind>([
  'join',
  'leave',
  'terminate',
  'crash',
  'stall',
  'crash-producer',
  'crash-broker',
  'restart-broker',
  'pause-broker',
  'add-partitions',
  'delete-records',
  'delete-offsets',
  'alter-offsets',
]);

const isKnown = ({ actions }: Scenario): boolean => actions.every(({ kind }) => KNOWN_ACTIONS.has(kind));

export async function lessonTrials(): Promise<Trial[]> {
  return (await loadLessons()).flatMap(({ scenario, lesson: { expect } }) =>
    typeof expect.kafka === 'string' || !isKnown(scenario) ? [] : [{ scenario, expectation: expect.kafka }],
  );
}

/** Without end, from the scenario number `from` of the seed. */
export function* generatedTrials(seed: number, from: number): Generator<Trial> {
  for (let index = from; ; index++) {
    const scenario = generateScenario(seed, index, 'java');
    if (isKnown(scenario)) yield { scenario, expectation: null };
  }
}
