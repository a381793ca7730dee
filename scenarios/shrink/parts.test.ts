/** What is left of a scenario when a part is taken out: a scenario still, without a word of what is gone. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scenarioArbitrary } from '../arbitrary.ts';
import { isOutage, scenarioSchema } from '../schema.ts';
import {
  keepActions,
  keepBrokers,
  keepDead,
  keepGroups,
  keepMembers,
  keepPartitions,
  keepProducers,
  keepTopics,
} from './parts.ts';
import { fewerRecords, plainerConfiguration, rounderTimes, shorterWindows } from './simpler.ts';

/** With links, and with whatever there is, such as members and brokers that stay dead. */
const anyScenario = fc.oneof(scenarioArbitrary('network'), scenarioArbitrary('everything-java'));

it('is a scenario again, whatever goes', () => {
  fc.assert(
    fc.property(anyScenario, fc.nat(), (scenario, number) => {
      const some = (text: string): boolean => (text.length + number) % 2 === 0;
      const left = [
        keepGroups(scenario, some),
        keepMembers(scenario, (id) => (Number(id.at(-1)) + number) % 2 === 0),
        keepProducers(scenario, some),
        keepTopics(scenario, some),
        keepActions(scenario, (_, i) => (i + number) % 2 === 0),
        keepBrokers(scenario, 1),
        keepDead(scenario, some),
        ...scenario.topology.topics.map(({ name }) => keepPartitions(scenario, name, 1)),
      ];
      for (const one of left.filter((one) => one !== null && one.groups.length > 0))
        expect(scenarioSchema.safeParse(one).error).toBeUndefined();
    }),
    { seed: 1, numRuns: 100 },
  );
});

it('is simpler in values that the schema allows, or that it refuses and nobody runs', () => {
  const [scenario] = fc.sample(scenarioArbitrary('java'), { seed: 3, numRuns: 1 });
  if (scenario === undefined) throw new Error('no sample');
  for (const simpler of [fewerRecords, shorterWindows, rounderTimes, plainerConfiguration]) {
    const all = [...simpler(scenario)];
    expect(all.length).toBeGreaterThan(0);
    expect(all.some((one) => scenarioSchema.safeParse(one).success)).toBe(true);
    for (const one of all) expect(one).not.toEqual(scenario);
  }
});

it('leaves one quota of several', () => {
  const [scenario] = fc.sample(scenarioArbitrary('calm'), { seed: 3, numRuns: 1 });
  if (scenario === undefined) throw new Error('no sample');
  const quotas = { consumerBytesPerSecond: 1, producerBytesPerSecond: 2, requestPercent: 3 };
  const throttle = {
    kind: 'throttle-client',
    atMs: 3_600_000,
    durationMs: 1,
    process: null,
    quotas,
  } as const;
  const quotasOf = (one: typeof scenario): string[] =>
    one.actions.flatMap((action) =>
      action.kind === 'throttle-client' ? [Object.keys(action.quotas).join(' ')] : [],
    );
  const simpler = [...plainerConfiguration({ ...scenario, actions: [...scenario.actions, throttle] })];
  const left = new Set(simpler.flatMap(quotasOf));
  for (const one of [
    'requestPercent',
    'producerBytesPerSecond requestPercent',
    'consumerBytesPerSecond requestPercent',
    'consumerBytesPerSecond producerBytesPerSecond',
  ])
    expect(left).toContain(one);
  expect(left).not.toContain('');
});

it('allows no more time to settle than what is left justifies, and never more than before', () => {
  const [scenario] = fc.sample(scenarioArbitrary('brokers'), { seed: 5, numRuns: 1 });
  if (scenario === undefined) throw new Error('no sample');
  const fewer = keepActions(scenario, (action) => !('broker' in action));
  expect(fewer.settling.boundMs).toBeLessThan(scenario.settling.boundMs);
  const tight = { ...scenario, settling: { boundMs: 10 } };
  expect(keepActions(tight, () => true).settling.boundMs).toBe(10);
});

it('allows for brokers that stay dead, and leaves nobody dead who is not there', () => {
  const scenario = fc
    .sample(scenarioArbitrary('cluster'), { seed: 1, numRuns: 100 })
    .find(
      ({ actions, settling: { dead } }) =>
        !actions.some(isOutage) && (dead?.brokers.length ?? 0) > 0 && (dead?.members.length ?? 0) > 0,
    );
  if (scenario === undefined) throw new Error('no sample');
  const { boundMs, dead } = scenario.settling;
  expect(keepActions(scenario, () => true).settling).toEqual({ boundMs, dead });
  const healed = keepDead(scenario, (one) => one.startsWith('member'));
  expect(healed.settling.dead).toEqual({ members: dead?.members, brokers: [] });
  expect(healed.settling.boundMs).toBeLessThan(boundMs);
  expect(keepDead(scenario, () => false).settling).toEqual({ boundMs: healed.settling.boundMs });
  const [gone] = dead?.members ?? [];
  const without = keepMembers(scenario, (id) => id !== gone);
  expect(without?.settling.dead?.members).toEqual(dead?.members.slice(1));
});

it('gives each member of a shared process one of its own, and to whoever is left alone', () => {
  const [scenario] = fc.sample(scenarioArbitrary('members'), { seed: 2, numRuns: 1 });
  if (scenario === undefined) throw new Error('no sample');
  for (const { members } of scenario.groups) for (const member of members) member.sharedProcess = 'shop';
  const [first] = scenario.groups.flatMap(({ members }) => members.map(({ id }) => id));
  const left = keepMembers(scenario, (id) => id === first);
  expect(scenarioSchema.safeParse(left).error).toBeUndefined();
  const simpler = [...plainerConfiguration(scenario)];
  expect(simpler.some((one) => !JSON.stringify(one).includes('sharedProcess'))).toBe(true);
});
