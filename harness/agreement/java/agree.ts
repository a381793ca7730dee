/**
 * Whether Apache's own Java client and the reference client do the same of a scenario: their runs on real Kafka enter, the
 * reference client runs it in the simulated world as often as it takes, and in what the two differ leaves.
 */
import type { Expectation } from '../../../scenarios/lessons/lesson.ts';
import type { History } from '../../history/schema.ts';
import { differences as differencesOf } from '../../lessons/compare.ts';
import { observe } from '../../lessons/observe.ts';
import type { Driver, World } from '../../world/world.ts';
import { historyOf, type JudgedRun, judged } from '../judged-run.ts';
import { simulatedRuns } from '../simulated-runs.ts';
import { compareConduct, comparedGenerations, type Difference } from './compare.ts';
import { conductOf } from './conduct.ts';
import type { Trial } from './trials.ts';

const REFERENCE = { client: 'reference', mutant: null };
/** Where a lesson did not come as it says, so many simulated runs decide whether the machine was to blame. */
const MACHINE_RUNS_MIN = 8;

export interface RealRuns {
  readonly java: History;
  readonly reference: History;
}

export interface JavaAgreement extends Trial {
  readonly java: JudgedRun;
  readonly reference: JudgedRun;
  /** Of the two clients, beyond what differs between two runs of one. */
  readonly differences: readonly Difference[];
  /** Where the scenario is a lesson's: in what either client differs from what the lesson says. */
  readonly lessonDifferences: readonly string[];
  /** The simulated reference client on a machine as slow as Java's was does not do what the lesson says either. */
  readonly isTooSlow: boolean;
  /** Generations of Java's that the reference client had too, and all of Java's. */
  readonly comparedGenerations: number;
  readonly generations: number;
  readonly simulatedRuns: number;
}

/** One after the other, so that neither takes the machine from the other. */
export async function runBoth(
  { scenario }: Trial,
  kafka: World,
  driver: Driver,
  signal: AbortSignal,
): Promise<RealRuns> {
  const java = await historyOf(kafka, scenario, { client: 'java', mutant: null, driver }, signal);
  return { java, reference: await historyOf(kafka, scenario, REFERENCE, signal) };
}

/** @param runs no real run may be under way while these are compared (see simulated-runs.ts) */
export async function javaAgreementOn(
  trial: Trial,
  runs: RealRuns,
  signal: AbortSignal,
): Promise<JavaAgreement> {
  const { scenario, expectation } = trial;
  const differences = (one: JudgedRun): string[] =>
    expectation === null ? [] : lessonDifferences(withoutWire(expectation), one);
  const [java, reference] = [judged(runs.java), judged(runs.reference)];
  const ofJava = conductOf(java.history, java.verdict);
  const references = [conductOf(reference.history, reference.verdict)];
  let found = compareConduct(scenario, references, ofJava);
  const ofLesson = differences(java);
  const isDone = (): boolean =>
    found.length === 0 && (ofLesson.length === 0 || references.length > MACHINE_RUNS_MIN);
  let isTooSlow = false;
  if (!isDone()) {
    // Simulated runs are added one by one while something is left to explain.
    for await (const one of simulatedRuns(scenario, REFERENCE, java.history, signal)) {
      references.push(conductOf(one.history, one.verdict));
      isTooSlow ||= one.isSlow && differences(one).length > 0;
      found = compareConduct(scenario, references, ofJava);
      if (isDone()) break;
    }
  }
  return {
    ...trial,
    java,
    reference,
    differences: found,
    lessonDifferences: [
      ...(isTooSlow ? [] : ofLesson.map((sentence) => `Java: ${sentence}`)),
      ...differences(reference).map((sentence) => `reference: ${sentence}`),
    ],
    isTooSlow,
    comparedGenerations: comparedGenerations(references, ofJava),
    generations: ofJava.generations.length,
    simulatedRuns: references.length - 1,
  };
}

const lessonDifferences = (expected: Expectation, { history, verdict }: JudgedRun): string[] =>
  differencesOf(expected, observe(history, verdict, null));

/** The driver has no tap, so that nobody counts Java's requests. */
const withoutWire = (expected: Expectation): Expectation => {
  const { commitRequests: _requests, refusals: _refusals, ...rest } = expected;
  return rest;
};
