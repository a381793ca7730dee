/**
 * Runs a scenario in the simulated world as often as it takes: a scenario and its run on real Kafka enter, whether the two
 * worlds agree on it leaves.
 */

import type { KnownIssueOf } from '../../reports/results.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { History } from '../history/schema.ts';
import type { Subject } from '../world/world.ts';
import { type Comparison, compareEndStates } from './compare.ts';
import { type EndState, endStateOf } from './end-state.ts';
import { judged } from './judged-run.ts';
import { simulatedRuns } from './simulated-runs.ts';

export interface Agreement extends Comparison {
  readonly scenario: Scenario;
  readonly real: EndState;
  /** The first simulated run. */
  readonly simulated: EndState;
  readonly simulatedRuns: number;
}

/** @param realHistory no real run may be under way while this one is compared (see simulated-runs.ts) */
export async function agreementOn(
  scenario: Scenario,
  subject: Subject,
  knownIssueOf: KnownIssueOf,
  realHistory: History,
  signal: AbortSignal,
): Promise<Agreement> {
  const ofReal = judged(realHistory);
  const real = endStateOf(ofReal.history, ofReal.verdict, knownIssueOf);
  const simulated: EndState[] = [];
  let isEqual = false;
  let disagreements: readonly string[] = [];
  // Simulated runs are added one by one while something is left to explain.
  for await (const { history, verdict } of simulatedRuns(scenario, subject, realHistory, signal)) {
    simulated.push(endStateOf(history, verdict, knownIssueOf));
    const comparison = compareEndStates(scenario, simulated, real);
    if (simulated.length === 1) isEqual = comparison.equal;
    disagreements = comparison.disagreements;
    if (disagreements.length === 0) break;
  }
  return {
    equal: isEqual,
    disagreements,
    scenario,
    real,
    simulated: simulated[0] as EndState,
    simulatedRuns: simulated.length,
  };
}
