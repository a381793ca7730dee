/**
 * Makes the first failure of a trial small: its result enters, the smallest scenario that fails in the same way is
 * written beside the one that was found, and leaves with an account of what happens in it.
 */
import { join } from 'node:path';
import type { Property } from '../../properties/property.ts';
import { paragraphOf } from '../../reports/account.ts';
import { findingsOf, type RunResult } from '../../reports/results.ts';
import type { LoadedScenario } from '../../reports/run-directory.ts';
import type { Finding } from '../../scenarios/finding.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { inThisThread } from '../runner/unit.ts';
import { keepApplication } from '../shrink/keep-application.ts';
import { failureOf, findFailure, shrink } from '../shrink/shrink.ts';
import { harnessVersion } from '../version.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';

export interface ShrunkFailure {
  readonly property: string;
  readonly scenario: Scenario;
  readonly scenarioFile: string;
  /** What happens in it, in words. */
  readonly account: string;
}

export interface ShrinkFailureOptions {
  readonly result: RunResult;
  readonly scenarios: readonly LoadedScenario[];
  readonly subject: Subject;
  readonly properties: readonly Property[];
  /** Ends after this time with the smallest so far. */
  readonly timeMs: number;
  readonly signal: AbortSignal;
}

/** Null where nothing illegal was found, or its scenario was not kept or does not fail again. */
export async function shrinkFailure(options: ShrinkFailureOptions): Promise<ShrunkFailure | null> {
  const { result, scenarios, subject, properties, timeMs, signal } = options;
  const illegal = findingsOf(result).filter(({ policy }) => policy === 'illegal');
  const found = illegal.find(({ known }) => known === null) ?? illegal[0];
  const kept = scenarios.find(
    ({ directory }) => join(directory, 'scenario.json') === found?.example.scenarioFile,
  );
  if (found === undefined || kept === undefined) return null;
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
  const shrunk = await shrink(ran, failure, { executor, timeMs, signal, onStep: () => {} });
  const smallest = findFailure(shrunk.ran, failure);
  if (smallest === undefined || shrunk.ran.history === null) return null;
  const { name: client, version: clientVersion } = describeSubject(subject);
  const account = paragraphOf(shrunk.ran.history, shrunk.ran.verdict, smallest);
  const finding: Finding = {
    finding: {
      property: failure.property,
      signature: failure.signature,
      policy: failure.policy,
      text: account,
      recorded: {
        traceHash: shrunk.ran.traceHash,
        client,
        clientVersion,
        mutant: subject.mutant,
        versions: { 'kafka-trial': harnessVersion(), node: process.versions.node },
      },
    },
    scenario: shrunk.smallest,
  };
  const scenarioFile = join(directory, 'shrunk.json');
  await writeFileAtomically(scenarioFile, [`${JSON.stringify(finding, null, 2)}\n`]);
  return { property: failure.property, scenario: shrunk.smallest, scenarioFile, account };
}
