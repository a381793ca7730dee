/**
 * The family of client quotas: a scenario and a plan enter, and the scenario leaves in which some processes, or all, may for a
 * while read, write or ask only so much. How much is a share of what there is, so that it matters now and then.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import type { Action, Scenario } from '../schema.ts';
import { bytesOf, largestBatchBytes, QUOTA_WINDOW_MS, settlingBoundMs } from '../settling.ts';

/** Beyond so long nobody is made to wait for one batch, to read it or to write it. */
const READ_MS = 60_000;
const WRITE_MS = 20_000;

const throttlePlan = fc.record({
  atMs: time(200, 5_000),
  durationMs: time(1_000, 10_000),
  process: fc.nat({ max: 99 }),
  ofAll: switchedOn(4),
  kind: pick('bytes', 'requests', 'both'),
  /** Of all bytes, how many of a hundred one process may read from one broker at once; and write, of its own. */
  readPercent: pick(10, 4, 2),
  writePercent: pick(70, 40, 20),
  requestPercent: pick(0.2, 0.05, 0.01),
});

export const throttlesPlan = fc.record({
  isOn: switchedOn(3),
  throttles: fc.array(throttlePlan, { minLength: 1, maxLength: 2 }),
});
export type ThrottlesPlan = typeof throttlesPlan extends fc.Arbitrary<infer P> ? P : never;

export function applyThrottles(scenario: Scenario, { isOn, throttles }: ThrottlesPlan): Scenario {
  if (!isOn) return scenario;
  const added = throttles.map((plan) => throttleOf(plan, scenario));
  const actions = [...scenario.actions, ...added].sort((a, b) => a.atMs - b.atMs);
  const { settling } = scenario;
  const boundMs = settlingBoundMs({ ...scenario, actions }, settling.dead);
  return { ...scenario, actions, settling: { ...settling, boundMs } };
}

function throttleOf(plan: ThrottlesPlan['throttles'][number], scenario: Scenario): Action {
  const { atMs, durationMs, ofAll, kind } = plan;
  const { groups, producers } = scenario;
  const writers = new Set(producers.map(({ id }) => id));
  for (const { commitMode, members } of groups)
    if (commitMode.kind === 'transaction') for (const { id } of members) writers.add(id);
  const readers = groups.flatMap(({ members }) => members.map(({ id }) => id));
  const chosen = at([...producers.map(({ id }) => id), ...readers], plan.process);
  const rateOf = (bytes: number, percent: number, batchMs: number): number => {
    const shared = ((bytes / 100) * percent) / QUOTA_WINDOW_MS;
    return Math.ceil(1_000 * Math.max(shared, largestBatchBytes(scenario) / batchMs));
  };
  const own = producers.filter(({ id }) => id === chosen);
  const written = bytesOf({ producers: own.length > 0 ? own : producers });
  const consumerBytesPerSecond = rateOf(bytesOf(scenario), plan.readPercent, READ_MS);
  const producerBytesPerSecond = rateOf(written, plan.writePercent, WRITE_MS);
  const quotas = {
    ...(kind !== 'requests' && (ofAll || readers.includes(chosen)) ? { consumerBytesPerSecond } : {}),
    ...(kind !== 'requests' && (ofAll || writers.has(chosen)) ? { producerBytesPerSecond } : {}),
    ...(kind === 'bytes' ? {} : { requestPercent: plan.requestPercent }),
  };
  return { kind: 'throttle-client', atMs, durationMs, process: ofAll ? null : chosen, quotas };
}
