/** The summary says what a person needs, steers no terminal, and progress fits its line. */
import { describe, expect, test } from 'vitest';
import { visibleLines } from './escape.ts';
import type { ResultAnomaly, RunResult } from './results.ts';
import {
  formatClock,
  ProgressDisplay,
  type ProgressState,
  renderProgress,
  renderSummary,
  shouldUseColor,
  wrap,
} from './terminal.ts';
import { syntheticRun } from './testing/synthetic.ts';

const { result } = syntheticRun();
const plain = (one: RunResult, width = 100): string => renderSummary(one, { color: false, width });
const ESCAPE = '\u001b';

describe('renderSummary', () => {
  test('the verdict comes first, then counts, properties, findings, causes, figures and places', () => {
    expect(plain(result)).toBe(`INVALID: 2 new findings in 3 scenarios
  kafkajs 2.2.4, real Apache Kafka, seed 42
  3 scenarios: 1 valid, 1 invalid, 1 unknown

  property               illegal  observed   checked
✗ exclusive-assignment         1         0         2
✓ exclusive-processing         0         1         2
✗ duplicate-bound              1         0         2
✓ no-lost-commit               0         0         2
✓ at-least-once                0         0         2

✗ duplicate-bound: replayed more than was uncommitted, once
    8 records of orders-1 came again after m2.1 was killed, at most 3 were allowed to
    scenario  crash, takeover and a zombie, 42:0 (seed:index) on any machine
    file      reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json
    events       8.003 s  m2.1 was killed (SIGKILL)
                14.400 s  generation 3 of billing was stable: m1.1 with orders-0, orders-2,
              payments-0; m3.1 with orders-1, orders-3, payments-1
                14.430 s  m3.1 was given offsets 12 to 15 (4 records) of orders-1
    versions  kafkajs 2.2.4, commit 0a1b2c3d4e5f with uncommitted changes, kafka 4.3.1, kafka-trial
              0.1.0, node v20.20.2
    replay    kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json --world kafka --times 10
    simulated kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json

✗ exclusive-assignment: partition with two owners in one generation, once
    generation 6 of billing assigns orders-0 to m1.1 and to m2.2
    scenario  crash, takeover and a zombie, 42:0 (seed:index) on any machine
    file      reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json
    events      30.500 s  generation 6 of billing was stable: m1.1 with orders-0, orders-3; m2.2
              with orders-0, orders-1, payments-0; m3.1 with orders-2, payments-1
    versions  kafkajs 2.2.4, commit 0a1b2c3d4e5f with uncommitted changes, kafka 4.3.1, kafka-trial
              0.1.0, node v20.20.2
    replay    kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json --world kafka --times 10
    simulated kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json

Seen, and allowed by these configurations:
  exclusive-processing: zombie processed after it lost the partition, 1 time

Why there is no verdict on some scenarios:
  broker 2 did not start again within 60 s (1 time)

Duplicates: 17 records processed again, by cause
  crash          10
  stall           5
  rebalance       2

112 s in all, 14.2 s of CPU time, 83.0 s of scenario time, 2 of 3 goals reached

Report     reports/out/run/report.html
Directory  reports/out/run
`);
  });

  const clean: RunResult = {
    ...result,
    anomalies: [],
    scenarios: { run: 3, valid: 3, invalid: 0, unknown: 0 },
    results: [],
    duplicates: { total: 0, byCause: {} },
  };

  test.each([
    ['all is well', clean, 'VALID: every property held in 3 scenarios'],
    [
      'no verdict',
      { ...clean, scenarios: { run: 3, valid: 2, invalid: 0, unknown: 1 } },
      'UNKNOWN: no verdict on 1 scenario of 3',
    ],
    [
      'nothing ran',
      { ...clean, scenarios: { run: 0, valid: 0, invalid: 0, unknown: 0 } },
      'UNKNOWN: no scenario was judged',
    ],
    [
      'only known issues',
      { ...clean, anomalies: result.anomalies.map((one) => ({ ...one, known: 'KB-1 (link)' })) },
      'VALID: nothing new in 3 scenarios, 2 known issues seen',
    ],
  ])('the first line where %s', (_name, one, line) => {
    expect(plain(one).split('\n')[0]).toBe(line);
  });

  test('says that it was stopped, which mutant it was, and which issue is known', () => {
    const text = plain({
      ...result,
      interrupted: true,
      mutant: 'skips-partition',
      anomalies: result.anomalies.map((one) => ({ ...one, known: 'KB-1 (https://example.org/1)' })),
    });
    expect(text).toContain('Stopped before the end');
    expect(text).toContain('broken on purpose (skips-partition)');
    expect(text).toContain('known as  KB-1 (https://example.org/1)');
  });

  test('a replay says how often a finding came again', () => {
    const rates = [
      { scenario: 'seed-7-3', property: 'at-least-once', signature: 'lost', failed: 3, times: 10 },
    ];
    expect(plain({ ...result, command: 'replay', rates })).toContain(
      'How often it came again:\n  3 of 10 repetitions of seed-7-3: at-least-once, lost',
    );
  });

  test('many anomalies of one kind make one block, many kinds a bounded number of blocks', () => {
    const [first] = result.anomalies as [ResultAnomaly];
    const same = {
      ...result,
      scenarios: { ...result.scenarios, run: 60 },
      anomalies: Array.from({ length: 50 }, (_, scenarioIndex) => ({ ...first, scenarioIndex })),
    };
    expect(plain(same)).toContain(
      'partition with two owners in one generation, 50 times in 50 of 60 scenarios',
    );
    expect(plain(same).match(/✗ exclusive-assignment: /g)).toHaveLength(1);
    const different = {
      ...result,
      anomalies: Array.from({ length: 50 }, (_, index) => ({ ...first, signature: `${index}` })),
    };
    expect(plain(different)).toContain('30 more findings in the report.');
  });

  test('a replay says in how many of its runs each thing happened', () => {
    const text = plain({
      ...result,
      command: 'replay',
      scenarios: { run: 10, valid: 9, invalid: 1, unknown: 0 },
    });
    expect(text).toContain('✗ duplicate-bound: replayed more than was uncommitted, in 1 of 10 runs');
  });

  test('colour only where it is asked for, and the same words either way', () => {
    const colored = renderSummary(result, { color: true, width: 100 });
    expect(colored).toContain(ESCAPE);
    expect(plain(result)).not.toContain(ESCAPE);
    expect(colored.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '')).toBe(plain(result));
  });

  test('keeps to the width, but for what is there to be copied', () => {
    for (const width of [50, 72, 120]) {
      const lines = plain(result, width)
        .split('\n')
        .filter((line) => !/^ {4}(file|replay|simulated) /.test(line));
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }
  });

  test('text from outside steers no terminal', () => {
    const hostile = `\u001b]0;title\u0007\u001b[2J\r\n\u202e${'x'.repeat(300)}`;
    const attacked = syntheticRun({
      hostileTopic: hostile,
      hostileError: hostile,
      name: 'a \u001b[31m b',
    }).result;
    const text = plain({
      ...attacked,
      client: { name: hostile, version: hostile },
      mutant: hostile,
      runDirectory: hostile,
      reportFile: hostile,
      traceHash: hostile,
      duplicates: { total: 1, byCause: { [hostile]: 1 } },
      properties: [{ id: hostile, title: hostile, checked: 1, illegal: 1, observed: 0 }],
      anomalies: attacked.anomalies.map((one) => ({
        ...one,
        property: hostile,
        signature: hostile,
        known: hostile,
        scenarioFile: hostile,
      })),
    });
    expect(visibleLines(text)).toBe(text);
  });
});

describe('shouldUseColor', () => {
  test.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{ isTTY: false }, { FORCE_COLOR: '1' }, false],
    [{}, {}, false],
  ])('%j %j', (stream, environment, expected) => {
    expect(shouldUseColor(stream, environment)).toBe(expected);
  });
});

const state: ProgressState = {
  scenariosDone: 5,
  scenariosPlanned: 20,
  elapsedSeconds: 50,
  timeLimitSeconds: null,
  virtualSeconds: 200,
  anomalies: 0,
  unknown: 0,
  phase: null,
};

describe('renderProgress', () => {
  const line = (more: Partial<ProgressState>, width = 200): string =>
    renderProgress({ ...state, ...more }, { color: false, width });

  test('says how far, how fast, what was found, how long', () => {
    expect(line({})).toBe(
      '5 of 20 scenarios · 0 anomalies · 6.0 per minute · 4.0 scenario seconds per second · 2 min 30 s left',
    );
    expect(line({ anomalies: 1, unknown: 2, phase: 'settling' })).toContain('1 anomaly · 2 unknown · ');
    expect(line({ phase: 'starting Kafka 4.3.1' })).toMatch(/starting Kafka 4\.3\.1$/);
  });

  test('a time limit ends it, or the number, whichever comes first', () => {
    expect(line({ scenariosPlanned: null, timeLimitSeconds: 60 })).toBe(
      '5 scenarios · 0 anomalies · 6.0 per minute · 4.0 scenario seconds per second · 10 s left',
    );
    expect(line({ timeLimitSeconds: 60 })).toContain('10 s left');
    expect(line({ scenariosDone: 0, elapsedSeconds: 0, virtualSeconds: 0 })).toBe(
      '0 of 20 scenarios · 0 anomalies',
    );
    expect(line({ timeLimitSeconds: 10 })).toContain('0 s left');
  });

  test('is one line, narrower than the terminal', () => {
    for (const width of [20, 40, 80]) {
      const text = line({ phase: 'a\nb\u001b[31m' }, width);
      expect(text.length).toBeLessThan(Math.max(21, width));
      expect(text).not.toContain('\n');
      expect(text).not.toContain(ESCAPE);
    }
  });
});

describe('ProgressDisplay', () => {
  const watch = (isTTY: boolean) => {
    const written: string[] = [];
    let nowMs = 0;
    const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) };
    const display = new ProgressDisplay(stream, { color: false, now: () => nowMs });
    return {
      written,
      display,
      at: (timeMs: number): void => {
        nowMs = timeMs;
        display.update({ ...state, elapsedSeconds: timeMs / 1_000 + 1 });
      },
    };
  };

  test('draws over one line on a terminal, at most ten times a second', () => {
    const { written, display, at } = watch(true);
    for (const timeMs of [0, 10, 50, 99, 100, 150, 205]) at(timeMs);
    expect(written).toHaveLength(3);
    expect(written.every((text) => text.startsWith('\r\u001b[2K') && !text.includes('\n'))).toBe(true);
    display.clear();
    expect(written.at(-1)).toBe('\r\u001b[2K');
    display.clear();
    expect(written).toHaveLength(4);
    at(206);
    expect(written).toHaveLength(5);
  });

  test('writes a plain line from time to time where there is no terminal', () => {
    const { written, display, at } = watch(false);
    for (let timeMs = 0; timeMs <= 45_000; timeMs += 1_000) at(timeMs);
    display.clear();
    expect(written).toHaveLength(4);
    expect(written.every((text) => text.endsWith('left\n') && !text.includes(ESCAPE))).toBe(true);
  });
});

test('formatClock', () => {
  expect([formatClock(4.6), formatClock(65), formatClock(7_800)]).toEqual([
    '5 s',
    '1 min 05 s',
    '2 h 10 min',
  ]);
});

test('wrap breaks between words, and inside a word only where it must', () => {
  expect(wrap('one two three four five', 22, '- ', '  ')).toEqual(['- one two three four', '  five']);
  expect(wrap('x'.repeat(45), 22, '  ')).toEqual([`  ${'x'.repeat(20)}`, `  ${'x'.repeat(20)}`, '  xxxxx']);
  expect(wrap('', 22, '  ')).toEqual(['']);
});

test('a finding that was made small names that file, and why real Kafka cannot run it where it cannot', () => {
  const { result } = syntheticRun();
  const text = renderSummary(
    {
      ...result,
      world: 'simulated',
      anomalies: result.anomalies.map((one) => ({ ...one, shrunkFile: 'out/shrunk.json' })),
      results: result.results.map((one) => ({ ...one, simulatedOnly: ['It has no links.'] })),
    },
    { color: false, width: 120 },
  );
  expect(text).toContain('    small     kafka-trial replay out/shrunk.json\n');
  expect(text).toContain('    on Kafka  not possible: It has no links.\n');
  expect(text).not.toContain('--world kafka');
});
