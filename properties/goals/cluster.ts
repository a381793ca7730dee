/** Goals about the cluster and the network: brokers, leaders and coordinators that go away when somebody needs them. */
import type { ActionKind } from '../../scenarios/schema.ts';
import { type Goal, goal, type Reached, rare } from './goal.ts';

/** While an action of these kinds lasts. */
const during = ({ evidence }: Reached, kinds: readonly ActionKind[], time: number): boolean =>
  evidence.actions.some(
    ({ action, fromTime, toTime }) => kinds.includes(action.kind) && fromTime <= time && time <= toTime,
  );
const applied =
  (...kinds: ActionKind[]) =>
  (reached: Reached) =>
    reached.evidence.actions.some(({ action, isCertain }) => isCertain && kinds.includes(action.kind));

const BROKER_AWAY = ['crash-broker', 'restart-broker', 'pause-broker'] as const;

/** How many brokers are away when one more has just gone. */
const awayAt = ({ evidence }: Reached, time: number): number =>
  new Set(
    evidence.actions.flatMap(({ action, fromTime, toTime }) =>
      (action.kind === 'crash-broker' ||
        action.kind === 'restart-broker' ||
        action.kind === 'pause-broker') &&
      fromTime <= time &&
      time < toTime
        ? [action.broker]
        : [],
    ),
  ).size;

export const clusterGoals: readonly Goal[] = [
  goal('rebalance-while-a-broker-is-away', 'a group rebalances while a broker is away', (r) =>
    r.evidence.groups.some((group) =>
      group.generations.some(
        ({ isStable, time, index }) => isStable && index > 1 && during(r, BROKER_AWAY, time),
      ),
    ),
  ),
  goal('commit-while-a-broker-is-away', 'a commit is accepted while a broker is away', (r) =>
    r.of('commit-accepted').some(({ time }) => during(r, BROKER_AWAY, time)),
  ),
  goal('most-brokers-are-away', 'half of several brokers or more are away, and no majority is left', (r) => {
    const { brokers } = r.evidence.scenario.topology;
    return brokers > 1 && r.evidence.actions.some(({ fromTime }) => 2 * awayAt(r, fromTime) >= brokers);
  }),
  goal('coordinator-moves', 'a group gets another coordinator', applied('move-coordinator')),
  goal(
    'coordinator-moves-during-a-rebalance',
    'a coordinator moves between two generations of a second',
    (r) =>
      r.evidence.actions.some(
        ({ action, fromTime }) =>
          action.kind === 'move-coordinator' &&
          r.evidence.groups.some(
            (group) =>
              group.id === action.group &&
              group.generations.some(
                (one) => one.isStable && one.time > fromTime && one.time - fromTime < 1_000,
              ),
          ),
      ),
  ),
  goal('leader-moves', 'a partition gets another leader', applied('move-leader')),
  goal(
    'brokers-cannot-reach-each-other',
    'two brokers are cut off from each other',
    applied('isolate-brokers'),
  ),
  goal(
    'broker-cut-off-from-the-controller',
    'the controller does not hear a broker',
    applied('isolate-controller'),
  ),
  goal('broker-is-slow', 'a broker delays each request', applied('throttle-broker')),
  goal(
    'client-is-told-to-wait',
    'a broker tells a client to wait for the sake of a quota',
    (r) => r.of('wire-throttle').length > 0,
  ),
  goal('told-to-wait-past-the-session', 'a member is told to wait for longer than its session', (r) =>
    r.of('wire-throttle').some(({ process, throttleTimeMs }) => {
      const group = r.evidence.groups.find(({ processes }) =>
        processes.some((one) => one.process === process),
      );
      return group !== undefined && throttleTimeMs > group.config.sessionTimeoutMs;
    }),
  ),
  goal('wait-outlasts-its-quota', 'a client has to wait on when its quota is taken away', (r) =>
    r.evidence.actions.some(
      ({ action, toTime }) =>
        action.kind === 'throttle-client' &&
        r.evidence.throttles.some((span) => span.fromTime < toTime && span.toTime > toTime),
    ),
  ),
  goal('error-on-purpose', 'a broker answers an error on purpose', (r) => r.of('error-answered').length > 0),
  rare(
    goal(
      'unclean-election',
      'a replica that is behind becomes leader',
      (r) => r.of('unclean-election').length > 0,
    ),
  ),
  goal('topic-is-recreated', 'a topic is deleted and created again', applied('recreate-topic')),
  goal('topic-is-compacted', 'a topic is compacted', applied('compact-topic')),
  goal('offset-set-by-an-operator', 'an operator sets a committed offset', applied('alter-offsets')),
  goal('link-is-cut-past-the-session', 'a member is cut off for longer than its session', (r) =>
    r.evidence.actions.some(
      ({ action }) =>
        action.kind === 'cut-link' &&
        r.evidence.groups.some(
          ({ config }) =>
            action.durationMs > config.sessionTimeoutMs &&
            config.members.some(({ id }) => id === action.link.process),
        ),
    ),
  ),
  goal('connection-is-half-open', 'a broker forgets a connection', (r) =>
    r.evidence.actions.some(({ action }) => action.kind === 'reset-link' && action.ending === 'half-open'),
  ),
  goal(
    'produce-unknown',
    'a producer does not learn what became of a send',
    (r) => r.of('produce-unknown').length > 0,
  ),
  goal('producer-killed-in-a-send', 'a producer is killed before its send is answered', (r) =>
    r.evidence.producing.sends.some(
      ({ outcome, process }) =>
        outcome === 'none' && r.evidence.processes.get(process)?.exit?.signal === 'SIGKILL',
    ),
  ),
  goal('unanswered-send-is-in-the-log', 'a record of a send without an answer is in the log', (r) =>
    r.evidence.producing.sends.some(
      ({ outcome, records }) =>
        (outcome === 'none' || outcome === 'unknown') &&
        records.some((record) => r.evidence.locations.has(record)),
    ),
  ),
  goal('record-written-twice', 'a record is in the log twice', (r) =>
    [...r.evidence.locations].some(([record, places]) => !record.startsWith('marker-') && places.length > 1),
  ),
  rare(goal('process-frozen', 'a process computes without end', (r) => r.of('process-frozen').length > 0)),
];
