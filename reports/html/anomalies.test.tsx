/** What the page says of what was found: what is known, what can be repeated where, what was made small, what was skipped. */
import { describe, expect, test } from 'vitest';
import { simulatedOnlyOf } from '../../harness/world/kafka/refusals.ts';
import type { JudgedAnomaly } from '../../properties/property.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { renderHtml } from '../html.tsx';
import type { RunResult } from '../results.ts';
import { historyOf, type TimedEvent } from '../testing/histories.ts';
import { loadedOf, syntheticRun, syntheticScenario } from '../testing/synthetic.ts';

const run = syntheticRun();
const loaded = loadedOf(run.scenarios);

const withKnown = (known: string): RunResult => ({
  ...run.result,
  anomalies: run.result.anomalies.map((one) => (one.policy === 'illegal' ? { ...one, known } : one)),
});

describe('a known issue', () => {
  test('has a badge of its own with a link, and looks like no new finding', () => {
    const page = renderHtml(
      withKnown('kafkajs-1453 (https://github.com/tulios/kafkajs/issues/1453)'),
      loaded,
    );
    expect(page).toContain(
      '<span class="badge known">known issue <a href="https://github.com/tulios/kafkajs/issues/1453" rel="noreferrer">kafkajs-1453</a></span>',
    );
    expect(page).not.toContain('illegal here');
    expect(page).not.toMatch(/class="card illegal"/);
    expect(page).toMatch(/<a id="s0-a\d+-e\d+" href="#s0-a\d+" class="known"/);
    expect(page).toMatch(
      /Nothing new in 3 scenarios, 1 of them without a verdict; 2 known issues of the client seen\./,
    );
  });

  test.each([
    'x (javascript:alert(1))',
    'x (https://a.example/" onclick="y)',
    'x (http://a.example/)',
    'KB-1',
  ])('leads nowhere else: %s', (known) => {
    const page = renderHtml(withKnown(known), loaded);
    expect(page).not.toMatch(/<a href="(?!#)/);
    expect(page).toContain('known issue');
  });
});

describe('a replay on real Kafka', () => {
  const onLinks: Scenario = parseScenario(
    {
      ...syntheticScenario(),
      actions: [
        ...syntheticScenario().actions,
        {
          kind: 'slow-link',
          atMs: 34_000,
          durationMs: 500,
          link: { process: 'm1', broker: null },
          latencyMs: { min: 1, max: 2 },
          bytesPerSecond: null,
          lossPerThousand: 5,
        },
      ],
    },
    'a scenario that loses segments',
  );

  test('is named where it is possible, and why not where it is not', () => {
    const reasons = simulatedOnlyOf(onLinks, null);
    expect(reasons).toEqual([expect.stringMatching(/Toxiproxy loses no single segments/)]);
    expect(simulatedOnlyOf(syntheticScenario(), null)).toEqual([]);
    const results = run.result.results.map((one) => ({ ...one, simulatedOnly: reasons }));
    const possible = renderHtml(run.result, loaded);
    const impossible = renderHtml({ ...run.result, world: 'simulated', results }, loaded);
    expect(possible).toContain('On real Kafka, the same schedule ten times');
    expect(impossible).not.toContain('--world kafka');
    expect(impossible).toContain('Toxiproxy loses no single segments');
  });
});

test('a failure that was made small is told in words before everything else of its scenario', () => {
  const [first] = loaded;
  const anomaly = run.scenarios[0]?.verdict.anomalies[0] as JudgedAnomaly;
  const text = 'At 8.0 s m2.1 was killed. m3.1 went on <b>where it should not</b>.';
  const shrunk = {
    finding: {
      property: anomaly.property,
      signature: anomaly.signature,
      policy: anomaly.policy,
      text,
      recorded: { traceHash: null, client: 'kafkajs', clientVersion: '2.2.4', mutant: null, versions: {} },
    },
    scenario: syntheticScenario('small'),
  };
  const page = renderHtml(run.result, [{ ...(first as (typeof loaded)[number]), shrunk }]);
  const told = page.indexOf('m3.1 went on &lt;b>where it should not&lt;/b>.');
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(page.indexOf('What went wrong, or might have'));
  expect(page).toContain(
    'kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/shrunk.json',
  );
});

test('the overview counts faults by kind, and what was skipped by its reason', () => {
  const results = run.result.results.map((one, i) => ({
    ...one,
    skippedActions: i < 2 ? ['skipped: crash m9 (m9 does not run)'] : [],
  }));
  const page = renderHtml({ ...run.result, results }, []);
  expect(page).toMatch(/<li><b>\d+<\/b> restart-broker<\/li>/);
  expect(page).toContain('2 actions were skipped, and why');
  expect(page).toContain('<td class="n">2</td><td>crash m9 (m9 does not run)</td>');
  const none = run.result.results.map((one) => ({ ...one, skippedActions: [] }));
  expect(renderHtml({ ...run.result, results: none }, [])).toContain('All of them were carried out.');
});

test('goals that were reached stand with their counts, those that never were apart', () => {
  const page = renderHtml(run.result, []);
  expect(page).toMatch(/<td>commit rejected with ILLEGAL_GENERATION<\/td><td class="n">2<\/td>/);
  expect(page).toMatch(/Never reached: 1<\/summary><p>offset out of range<\/p>/);
});

test('each partition that an anomaly is about has its chart open, the others are folded', () => {
  const subjects = run.scenarios[0]?.verdict.anomalies.flatMap(({ subject }) =>
    subject.partition === undefined ? [] : [`${subject.topic}-${subject.partition}`],
  );
  expect(new Set(subjects).size).toBeGreaterThan(0);
  const page = renderHtml(run.result, loaded.slice(0, 1));
  const section = page.slice(page.indexOf('Offsets over time'), page.indexOf('The groups on trial'));
  const [open = '', folded = ''] = section.split('that no anomaly is about');
  const chartOf = (name: string): RegExp => new RegExp(`<figcaption[^>]*>[^<]*(<[^>]*>)*[^<]*${name}`);
  for (const name of new Set(subjects)) {
    expect(open).toMatch(chartOf(name));
    expect(folded).not.toMatch(chartOf(name));
  }
  // Four of orders, two of payments, two of audit.
  expect(section.match(/<figcaption/g)).toHaveLength(8);
});

test('the overview leads to what was processed again; what the harness wrote itself stands apart', () => {
  const page = renderHtml(run.result, loaded);
  const [, id, records] = /<a href="#(s\d+-again)">[^<]*<\/a> \((\d+) records?\)/.exec(page) ?? [];
  expect(page).toContain(`id="${id}"`);
  expect(Number(records)).toBeGreaterThan(10);
  const history = historyOf(
    ['p1-0', 'marker-1'].flatMap((record, offset): TimedEvent[] => {
      const place = { group: 'billing', topic: 'orders', partition: 0, offset: String(5 * offset) };
      const begin = { kind: 'processing-begin', ...place, record };
      return [
        [100 + offset, 'm1.1', begin],
        [200 + offset, 'm2.1', begin],
      ];
    }),
  );
  const [first] = loaded as [(typeof loaded)[number]];
  const told = renderHtml(run.result, [{ ...first, history }]);
  expect(told).toContain('1 record in 1 stretch');
  expect(told).toContain('1 more record processed again, which the harness itself had written');
});
