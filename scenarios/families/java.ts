/**
 * The family of what only the Java client has words for: a scenario and a plan enter, and the scenario leaves in which groups
 * and producers are configured with it; half of the options are left to the client each time.
 */
import fc from 'fast-check';
import { defined, pick, switchedOn, unset } from '../draws.ts';
import type { Group, LinkConditions, Scenario } from '../schema.ts';
import { recordMs, settlingBoundMs } from '../settling.ts';

const POLL_RECORDS = [500, 50, 5, 1] as const;
const POLL_INTERVALS_MS = [10_000, 3_000, 800] as const;
const javaGroupPlan = fc.record({
  assignors: unset(
    pick(
      ['range'] as const,
      ['roundrobin'] as const,
      ['sticky'] as const,
      ['cooperative-sticky'] as const,
      ['cooperative-sticky'] as const,
      ['range', 'cooperative-sticky'] as const,
      ['cooperative-sticky', 'range'] as const,
    ),
  ),
  staticMembership: unset(fc.boolean()),
  maxPollRecords: unset(pick(...POLL_RECORDS)),
  maxPollIntervalMs: unset(pick(...POLL_INTERVALS_MS)),
  fetchMinBytes: unset(pick(1, 200, 5_000)),
  isolationLevel: unset(pick('read_uncommitted', 'read_committed')),
  subscription: unset(pick('names', 'pattern')),
  callback: unset(fc.boolean()),
  /** Seldom: without a committed offset such a group fails, and nobody but itself could commit one. */
  resetsToNone: switchedOn(1),
  /** So that the work on one poll may take longer than the poll interval. */
  isSlow: switchedOn(3),
  /** Whether an application that commits itself does so after all of a poll, with a call that names no offsets. */
  commitsPolls: switchedOn(4),
  closeTimeoutMs: unset(pick(30_000, 500, 0)),
  /** Heartbeats farther apart than a third of the session, which Java's documentation advises against and allows. */
  hasFewHeartbeats: switchedOn(2),
  fewHeartbeatsDivisor: pick(2, 1.5),
});
const javaProducerPlan = fc.record({
  lingerMs: unset(pick(0, 5, 50, 500)),
  batchBytes: unset(pick(16_384, 200, 0)),
  closing: unset(pick('flush', 'drop')),
  deliveryTimeoutMs: unset(pick(30_000, 5_000, 1_500)),
});
export const javaPlan = fc.record({
  groups: fc.tuple(javaGroupPlan, javaGroupPlan),
  producers: fc.tuple(javaProducerPlan, javaProducerPlan, javaProducerPlan),
});
type JavaPlan = typeof javaPlan extends fc.Arbitrary<infer P> ? P : never;

const SLOW_HANDLER_MS = { min: 20, max: 200 };
/** What one record costs beside its handler: the commit, and its share of a poll. */
const PER_RECORD_MS = 20;

/**
 * An application that takes more records than it can work on before it has to poll loses its place, and with it all that
 * it has not committed; it gets on only where it commits after each record and stops when that is refused. Any other one
 * is given fewer.
 */
export function workablePollRecords(
  group: Group,
  maxPollRecords: number,
  network: LinkConditions | undefined,
  pollIntervalMs = group.maxPollIntervalMs ?? group.rebalanceTimeoutMs,
): number {
  if (group.commitMode.kind === 'per-record') return maxPollRecords;
  const eachMs =
    group.commitMode.kind === 'transaction'
      ? recordMs(group, network)
      : group.handler.timeMs.max + PER_RECORD_MS;
  return Math.min(maxPollRecords, Math.max(1, Math.floor(pollIntervalMs / 2 / eachMs)));
}

/**
 * Where the requests of a single transaction take longer than the poll interval, a pipeline loses its place in each, and
 * never gets on: it is given the next longer one.
 */
function workablePollIntervalMs(
  group: Group,
  intervalMs: number | undefined,
  network: LinkConditions | undefined,
): number | undefined {
  const neededMs = recordMs(group, network);
  return group.commitMode.kind !== 'transaction' || (intervalMs ?? group.rebalanceTimeoutMs) >= neededMs
    ? intervalMs
    : (POLL_INTERVALS_MS.findLast((ms) => ms >= neededMs) ?? neededMs);
}

/**
 * What a pipeline on a network has to have to get on, where nothing else is drawn for it.
 * @param hasJavaOptions whether the client may be told of polls; without them its rebalance timeout is its poll interval
 */
export function workablePipeline(
  group: Group,
  network: LinkConditions | undefined,
  hasJavaOptions: boolean,
): Partial<Group> {
  if (network === undefined) return {};
  if (!hasJavaOptions)
    return { rebalanceTimeoutMs: Math.max(group.rebalanceTimeoutMs, recordMs(group, network)) };
  const maxPollIntervalMs = workablePollIntervalMs(group, group.maxPollIntervalMs, network);
  const maxPollRecords = workablePollRecords(
    group,
    group.maxPollRecords ?? POLL_RECORDS[0],
    network,
    maxPollIntervalMs,
  );
  return { ...defined({ maxPollIntervalMs }), maxPollRecords };
}

/**
 * The poll interval is the rebalance timeout too: who hears of a rebalance only after it is thrown out of each one. Who
 * has longer between its heartbeats than a third of its session keeps to a third of the interval.
 */
function heartbeatMs(group: Group, pollIntervalMs: number, fewDivisor: number | null): number {
  const floored = (ms: number): number => Math.floor(ms / 50) * 50;
  return fewDivisor === null
    ? Math.min(group.heartbeatIntervalMs, floored(pollIntervalMs / 4))
    : Math.min(floored(group.sessionTimeoutMs / fewDivisor), floored(pollIntervalMs / 3));
}

function commitModeOf(
  { commitMode, commitOrder }: Group,
  callback: boolean | undefined,
  isWhole: boolean,
): Group['commitMode'] {
  const commitsPolls = isWhole && commitOrder === 'process-then-commit';
  switch (commitMode.kind) {
    case 'per-record':
    case 'per-batch':
      return commitsPolls ? { kind: 'per-poll' } : commitMode;
    case 'asynchronous':
      return { ...commitMode, ...defined({ callback, after: commitsPolls ? ('poll' as const) : undefined }) };
    default:
      return commitMode;
  }
}

export function configureAsJava(scenario: Scenario, plan: JavaPlan): Scenario {
  const groups = scenario.groups.map((group, index): Group => {
    const {
      assignors,
      callback,
      resetsToNone,
      isSlow,
      maxPollRecords,
      commitsPolls,
      hasFewHeartbeats,
      fewHeartbeatsDivisor,
      ...drawn
    } = plan.groups[index] ?? plan.groups[0];
    const commitMode = commitModeOf(group, callback, commitsPolls);
    const handler = isSlow ? { ...group.handler, timeMs: SLOW_HANDLER_MS } : group.handler;
    const { network } = scenario.topology;
    const working = { ...group, handler, commitMode };
    const maxPollIntervalMs = workablePollIntervalMs(working, drawn.maxPollIntervalMs, network);
    const rest = { ...drawn, maxPollIntervalMs };
    const pollIntervalMs = maxPollIntervalMs ?? group.rebalanceTimeoutMs;
    // A transaction for each record, on a slow network: the client's own default would never do.
    const wantedRecords =
      maxPollRecords ??
      (commitMode.kind === 'transaction' && network !== undefined ? POLL_RECORDS[0] : undefined);
    return {
      ...group,
      ...defined(rest),
      handler,
      heartbeatIntervalMs: heartbeatMs(group, pollIntervalMs, hasFewHeartbeats ? fewHeartbeatsDivisor : null),
      ...(assignors === undefined ? {} : { assignors: [...assignors] }),
      ...(resetsToNone ? { autoOffsetReset: 'none' } : {}),
      ...(wantedRecords === undefined
        ? {}
        : { maxPollRecords: workablePollRecords(working, wantedRecords, network, pollIntervalMs) }),
      commitMode,
    };
  });
  const producers = scenario.producers.map((producer, index) => ({
    ...producer,
    ...defined(plan.producers[index] ?? plan.producers[0]),
  }));
  const boundMs = settlingBoundMs({ ...scenario, groups, producers });
  return { ...scenario, groups, producers, settling: { boundMs } };
}
