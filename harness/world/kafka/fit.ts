/**
 * A generated scenario as containers can run it: a scenario of any size and network enters, and one leaves that asks for
 * nothing which no machine's Kafka has: two, four or five brokers, clocks that differ, single segments
 * that are lost, several members in one process on a network of its own.
 */
import { type Action, type LinkConditions, parseScenario, type Scenario } from '../../../scenarios/schema.ts';
import { refusalOf } from './links/chain.ts';

/** Of 2, 4 or 5 brokers three are left. */
const BROKERS = 3;

export function fitToKafka(scenario: Scenario): Scenario {
  const { topology, groups, actions } = scenario;
  const { network } = topology;
  const isFit =
    (topology.brokers === 1 || topology.brokers === BROKERS) &&
    (network === undefined || refusalOf(network) === null) &&
    groups.every(({ members }) =>
      members.every(
        ({ clock, sharedProcess }) =>
          clock === undefined && (network === undefined || sharedProcess === undefined),
      ),
    );
  if (isFit) return scenario;
  const brokers = topology.brokers === 1 ? 1 : BROKERS;
  const fitted = {
    ...scenario,
    topology: {
      ...topology,
      brokers,
      topics: topology.topics.map((topic) => ({
        ...topic,
        replicationFactor: Math.min(topic.replicationFactor, brokers),
      })),
      ...(network === undefined ? {} : { network: fitConditions(network) }),
    },
    groups: groups.map((group) => ({
      ...group,
      members: group.members.map(({ clock: _clock, sharedProcess, ...member }) =>
        network === undefined && sharedProcess !== undefined ? { ...member, sharedProcess } : member,
      ),
    })),
    actions: actions.map((action) => fitAction(action, brokers)),
  };
  return parseScenario(fitted, `${scenario.name} for real Kafka`);
}

function fitAction(action: Action, brokers: number): Action {
  const placed = (broker: number): number => 1 + ((broker - 1) % brokers);
  if ('broker' in action) return { ...action, broker: placed(action.broker) };
  if (!('link' in action)) return action;
  const { broker } = action.link;
  const link = { ...action.link, broker: broker === null ? null : placed(broker) };
  return action.kind === 'slow-link' ? { ...action, ...fitConditions(action), link } : { ...action, link };
}

const fitConditions = ({ latencyMs, bytesPerSecond }: LinkConditions): LinkConditions => ({
  latencyMs,
  bytesPerSecond: bytesPerSecond === null ? null : Math.ceil(bytesPerSecond / 1_000) * 1_000,
  lossPerThousand: 0,
});
