/** The soak: a small one of both clients, what it counts, and what it comes to. */
import { expect, it } from 'vitest';
import { goals } from '../../properties/goals/index.ts';
import { catalogue } from '../../properties/index.ts';
import { kill, missed, resultOf } from '../mutants/testing/kills.ts';
import { inThisThread } from '../runner/unit.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { sectionPage } from './page.tsx';
import { soakSections } from './sections.ts';
import { nextPart, type SoakPart, type SoakResult, soak } from './soak.ts';
import { sectionLines, sectionMarkdown } from './table.ts';
import { exitCodeOfSoak, missedGoals, SCENARIOS_FOR_GOALS } from './verdict.ts';

const small = async () =>
  await soak({
    clients: ['reference', 'kafkajs'],
    profiles: ['consumer', 'cluster', 'resets-java', 'everything'],
    seed: 12,
    timeMs: null,
    scenariosMax: 35,
    scenariosPerRound: 5,
    jobs: 1,
    executorOf: (client) =>
      inThisThread({ world: new SimulatedWorld(), subject: { client, mutant: null }, properties: catalogue }),
    onProgress: () => {},
    signal: new AbortController().signal,
  });

it('gives each client its profiles, reaches goals, and finds nothing under the control', async () => {
  const result = await small();
  expect(result.parts.map(({ client, profile }) => `${client} ${profile}`)).toEqual([
    'reference consumer',
    'reference cluster',
    'reference resets-java',
    'reference everything',
    'kafkajs consumer',
    'kafkajs cluster',
    'kafkajs everything',
  ]);
  expect(result.parts.map(({ scenarios }) => scenarios)).toEqual(Array.from({ length: 7 }, () => 5));
  expect(result.unknown).toEqual([]);
  expect(
    result.findings.filter(({ client, policy }) => client === 'reference' && policy === 'illegal'),
  ).toEqual([]);
  // A good part of what there is, in so few scenarios.
  expect([...result.goals.values()].filter((times) => times > 0).length).toBeGreaterThan(goals.length / 4);
  expect(sectionLines(soakSections(result, null)).join('\n')).toContain('reference  everything');
}, 240_000);

const part = (
  profile: SoakPart['profile'],
  scenarios: number,
  reached: Record<string, number>,
): SoakPart => ({
  client: 'reference',
  profile,
  scenarios,
  invalid: 0,
  unknown: 0,
  goals: new Map(Object.entries(reached)),
});

it('leans to the profiles that reach what is reached least', () => {
  const total = new Map([
    ['often', 500],
    ['seldom', 2],
  ]);
  const common = part('calm', 50, { often: 50 });
  const precious = part('cluster', 50, { often: 10, seldom: 2 });
  expect(nextPart([common, precious], total)).toBe(precious);
  const fresh = part('resets', 0, {});
  expect(nextPart([common, precious, fresh], total)).toBe(fresh);
});

it('fails on a mistake under the control, on goals that many scenarios miss, and knows nothing of nothing', () => {
  const reached = (name: string): number => (name === 'seek-out-of-range' ? 0 : 1);
  const result: SoakResult = {
    seed: 1,
    parts: [part('consumer', 10, {})],
    findings: [],
    goals: new Map(goals.map(({ name }) => [name, reached(name)])),
    scenarios: 10,
    unknown: [],
  };
  expect(missedGoals(result)).toEqual(['seek-out-of-range']);
  expect(exitCodeOfSoak(result)).toBe(0);
  expect(exitCodeOfSoak({ ...result, scenarios: SCENARIOS_FOR_GOALS })).toBe(1);
  expect(exitCodeOfSoak({ ...result, scenarios: 0 })).toBe(3);
  const finding = {
    property: 'p',
    signature: 's',
    anomalies: 1,
    example: '1:2:consumer',
    known: null,
    policy: 'illegal',
  } as const;
  expect(exitCodeOfSoak({ ...result, findings: [{ ...finding, client: 'kafkajs' }] })).toBe(0);
  expect(exitCodeOfSoak({ ...result, findings: [{ ...finding, client: 'reference' }] })).toBe(1);
  expect([exitCodeOfSoak(result, resultOf(kill)), exitCodeOfSoak(result, resultOf(missed))]).toEqual([0, 1]);
  const sections = soakSections(result, { result: resultOf(missed), untried: ['rewind-commit'] });
  const row = '| other | application | kafkajs, default | NOT CAUGHT | 9 |';
  expect(sectionMarkdown('soak', sections)).toContain(row);
  expect(sectionLines(sections).join('\n')).toContain('No time was left for rewind-commit.');
  expect(sectionPage('soak', sections)).toContain('<td>NOT CAUGHT</td>');
});
