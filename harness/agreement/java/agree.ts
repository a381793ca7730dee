/**
 * Runs a scenario on real Kafka with Apache's own Java client and with the reference client, and the reference client in
 * the simulated world as often as it takes: a scenario enters, in what the two differ leaves.
 */
import { judge } from '../../../properties/index.ts';
import type { Verdict } from '../../../properties/property.ts';
import type { Expectation } from '../../../scenarios/lessons/lesson.ts';
import type { Scenario } from '../../../scenarios/schema.ts';
import type { History } from '../../history/schema.ts';
import { differences as differencesOf } from '../../lessons/compare.ts';
import { observe } from '../../lessons/observe.ts';
import { SimulatedWorld } from '../../world/simulated/simulated-world.ts';
import type { Driver, World } from '../../world/world.ts';
import { historyOf, machineOf } from '../agree.ts';
import { compareConduct, comparedGenerations, type Difference } from './compare.ts';
import { type Conduct, conductOf } from './conduct.ts';

const REFERENCE = { client: 'reference', mutant: null };
/** Simulated runs are added one by one while something is left to explain. */
const SIMULATED_RUNS_MAX = 64;
/** Where a lesson did not come as it says, so many decide whether the machine was to blame. */
const MACHINE_RUNS_MIN = 8;

export interface JavaAgreement {
  readonly scenario: Scenario;
  readonly java: Judged;
  readonly reference: Judged;
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

interface Judged {
  readonly history: History;
  readonly verdict: Verdict;
}

/** @param expectation what a lesson says of the scenario on real Kafka; null where it is no lesson's */
export async function javaAgreementOn(
  scenario: Scenario,
  expectation: Expectation | null,
  kafka: World,
  driver: Driver,
  signal: AbortSignal,
): Promise<JavaAgreement> {
  const judged = async (world: World, subject: Parameters<World['run']>[1]): Promise<Judged> => {
    const history = await historyOf(world, scenario, subject, signal);
    return { history, verdict: judge(history) };
  };
  const conduct = ({ history, verdict }: Judged): Conduct => conductOf(history, verdict);
  const java = await judged(kafka, { client: 'java', mutant: null, driver });
  const reference = await judged(kafka, REFERENCE);
  const differences = (one: Judged): string[] =>
    expectation === null ? [] : lessonDifferences(withoutWire(expectation), one);
  const ofJava = conduct(java);
  const references = [conduct(reference)];
  let found = compareConduct(scenario, references, ofJava);
  const ofLesson = differences(java);
  let isTooSlow = false;
  let simulatedRuns = 0;
  if (found.length > 0 || ofLesson.length > 0) {
    const machine = machineOf(java.history, (await judged(new SimulatedWorld(), REFERENCE)).history);
    // Every other one on a machine as slow as Java's was, since a JVM takes its time to start.
    for (; found.length > 0 || simulatedRuns < MACHINE_RUNS_MIN; simulatedRuns++) {
      if (simulatedRuns === SIMULATED_RUNS_MAX) break;
      const variation = simulatedRuns;
      const isSlow = variation % 2 === 1;
      const one = await judged(new SimulatedWorld({ variation, ...(isSlow ? { machine } : {}) }), REFERENCE);
      references.push(conduct(one));
      isTooSlow ||= isSlow && differences(one).length > 0;
      found = compareConduct(scenario, references, ofJava);
    }
  }
  const ofReference = differences(reference);
  return {
    scenario,
    java,
    reference,
    differences: found,
    lessonDifferences: [
      ...(isTooSlow ? [] : ofLesson.map((sentence) => `Java: ${sentence}`)),
      ...ofReference.map((sentence) => `reference: ${sentence}`),
    ],
    isTooSlow,
    comparedGenerations: comparedGenerations(references, ofJava),
    generations: ofJava.generations.length,
    simulatedRuns,
  };
}

const lessonDifferences = (expected: Expectation, { history, verdict }: Judged): string[] =>
  differencesOf(expected, observe(history, verdict, null));

/** The driver has no tap, so that nobody counts Java's requests. */
const withoutWire = (expected: Expectation): Expectation => {
  const { commitRequests: _requests, refusals: _refusals, ...rest } = expected;
  return rest;
};
