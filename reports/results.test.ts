/** The result adds up, groups findings, ranks the verdict, and is the same whatever the order of arrival. */
import { describe, expect, test } from 'vitest';
import type { JudgedAnomaly, Verdict } from '../properties/property.ts';
import { renderJson, runResultJsonSchema } from './json.ts';
import { planPath, replayCommands } from './replay-command.ts';
import {
  findingsOf,
  outcomeOf,
  type ResultAnomaly,
  type RunResult,
  RunResultBuilder,
  runResultSchema,
} from './results.ts';
import { syntheticHistory, syntheticRun, syntheticScenario } from './testing/synthetic.ts';

const { result } = syntheticRun();

const anomaly = (more: Partial<ResultAnomaly>): ResultAnomaly => ({
  property: 'p',
  policy: 'illegal',
  known: null,
  scenario: 's',
  scenarioIndex: 0,
  scenarioFile: null,
  historyFile: null,
  message: 'm',
  signature: 'x',
  subject: {},
  events: [1],
  account: [],
  ...more,
});
const withAnomalies = (...anomalies: ResultAnomaly[]): RunResult => ({
  ...result,
  scenarios: { run: 3, valid: 3, invalid: 0, unknown: 0 },
  anomalies,
});

describe('RunResultBuilder', () => {
  test('counts scenarios, properties and duplicates', () => {
    expect(result.scenarios).toEqual({ run: 3, valid: 1, invalid: 1, unknown: 1 });
    expect(result.properties[0]).toEqual({
      id: 'exclusive-assignment',
      title: 'A partition has one owner',
      checked: 2,
      illegal: 1,
      observed: 0,
    });
    expect(result.properties.map((property) => property.observed)).toEqual([0, 1, 0, 0, 0]);
    expect(result.duplicates).toEqual({ total: 17, byCause: { crash: 10, stall: 5, rebalance: 2 } });
    expect(result.results[0]).toMatchObject({ illegal: 2, observed: 1, outcome: 'invalid', seed: 77 });
    expect(result.results[0]?.skippedActions).toEqual([
      'skipped: deletion of 50 % of audit-1: the partition log was empty',
    ]);
    expect(result.results[2]).toMatchObject({
      unknown: ['broker 2 did not start again within 60 s'],
      skippedActions: [],
    });
  });

  test('is a value of its own schema, and survives a round trip through JSON', () => {
    expect(runResultSchema.parse(JSON.parse(renderJson(result)))).toEqual(result);
  });

  test('tells the proving events of the first anomaly of each finding, and of that one only', () => {
    const builder = builderWith();
    const { history, scenario, verdict } = syntheticHistory();
    for (const index of [0, 1])
      builder.add({ index, scenario, history, verdict, wallSeconds: 1, kept: null });
    const { anomalies } = build(builder);
    expect(anomalies.map((one) => one.account.length > 0)).toEqual([true, true, true, false, false, false]);
    expect(anomalies[2]?.account[0]).toBe('   8.003 s  m2.1 was killed (SIGKILL)');
  });

  test('a long account keeps its end and says what it left out', () => {
    const builder = builderWith();
    const { history, scenario } = syntheticHistory();
    const events = Array.from({ length: 30 }, (_, index) => index);
    const [first] = syntheticHistory().verdict.anomalies;
    const anomalies = [{ ...(first as JudgedAnomaly), events }];
    const verdict: Verdict = { outcome: 'invalid', anomalies, unknown: [], properties: [], ledger: [] };
    builder.add({ index: 0, scenario, history, verdict, wallSeconds: 1, kept: null });
    const account = build(builder).anomalies[0]?.account ?? [];
    expect(account).toHaveLength(13);
    expect(account[0]).toBe('18 earlier events left out here');
  });

  test('orders scenarios by index whatever the order in which they ended', () => {
    const add = (order: number[]): RunResult => {
      const builder = builderWith();
      const { history, scenario, verdict } = syntheticHistory();
      for (const index of order)
        builder.add({ index, scenario, history, verdict, wallSeconds: 1, kept: null });
      return build(builder);
    };
    const straight = add([0, 1, 2]);
    const mixed = add([2, 0, 1]);
    expect(mixed.results).toEqual(straight.results);
    expect(mixed.anomalies.map((one) => one.scenarioIndex)).toEqual(
      straight.anomalies.map((one) => one.scenarioIndex),
    );
  });

  test('asks for the known issue of each anomaly', () => {
    const builder = new RunResultBuilder(header, [], (one) =>
      one.property === 'duplicate-bound' ? 'KB-1' : null,
    );
    const { history, scenario, verdict } = syntheticHistory();
    builder.add({ index: 0, scenario, history, verdict, wallSeconds: 1, kept: null });
    expect(build(builder).anomalies.map((one) => one.known)).toEqual([null, null, 'KB-1']);
  });

  test('counts a property that is not in the catalogue', () => {
    const builder = new RunResultBuilder(header, []);
    const scenario = syntheticScenario();
    const verdict: Verdict = {
      outcome: 'valid',
      anomalies: [],
      unknown: [],
      properties: [{ id: 'new', anomalies: 3, illegal: 1 }],
      ledger: [],
    };
    builder.add({ index: 0, scenario, history: null, verdict, wallSeconds: 1, kept: null });
    expect(build(builder).properties).toEqual([
      { id: 'new', title: 'new', checked: 1, illegal: 1, observed: 2 },
    ]);
  });
});

const header = {
  command: 'run',
  seed: 1,
  world: 'simulated',
  client: { name: 'kafkajs', version: '2.2.4' },
  mutant: null,
  versions: {},
  startedAt: '2025-11-03T14:05:09.000Z',
  options: {},
  runDirectory: null,
} as const;
const builderWith = (): RunResultBuilder => new RunResultBuilder(header, []);
const build = (builder: RunResultBuilder): RunResult =>
  builder.build({
    virtualSeconds: 1,
    cpuSeconds: 1,
    wallSeconds: 1,
    goals: {},
    interrupted: false,
    reportFile: null,
  });

describe('rates of a replay', () => {
  const illegal = {
    property: 'at-least-once',
    policy: 'illegal',
    message: 'lost',
    signature: 'x',
    subject: {},
    events: [0],
  } as const;
  const scenarios = [
    ['invalid', [illegal, illegal]],
    ['valid', []],
    ['unknown', []],
    ['invalid', [illegal]],
  ] as const;
  const ratesOf = (command: 'run' | 'replay'): RunResult['rates'] => {
    const builder = new RunResultBuilder({ ...header, command }, []);
    for (const [index, [outcome, anomalies]] of scenarios.entries())
      builder.add({
        index,
        scenario: syntheticScenario(),
        history: null,
        verdict: { outcome, anomalies, unknown: [], properties: [], ledger: [] },
        wallSeconds: 1,
        kept: null,
      });
    return build(builder).rates;
  };

  test('count the repetitions in which a finding came again, of those that were judged', () => {
    expect(ratesOf('replay')).toEqual([
      { scenario: syntheticScenario().name, property: 'at-least-once', signature: 'x', failed: 2, times: 3 },
    ]);
  });

  test('are a matter of replays alone', () => {
    expect(ratesOf('run')).toEqual([]);
  });
});

describe('findingsOf', () => {
  test('puts the same property and signature together', () => {
    const findings = findingsOf(
      withAnomalies(
        anomaly({ message: 'one' }),
        anomaly({ message: 'two', scenarioIndex: 1, scenarioFile: 'f', account: ['a'] }),
        anomaly({ signature: 'y' }),
        anomaly({ policy: 'observed' }),
      ),
    );
    expect(
      findings.map(({ signature, policy, count, scenarios }) => ({ signature, policy, count, scenarios })),
    ).toEqual([
      { signature: 'x', policy: 'illegal', count: 2, scenarios: 2 },
      { signature: 'y', policy: 'illegal', count: 1, scenarios: 1 },
      { signature: 'x', policy: 'observed', count: 1, scenarios: 1 },
    ]);
    // The example is one that can be replayed.
    expect(findings[0]?.example.message).toBe('two');
  });

  test('new ones come before known ones, known ones before observed ones', () => {
    const findings = findingsOf(
      withAnomalies(
        anomaly({ policy: 'observed' }),
        anomaly({ policy: 'observed' }),
        anomaly({ known: 'KB-1' }),
        anomaly({ known: 'KB-1' }),
        anomaly({}),
      ),
    );
    expect(findings.map((finding) => [finding.policy, finding.known])).toEqual([
      ['illegal', null],
      ['illegal', 'KB-1'],
      ['observed', null],
    ]);
  });
});

describe('outcomeOf', () => {
  test.each([
    ['nothing', withAnomalies(), 'valid'],
    ['an observed anomaly', withAnomalies(anomaly({ policy: 'observed' })), 'valid'],
    ['a new illegal one', withAnomalies(anomaly({})), 'invalid'],
    ['a known illegal one', withAnomalies(anomaly({ known: 'KB-1' })), 'valid'],
    [
      'a known one, strictly',
      { ...withAnomalies(anomaly({ known: 'KB-1' })), options: { strict: true } },
      'invalid',
    ],
    [
      'a scenario without verdict',
      { ...withAnomalies(), scenarios: { run: 1, valid: 0, invalid: 0, unknown: 1 } },
      'unknown',
    ],
    [
      'both: invalid ranks higher',
      { ...withAnomalies(anomaly({})), scenarios: { run: 2, valid: 0, invalid: 1, unknown: 1 } },
      'invalid',
    ],
    [
      'no scenario at all',
      { ...withAnomalies(), scenarios: { run: 0, valid: 0, invalid: 0, unknown: 0 } },
      'unknown',
    ],
  ] as const)('%s', (_name, one, expected) => {
    expect(outcomeOf(one as RunResult)).toBe(expected);
  });
});

describe('the JSON document', () => {
  test('has at least the fields that the command line promises', () => {
    const document = JSON.parse(renderJson(result));
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining([
        'seed',
        'world',
        'client',
        'scenarios',
        'traceHash',
        'virtualSeconds',
        'cpuSeconds',
        'wallSeconds',
        'anomalies',
        'goals',
      ]),
    );
    expect(Object.keys(document.scenarios)).toEqual(['run', 'valid', 'invalid', 'unknown']);
    expect(Object.keys(document.anomalies[0])).toEqual(
      expect.arrayContaining(['property', 'policy', 'known', 'scenarioFile', 'message']),
    );
  });

  test('is the same text for the same result, whatever the order of its keys', () => {
    const shuffled = Object.fromEntries(Object.entries(result).reverse()) as RunResult;
    const goals = Object.fromEntries(Object.entries(result.goals).reverse());
    expect(renderJson({ ...shuffled, goals })).toBe(renderJson(result));
    expect(renderJson(result).endsWith('}\n')).toBe(true);
  });

  test('has a JSON Schema that forbids unknown keys and requires the rest', () => {
    const schema = runResultJsonSchema() as {
      $schema: string;
      additionalProperties: boolean;
      required: string[];
      properties: { anomalies: { items: { properties: { subject: { required?: string[] } } } } };
    };
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required.toSorted()).toEqual(Object.keys(JSON.parse(renderJson(result))).toSorted());
    expect(schema.properties.anomalies.items.properties.subject.required).toBeUndefined();
  });
});

describe('replayCommands', () => {
  const kafkajs = { options: {}, mutant: null };

  test('there is one for each world, and real Kafka gets more than one try', () => {
    expect(replayCommands(kafkajs, { scenarioFile: null })).toBeNull();
    expect(replayCommands(kafkajs, { scenarioFile: 'a/b.json' })).toEqual({
      simulated: 'kafka-trial replay a/b.json',
      kafka: 'kafka-trial replay a/b.json --world kafka --times 10',
      whyNotKafka: [],
    });
  });

  test('there is none for real Kafka where it cannot do what the scenario asks for', () => {
    expect(replayCommands(kafkajs, { scenarioFile: 'a/b.json' }, ['no links'])).toEqual({
      simulated: 'kafka-trial replay a/b.json',
      kafka: null,
      whyNotKafka: ['no links'],
    });
  });

  test('they name the client where it is not the usual one, and the mutant, and quote for a shell', () => {
    const subject = { options: { client: 'kafkajs@2.0.2' }, mutant: 'skips-partition' };
    expect(replayCommands(subject, { scenarioFile: "it's Ann's $HOME.json" })?.simulated).toBe(
      `kafka-trial replay 'it'\\''s Ann'\\''s $HOME.json' --client kafkajs@2.0.2 --mutant skips-partition`,
    );
  });
});

test('a plan path is what replay takes, and only generated scenarios have one', () => {
  const run = { command: 'run', seed: 7, options: {} } as const;
  expect(planPath(run, 3)).toBe('7:3');
  expect(planPath({ ...run, options: { profile: 'calm' } }, 3)).toBe('7:3:calm');
  expect(planPath({ ...run, command: 'replay', seed: null }, 3)).toBeNull();
});
