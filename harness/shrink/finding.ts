/** A small failing scenario as a file to keep: the run of it, what fails in it and the subject enter, a finding leaves. */
import type { JudgedAnomaly } from '../../properties/property.ts';
import { paragraphOf } from '../../reports/account.ts';
import type { Finding } from '../../scenarios/finding.ts';
import type { Ran } from '../runner/unit.ts';
import { harnessVersion } from '../version.ts';
import { describeSubject } from '../world/run-scenario.ts';
import type { Subject } from '../world/world.ts';

/** @param ran its world has not failed, so that it has a history */
export function toFinding(
  { scenario, history, verdict, traceHash }: Ran,
  anomaly: JudgedAnomaly,
  subject: Subject,
): Finding {
  if (history === null) throw new Error('a finding is told from a history');
  const { property, signature, policy } = anomaly;
  return {
    finding: {
      property,
      signature,
      policy,
      text: paragraphOf(history, verdict, anomaly),
      recorded: {
        traceHash,
        client: subject.client,
        clientVersion: describeSubject(subject).version,
        mutant: subject.mutant,
        versions: { 'kafka-trial': harnessVersion(), node: process.versions.node },
      },
    },
    scenario,
  };
}
