/** Making failing scenarios small: what counts as the same failure, when it ends, and how small real ones get. */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import type { JudgedAnomaly } from '../../properties/property.ts';
import { sizeOf } from '../../reports/shrink-result.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { type Scenario, scenarioSchema } from '../../scenarios/schema.ts';
import { type Executor, inThisThread, type Ran } from '../runner/unit.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { failureOf, findFailure, type ShrinkOptions, shrink } from './shrink.ts';

const anomaly = (signature: string, message = 'something'): JudgedAnomaly => ({
  property: 'at-least-once',
  signature,
  policy: 'illegal',
  message,
  events: [0],
  subject: {},
});

const ranWith = (scenario: Scenario, anomalies: JudgedAnomaly[]): Ran => ({
  scenario,
  history: null,
  verdict: { outcome: 'invalid', anomalies, unknown: [], properties: [], ledger: [] },
  goals: [],
  skippedActions: [],
  scenarioMs: 0,
  traceHash: null,
  wallSeconds: 0,
  figures: null,
  failure: null,
  log: [],
});

/** A world in which a scenario fails as a function says. */
const failing = (of: (scenario: Scenario) => JudgedAnomaly[]): Executor => ({
  async execute(plan) {
    if (!('scenario' in plan)) throw new Error('only given scenarios are shrunk');
    // What is tried has to be a scenario, whatever was taken out of it.
    expect(scenarioSchema.safeParse(plan.scenario).success).toBe(true);
    return ranWith(plan.scenario, of(plan.scenario));
  },
  async [Symbol.asyncDispose]() {},
});

const start = generateScenario(7, 5);
const options = (executor: Executor): ShrinkOptions => ({
  executor,
  timeMs: 60_000,
  signal: new AbortController().signal,
  onStep: () => {},
});

describe('shrink', () => {
  it('keeps what the failure needs, and nothing else', async () => {
    const needed = (scenario: Scenario): boolean =>
      scenario.actions.some((action) => action.kind === 'stall') &&
      scenario.topology.topics.some(({ partitions }) => partitions >= 2);
    const executor = failing((scenario) => (needed(scenario) ? [anomaly('lost')] : []));
    const { smallest, ended, steps, attempts } = await shrink(
      ranWith(start, [anomaly('lost')]),
      failureOf(anomaly('lost')),
      options(executor),
    );
    expect(ended).toBe('smallest');
    expect(steps).toBeLessThan(attempts);
    expect(smallest.actions).toMatchObject([{ kind: 'stall', atMs: 3_000, durationMs: 500 }]);
    expect(sizeOf(smallest)).toEqual({
      members: 1,
      actions: 1,
      groups: 1,
      producers: 0,
      records: 0,
      topics: 1,
      partitions: 2,
      brokers: 1,
    });
  });

  it('takes no step to another signature, to what is only observed, or to markers alone', async () => {
    const others = [
      anomaly('repeated'),
      { ...anomaly('lost'), policy: 'observed' as const },
      anomaly('lost', 'offset 3 (record marker-0)'),
    ];
    const { smallest, steps } = await shrink(
      ranWith(start, [anomaly('lost')]),
      failureOf(anomaly('lost')),
      options(failing(() => others)),
    );
    expect(steps).toBe(0);
    expect(smallest).toBe(start);
  });

  it('keeps the smallest so far when it is interrupted, and when its time is over', async () => {
    const interruption = new AbortController();
    let runs = 0;
    const executor = failing(() => {
      if (++runs === 5) interruption.abort(new Error('interrupted'));
      return [anomaly('lost')];
    });
    const ran = ranWith(start, [anomaly('lost')]);
    const failure = failureOf(anomaly('lost'));
    const interrupted = await shrink(ran, failure, { ...options(executor), signal: interruption.signal });
    expect(interrupted).toMatchObject({ ended: 'interrupted', attempts: 5, steps: 5 });
    expect(sizeOf(interrupted.smallest).members).toBeLessThan(sizeOf(start).members);
    expect(await shrink(ran, failure, { ...options(executor), timeMs: 0 })).toMatchObject({
      ended: 'time',
      attempts: 0,
      smallest: start,
    });
  });
});

describe('failures of kafkajs that the generator finds', () => {
  it.each([
    [26, 'produced-offset'],
    [37, 'convergence'],
  ])('7:%i shrinks to at most 3 members and 6 actions, which fail alike again', async (index, property) => {
    const world = new SimulatedWorld();
    const executor = inThisThread({
      world,
      subject: { client: 'kafkajs', mutant: null },
      properties: catalogue,
    });
    const { signal } = new AbortController();
    const ran = await executor.execute({ index: 1, scenario: generateScenario(7, index) }, signal);
    const found = ran.verdict.anomalies.find((one) => one.property === property && one.policy === 'illegal');
    expect(found).toBeDefined();
    const failure = failureOf(found as JudgedAnomaly);
    const { smallest, ended } = await shrink(ran, failure, options(executor));
    const { members, actions } = sizeOf(smallest);
    expect({ ended, few: members <= 3 && actions <= 6 }).toEqual({ ended: 'smallest', few: true });
    const [once, again] = [
      await executor.execute({ index: 1, scenario: smallest }, signal),
      await executor.execute({ index: 1, scenario: smallest }, signal),
    ];
    expect(findFailure(once, failure)).toBeDefined();
    expect(again.traceHash).toBe(once.traceHash);
  });
});
