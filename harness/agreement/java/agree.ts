/**
 * Whether Apache's own Java client and the reference client do the same of a scenario: their runs on real Kafka enter, the
 * reference client runs it in the simulated world as often as it takes, and in what the two differ leaves.
 */
import { noSpuriousRebalance } from '../../../properties/no-spurious-rebalance.ts';
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
const MACHINE_RUNS_MAX = 8;
/** So many are made to find the memberships again for which Java has assigned partitions. */
const ASSIGNMENT_RUNS_MAX = 8;

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
  /** In either run a member lost its place and nothing had happened to it: what follows is the machine's, and not compared. */
  readonly stoodStill: boolean;
  /** The simulated reference client on a machine as slow as that of either real run differs from the lesson too. */
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
  const { scenario } = trial;
  const [java, reference] = [judged(runs.java), judged(runs.reference)];
  if (stoodStill(java) || stoodStill(reference))
    return { ...trial, java, reference, stoodStill: true, ...NOTHING_COMPARED };
  const ofJava = conductOf(java.history, java.verdict);
  const references = [conductOf(reference.history, reference.verdict)];
  let found = compareConduct(scenario, references, ofJava);
  let compared = comparedGenerations(references, ofJava);
  const isDone = (): boolean =>
    found.length === 0 && (compared === ofJava.generations.length || references.length > ASSIGNMENT_RUNS_MAX);
  if (!isDone()) {
    // Simulated runs are added one by one while something is left to explain, or to compare.
    for await (const { history, verdict } of simulatedRuns(scenario, REFERENCE, java.history, signal)) {
      references.push(conductOf(history, verdict));
      found = compareConduct(scenario, references, ofJava);
      compared = comparedGenerations(references, ofJava);
      if (isDone()) break;
    }
  }
  const [javaLesson, referenceLesson] = [
    await lessonOf(trial, java, signal),
    await lessonOf(trial, reference, signal),
  ];
  return {
    ...trial,
    java,
    reference,
    stoodStill: false,
    differences: found,
    lessonDifferences: [
      ...javaLesson.differences.map((sentence) => `Java: ${sentence}`),
      ...referenceLesson.differences.map((sentence) => `reference: ${sentence}`),
    ],
    isTooSlow: javaLesson.isTooSlow || referenceLesson.isTooSlow,
    comparedGenerations: compared,
    generations: ofJava.generations.length,
    simulatedRuns: references.length - 1,
  };
}

const NOTHING_COMPARED = {
  differences: [],
  lessonDifferences: [],
  isTooSlow: false,
  comparedGenerations: 0,
  generations: 0,
  simulatedRuns: 0,
} as const;

/** For longer than a session, so that the coordinator, or a member's heartbeat, came too late. */
const stoodStill = ({ verdict }: JudgedRun): boolean =>
  verdict.anomalies.some(
    ({ property, policy }) => property === noSpuriousRebalance.id && policy === 'observed',
  );

/** In what a run differs from what the lesson says, where that cannot be the machine's fault. */
async function lessonOf(
  { scenario, expectation }: Trial,
  run: JudgedRun,
  signal: AbortSignal,
): Promise<{ readonly differences: readonly string[]; readonly isTooSlow: boolean }> {
  const differences = (one: JudgedRun): readonly string[] =>
    expectation === null ? [] : lessonDifferences(withoutWire(expectation), one);
  const found = differences(run);
  if (found.length === 0) return { differences: [], isTooSlow: false };
  let runs = 0;
  for await (const one of simulatedRuns(scenario, REFERENCE, run.history, signal)) {
    if (one.isSlow && differences(one).length > 0) return { differences: [], isTooSlow: true };
    if (++runs === MACHINE_RUNS_MAX) break;
  }
  return { differences: found, isTooSlow: false };
}

const lessonDifferences = (expected: Expectation, { history, verdict }: JudgedRun): string[] =>
  differencesOf(expected, observe(history, verdict, null));

/** The driver has no tap, so that nobody counts Java's requests. */
const withoutWire = (expected: Expectation): Expectation => {
  const { commitRequests: _requests, refusals: _refusals, ...rest } = expected;
  return rest;
};
