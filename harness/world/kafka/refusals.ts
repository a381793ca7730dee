/**
 * What the Kafka world cannot do: a scenario enters, one sentence for each thing leaves. It is known without the world
 * itself, so that reports can say where a replay is possible.
 */
import type { Scenario } from '../../../scenarios/schema.ts';
import { findMutant, needsSimulatedCluster } from '../../client/mutants.ts';
import { refusalOf as linkRefusalOf } from './links/chain.ts';

/** @param ownCluster whether the world starts the cluster itself */
export function kafkaRefusals(scenario: Scenario, ownCluster: boolean): string[] {
  const sentences: string[] = [];
  const { brokers } = scenario.topology;
  if (ownCluster && brokers !== 1 && brokers !== 3)
    sentences.push(
      `topology.brokers: the Kafka world starts 1 or 3 brokers, not ${brokers}; --brokers names a cluster of another size.`,
    );
  const { network } = scenario.topology;
  const ofNetwork = network === undefined ? null : linkRefusalOf(network);
  if (ofNetwork !== null) sentences.push(`topology.network.${ofNetwork}.`);
  if (scenario.topology.offsetsRetentionMs !== undefined)
    sentences.push(
      'topology.offsetsRetentionMs: Kafka counts the retention of offsets in minutes, so the Kafka world leaves it alone.',
    );
  if (scenario.topology.racks !== undefined && !ownCluster)
    sentences.push('topology.racks: brokers that --brokers names are in the racks that they are in.');
  if (scenario.topology.topics.some(({ uncleanLeaderElection }) => uncleanLeaderElection === true))
    sentences.push(
      'topology.topics.uncleanLeaderElection: the Kafka world creates topics with the settings of its brokers.',
    );
  if (scenario.groups.some(({ members }) => members.some(({ clock }) => clock !== undefined)))
    sentences.push('groups.members.clock: the Kafka world has the clock of its machine, and cannot set it.');
  for (const [index, action] of scenario.actions.entries()) {
    const refusal = action.kind === 'slow-link' ? linkRefusalOf(action) : null;
    if (refusal !== null) sentences.push(`actions[${index}].${refusal}.`);
  }
  return sentences;
}

/** Why a scenario can be run in the simulated world alone; empty where the Kafka world can run it too. */
export function simulatedOnlyOf(scenario: Scenario, mutantId: string | null): string[] {
  const mutant = mutantId === null ? undefined : findMutant(mutantId);
  return [
    ...(mutant !== undefined && needsSimulatedCluster(mutant)
      ? [
          `The mutant '${mutant.id}' breaks a ${mutant.breaks}, which only the simulated cluster lets itself be broken in.`,
        ]
      : []),
    ...kafkaRefusals(scenario, true),
  ];
}
