/** The catalogue of properties and the judge: a history enters, a verdict leaves. */
import type { History } from '../harness/history/schema.ts';
import { answeredOffset } from './answered-offset.ts';
import { atLeastOnce } from './at-least-once.ts';
import { balancedAssignment } from './balanced-assignment.ts';
import { commitMonotonic } from './commit-monotonic.ts';
import { commitWithinProcessed } from './commit-within-processed.ts';
import { isOfCompactedTopic } from './compacted.ts';
import { completeAssignment } from './complete-assignment.ts';
import { continuity } from './continuity.ts';
import { convergence } from './convergence.ts';
import { cooperativeHandover } from './cooperative-handover.ts';
import { duplicateBound } from './duplicate-bound.ts';
import { duplicateLedger } from './duplicate-ledger.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { exactlyOnce } from './exactly-once.ts';
import { exclusiveAssignment } from './exclusive-assignment.ts';
import { exclusiveProcessing } from './exclusive-processing.ts';
import { explainedResume } from './explained-resume.ts';
import { groupIsolation } from './group-isolation.ts';
import { idleMember } from './idle-member.ts';
import { noLostCommit } from './no-lost-commit.ts';
import { noSpuriousRebalance } from './no-spurious-rebalance.ts';
import { offsetReset } from './offset-reset.ts';
import { order } from './order.ts';
import { ownedCommit } from './owned-commit.ts';
import { ownedConsumption } from './owned-consumption.ts';
import { pausedConsumption } from './paused-consumption.ts';
import { producedOffset } from './produced-offset.ts';
import { producerFlush } from './producer-flush.ts';
import type { JudgedAnomaly, LedgerEntry, Outcome, Property, Verdict } from './property.ts';
import { readCommitted } from './read-committed.ts';
import { isOfRecreatedTopic } from './recreated.ts';
import { staticFencing } from './static-fencing.ts';
import { stickyEconomy } from './sticky-economy.ts';
import { timeoutDetection } from './timeout-detection.ts';
import { truthfulClient } from './truthful-client.ts';
import { uncleanElectionOf } from './unclean.ts';

/** All properties, in the order in which verdicts and reports name them. */
export const catalogue: readonly Property[] = [
  exclusiveAssignment,
  completeAssignment,
  balancedAssignment,
  stickyEconomy,
  cooperativeHandover,
  idleMember,
  noSpuriousRebalance,
  timeoutDetection,
  staticFencing,
  exclusiveProcessing,
  ownedConsumption,
  pausedConsumption,
  noLostCommit,
  explainedResume,
  answeredOffset,
  continuity,
  order,
  atLeastOnce,
  duplicateBound,
  offsetReset,
  ownedCommit,
  commitWithinProcessed,
  commitMonotonic,
  readCommitted,
  exactlyOnce,
  truthfulClient,
  groupIsolation,
  producedOffset,
  producerFlush,
  convergence,
];

/**
 * Checks the properties on a history. Never throws: a checker that does makes the outcome unknown, and the others
 * still run.
 */
export function judge(history: History, properties: readonly Property[] = catalogue): Verdict {
  const { scenario } = history.start;
  const unknown = missingEvidence(history);
  const anomalies: JudgedAnomaly[] = [];
  const counts: { id: string; anomalies: number; illegal: number }[] = [];
  for (const property of properties) {
    const found = attempt(`Property ${property.id} could not be checked`, unknown, () =>
      property.check(history).map((anomaly): JudgedAnomaly => {
        const election = uncleanElectionOf(history, anomaly);
        if (election !== null)
          return { ...anomaly, events: withProof(anomaly.events, election.seq), policy: 'observed' };
        const isExcused = isOfRecreatedTopic(history, anomaly) || isOfCompactedTopic(scenario, anomaly);
        return { ...anomaly, policy: isExcused ? 'observed' : property.policy(scenario, anomaly) };
      }),
    );
    const judged = found ?? [];
    anomalies.push(...judged);
    counts.push({
      id: property.id,
      anomalies: judged.length,
      illegal: judged.filter(({ policy }) => policy === 'illegal').length,
    });
  }
  const ledger: readonly LedgerEntry[] =
    attempt('The duplicate ledger could not be drawn up', unknown, () => duplicateLedger(history)) ?? [];
  const outcome = anomalies.some(({ policy }) => policy === 'illegal')
    ? 'invalid'
    : unknown.length > 0
      ? 'unknown'
      : 'valid';
  return { outcome, anomalies, unknown: [...new Set(unknown)], properties: counts, ledger };
}

const withProof = (events: readonly number[], seq: number): number[] =>
  [...new Set([...events, seq])].sort((a, b) => a - b);

/** The outcome of several: invalid over unknown over valid. */
export const mergeOutcomes = (outcomes: Iterable<Outcome>): Outcome => {
  const seen = new Set(outcomes);
  return seen.has('invalid') ? 'invalid' : seen.has('unknown') ? 'unknown' : 'valid';
};

function attempt<T>(what: string, unknown: string[], work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    unknown.push(`${what}: ${error instanceof Error ? error.message : String(error)}.`);
    return null;
  }
}

/** Why the history cannot prove that everything was well. */
function missingEvidence(history: History): string[] {
  const { events } = history;
  const unknown: string[] = [];
  if (events[0]?.kind !== 'start') unknown.push('The history does not begin with its start event.');
  const last = events.at(-1);
  if (last?.kind !== 'finish')
    unknown.push('The history does not end with its finish event: the run was cut short.');
  else
    for (const reason of last.incomplete)
      unknown.push(`The evidence is incomplete: ${reason.replace(/\.$/, '')}.`);
  if (eventsOf(history, 'settled').length === 0)
    unknown.push('The run did not get to the end of its settling.');
  const logs = new Set(eventsOf(history, 'fact-log').map(({ topic, partition }) => `${topic}/${partition}`));
  const missing = history.start.scenario.topology.topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => `${name}/${partition}`).filter(
      (key) => !logs.has(key),
    ),
  );
  if (missing.length > 0)
    unknown.push(`The evidence is incomplete: the final log of ${missing.join(', ')} is missing.`);
  return unknown;
}

export type { Anomaly, JudgedAnomaly, LedgerEntry, Outcome, Policy, Property, Verdict } from './property.ts';
export { duplicateLedger };
