/** How checkers word what they found: the facts of one breach enter, an `Anomaly` with its proof in order leaves. */
import type { Group, Producer, Scenario } from '../scenarios/schema.ts';
import type { Anomaly } from './property.ts';

/** The `seq` of the events that prove an anomaly, ascending and once each; what is missing is left out. */
export function proof(...seqs: readonly (number | null | undefined)[]): number[] {
  const present = seqs.filter((seq) => seq !== null && seq !== undefined);
  return [...new Set(present)].sort((a, b) => a - b);
}

/** Makes the anomalies of one property. */
export const reporter =
  (property: string) =>
  (signature: string, message: string, events: readonly number[], subject: Anomaly['subject']): Anomaly => {
    if (events.length === 0) throw new Error(`an anomaly of ${property} has no proof: ${message}`);
    return { property, signature, message, events, subject };
  };

/** The configuration of the group that an anomaly is about. */
export function groupOf(scenario: Scenario, anomaly: Anomaly): Group {
  const group = scenario.groups.find((one) => one.id === anomaly.subject.group);
  if (group === undefined) throw new Error(`the scenario has no group '${anomaly.subject.group}'`);
  return group;
}

/** The configuration of the producer that an anomaly is about. */
export function producerOf(scenario: Scenario, anomaly: Anomaly): Producer {
  const producer = scenario.producers.find((one) => one.id === anomaly.subject.producer);
  if (producer === undefined) throw new Error(`the scenario has no producer '${anomaly.subject.producer}'`);
  return producer;
}
