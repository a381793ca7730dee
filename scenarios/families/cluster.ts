/**
 * The family of faults inside the cluster: a scenario and a plan enter, and the scenario leaves in which brokers answer
 * errors, leaders and coordinators move, brokers cannot reach each other, topics are recreated, and everything is bounced.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import { injectableApis, injectableErrors } from '../injectable-errors.ts';
import type { Action, Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

const kinds = [
  'answer-error',
  'move-coordinator',
  'move-leader',
  'throttle-broker',
  'isolate-brokers',
  'isolate-controller',
  'recreate-topic',
  'bounce-brokers',
  'bounce-members',
] as const;

/** More answers than the retries of one call of any client. */
const MANY = 50;
/** How long those may take, with several brokers that are asked in turn. */
const RETRIES_MS = 25_000;

const faultPlan = fc.record({
  /** There are more errors than any other kind of fault has forms. */
  kind: pick('answer-error', ...kinds),
  atMs: time(200, 10_000),
  durationMs: time(300, 5_000),
  subject: fc.nat({ max: 99 }),
  other: fc.nat({ max: 99 }),
  api: fc.nat({ max: 99 }),
  error: fc.nat({ max: 99 }),
  /** Up to so many that every retry of a client is answered so. */
  times: pick(1, 1, 2, 5, 10, MANY),
  ofAny: fc.boolean(),
  delayMs: pick(20, 200, 800),
  /** At a moment at which a member joins, where there is one. */
  duringJoin: switchedOn(4),
});

export const clusterPlan = fc.record({
  brokers: pick(3, 1, 3),
  /** How many of ten faults of each kind are kept: a kind that is off has none, and each has its own rate. */
  rates: fc.record(
    Object.fromEntries(kinds.map((kind) => [kind, pick(0, 0, 5, 10)])) as Record<
      (typeof kinds)[number],
      fc.Arbitrary<number>
    >,
  ),
  faults: fc.array(fc.record({ fault: faultPlan, draw: fc.integer({ min: 0, max: 9 }) }), {
    minLength: 3,
    maxLength: 8,
  }),
});
export type ClusterPlan = typeof clusterPlan extends fc.Arbitrary<infer P> ? P : never;
type FaultPlan = ClusterPlan['faults'][number]['fault'];

/** From the start of a process to the middle of its join. */
const JOINING_MS = 300;
/** Between two brokers, or two members, that are bounced one after the other. */
const BOUNCE_GAP_MS = 1_500;

export function applyCluster(scenario: Scenario, { rates, faults }: ClusterPlan): Scenario {
  const added = faults.flatMap(({ fault, draw }) =>
    draw < rates[fault.kind] ? faultOf(fault, scenario) : [],
  );
  const actions = [...scenario.actions, ...added].sort((a, b) => a.atMs - b.atMs);
  const { groups, topology } = scenario;
  // Errors are over when everything else is, and a client takes its time over its retries.
  const lastingMs = Math.max(
    0,
    ...added.map((action) =>
      action.kind === 'answer-error' && action.times >= MANY ? action.atMs + RETRIES_MS : 0,
    ),
  );
  const producers = scenario.producers.map((producer) => ({
    ...producer,
    stopMs: Math.max(producer.stopMs, lastingMs),
  }));
  const boundMs = settlingBoundMs({ topology, groups, producers, actions });
  return { ...scenario, producers, actions, settling: { ...scenario.settling, boundMs } };
}

function faultOf(plan: FaultPlan, { topology, groups, producers, actions }: Scenario): Action[] {
  const { kind, durationMs, times, delayMs } = plan;
  const joins = actions.filter((action) => action.kind === 'join');
  const atMs = plan.duringJoin && joins.length > 0 ? at(joins, plan.other).atMs + JOINING_MS : plan.atMs;
  const { name: topic, partitions } = at(topology.topics, plan.subject);
  const members = groups.flatMap((group) => group.members.map(({ id }) => id));
  const broker = 1 + (plan.subject % topology.brokers);
  switch (kind) {
    case 'answer-error': {
      const api = at(injectableApis, plan.api);
      const process = api === 'Produce' ? at(producers, plan.subject).id : at(members, plan.subject);
      const error = at(injectableErrors[api], plan.error);
      return [{ kind, atMs, api, error, times, process: plan.ofAny ? null : process }];
    }
    case 'move-coordinator':
      return [{ kind, atMs, group: at(groups, plan.subject).id }];
    case 'move-leader':
      return [{ kind, atMs, topic, partition: plan.other % partitions }];
    case 'throttle-broker':
      return [{ kind, atMs, durationMs, broker, delayMs }];
    case 'isolate-brokers': {
      if (topology.brokers === 1) return [];
      const next = 1 + (broker % topology.brokers);
      return [{ kind, atMs, durationMs, brokers: [broker, next] }];
    }
    case 'isolate-controller':
      return [{ kind, atMs, durationMs, broker }];
    case 'recreate-topic':
      return [{ kind, atMs, durationMs: Math.min(durationMs, 2_000), topic }];
    case 'bounce-brokers':
      return Array.from({ length: topology.brokers }, (_, i) => ({
        kind: 'restart-broker' as const,
        // The next one only when this one is back.
        atMs: atMs + i * (durationMs + RESTART_MS),
        durationMs,
        broker: i + 1,
      }));
    case 'bounce-members':
      return at(groups, plan.subject).members.flatMap(({ id: member }, i) => {
        const whenMs = atMs + i * BOUNCE_GAP_MS;
        return [
          { kind: 'terminate' as const, atMs: whenMs, member },
          { kind: 'join' as const, atMs: whenMs + BOUNCE_GAP_MS / 3, member },
        ];
      });
  }
}

/** From the start of a broker's process until it serves. */
const RESTART_MS = 4_000;
