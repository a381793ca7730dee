/**
 * Makes the first new failures of a run small: its result and kept scenarios enter; for each of them the smallest scenario
 * that fails in the same way is written beside the one that was found, and leaves with an account of what happens in it.
 */
import { join } from 'node:path';
import type { Property } from '../../properties/property.ts';
import { findingsOf, type Finding as RunFinding, type RunResult } from '../../reports/results.ts';
import type { LoadedScenario } from '../../reports/run-directory.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { inThisThread } from '../runner/unit.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';
import { toFinding } from './finding.ts';
import { keepApplication } from './keep-application.ts';
import { failureOf, findFailure, shrink } from './shrink.ts';

export interface ShrunkFailure {
  readonly property: string;
  readonly scenario: Scenario;
  readonly scenarioFile: string;
  /** What happens in it, in words. */
  readonly account: string;
}

export interface ShrinkFailuresOptions {
  readonly result: RunResult;
  readonly scenarios: readonly LoadedScenario[];
  readonly subject: Subject;
  readonly properties: readonly Property[];
  /** Of all together; ends after this time with the smallest so far. */
  readonly timeMs: number;
  /** So many at most; each is of another scenario. */
  readonly failuresMax: number;
  /** Whether a known issue is as good as a new one. */
  readonly isKnownToo: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (sentence: string) => void;
}

/** By the file of the scenario in which it was found. What was not kept, or does not fail again, is left out. */
export async function shrinkFailures(options: ShrinkFailuresOptions): Promise<Map<string, ShrunkFailure>> {
  const { result, timeMs, failuresMax, isKnownToo, signal } = options;
  const wanted = findingsOf(result).filter(
    ({ policy, known }) => policy === 'illegal' && (known === null || isKnownToo),
  );
  const deadlineMs = performance.now() + timeMs;
  const shrunk = new Map<string, ShrunkFailure>();
  for (const found of wanted) {
    const file = found.example.scenarioFile;
    const leftMs = deadlineMs - performance.now();
    if (shrunk.size >= failuresMax || leftMs <= 0 || signal.aborted) break;
    if (file === null || shrunk.has(file)) continue;
    try {
      const one = await shrinkFailure(found, leftMs, options);
      if (one !== null) shrunk.set(file, one);
    } catch (error) {
      // Interrupted before there was anything smaller.
      if (!signal.aborted) throw error;
    }
  }
  return shrunk;
}

async function shrinkFailure(
  found: RunFinding,
  timeMs: number,
  { scenarios, subject, properties, signal, onProgress }: ShrinkFailuresOptions,
): Promise<ShrunkFailure | null> {
  const kept = scenarios.find(
    ({ directory }) => join(directory, 'scenario.json') === found.example.scenarioFile,
  );
  if (kept === undefined) return null;
  const { scenario, directory } = kept;
  await using world = new SimulatedWorld();
  const executor = keepApplication(
    inThisThread({ world, subject, properties: properties.filter(({ id }) => id === found.property) }),
    subject,
    scenario,
  );
  const ran = await executor.execute({ index: 1, scenario }, signal);
  const anomaly = ran.verdict.anomalies.find(
    ({ property, signature, policy }) =>
      property === found.property && signature === found.signature && policy === found.policy,
  );
  if (anomaly === undefined) return null;
  const failure = failureOf(anomaly);
  const shrunk = await shrink(ran, failure, {
    executor,
    timeMs,
    signal,
    onStep: ({ steps, attempts }) =>
      onProgress?.(`Making ${scenario.name} small: ${steps} steps of ${attempts} attempts`),
  });
  const smallest = findFailure(shrunk.ran, failure);
  if (smallest === undefined || shrunk.ran.history === null) return null;
  const finding = toFinding(shrunk.ran, smallest, subject);
  const scenarioFile = join(directory, 'shrunk.json');
  await writeFileAtomically(scenarioFile, [`${JSON.stringify(finding, null, 2)}\n`]);
  return {
    property: failure.property,
    scenario: shrunk.smallest,
    scenarioFile,
    account: finding.finding.text,
  };
}
