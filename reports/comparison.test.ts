/** A comparison in its formats: the numbers are there, and names from outside stay names. */
import { describe, expect, it } from 'vitest';
import {
  type ComparedFigure,
  type Comparison,
  comparisonSchema,
  renderComparisonJson,
} from './comparison.ts';
import { renderComparisonMarkdown } from './comparison-markdown.ts';
import { renderComparison } from './comparison-terminal.ts';
import { formatFigure, formatInterval } from './comparison-words.ts';
import { visibleLines } from './escape.ts';
import { renderComparisonHtml } from './html/comparison.tsx';
import { calledOutside, hostileTexts, htmlOf, tagsOf, wordsOf } from './testing/markdown.ts';

const figure = (wishes: Partial<ComparedFigure> = {}): ComparedFigure => ({
  title: 'delivered twice',
  unit: 'records',
  a: 10,
  b: 4,
  difference: -6,
  interval: [-8, -4],
  verdict: 'better',
  pairs: 20,
  aBetter: 1,
  bBetter: 15,
  aWorst: 30,
  bWorst: 12,
  ...wishes,
});

const comparison = (labels: readonly [string, string], wishes: Partial<Comparison> = {}): Comparison => {
  const figures = {
    duplicates: figure(),
    requests: figure({ title: 'requests', unit: 'times', verdict: 'worse', difference: 3, interval: [1, 5] }),
    'requests:Fetch': figure({ title: 'requests: Fetch', unit: 'times' }),
    'requests:Produce': figure({ title: 'requests: Produce', unit: 'times', aWorst: 0, bWorst: 0 }),
  };
  return comparisonSchema.parse({
    schema: 1,
    command: 'compare',
    seed: 7,
    profile: 'members',
    world: 'simulated',
    versions: {},
    startedAt: '2026-01-01T00:00:00Z',
    notMeasured: [],
    subjects: labels.map((label) => ({
      label,
      client: { name: 'kafkajs', version: '2.2.4' },
      application: null,
      configuration: null,
      traceHash: null,
    })),
    scenarios: { run: 20, excluded: [] },
    figures,
    findings: [],
    comparisons: [{ a: labels[0], b: labels[1], figures }],
    measurements: [
      { scenario: 'seed-7-0-members', figures: [{ duplicates: 3 }, { duplicates: 1 }] },
      { scenario: 'seed-7-1-members', figures: [{ duplicates: null }, { duplicates: 1 }] },
    ],
    sweep: null,
    examples: [],
    virtualSeconds: 1,
    cpuSeconds: 1,
    wallSeconds: 1,
    runDirectory: 'out',
    files: { json: 'out/compare.json', markdown: 'out/compare.md', html: 'out/compare.html' },
    interrupted: false,
    ...wishes,
  } satisfies Comparison);
};

const terminal = (of: Comparison): string => renderComparison(of, { color: false, width: 120 });

describe('numbers', () => {
  it('have three digits, a unit that fits, and a sign where they are differences', () => {
    expect([0, 0.001, 3.137, 42.42, 1234.5].map((value) => formatFigure(value, 'records'))).toEqual([
      '0',
      '<0.01',
      '3.14',
      '42.4',
      '1235',
    ]);
    expect([12.3456, 1_500, -90_000].map((value) => formatFigure(value, 'ms', true))).toEqual([
      '+12.3 ms',
      '+1.50 s',
      '-90.0 s',
    ]);
    expect(formatInterval(figure())).toBe('-8.00 to -4.00');
  });
});

describe('a comparison', () => {
  it('says each figure with its verdict, and leaves out parts that nobody has', () => {
    const text = terminal(comparison(['a', 'b']));
    expect(text).toMatch(/delivered twice +10\.0 +4\.00 +-6\.00 +-8\.00 to -4\.00 +1 +15 +better/);
    expect(text).toMatch(/requests: Fetch/);
    expect(text).not.toMatch(/Produce/);
    const markdown = renderComparisonMarkdown(comparison(['a', 'b']));
    expect(markdown).toContain('B is better: delivered twice. B is worse: requests.');
    expect(markdown).toMatch(/<details>.*requests: Fetch.*<\/details>/s);
  });

  it('plots the pairs that both have, and the figures that differ', () => {
    const page = renderComparisonHtml(comparison(['a', 'b']), []);
    expect(page).toContain('<title>seed-7-0-members: A 3.00, B 1.00</title>');
    expect(page).not.toContain('seed-7-1-members: A');
    expect(page.match(/<figcaption>/g)).toHaveLength(2);
  });

  it('marks the Pareto front of a sweep in every format', () => {
    const point = (timeout: number, duplicates: number, pareto: boolean) => ({
      label: `session.timeout.ms=${timeout}`,
      values: { 'session.timeout.ms': timeout },
      duplicates,
      ownerlessMs: timeout,
      newIllegal: 0.5,
      knownIllegal: 0,
      pareto,
    });
    const swept = comparison(['a', 'b'], {
      sweep: {
        words: [{ word: 'session.timeout.ms', values: [6_000, 9_000] }],
        points: [point(6_000, 5, true), point(9_000, 7, false)],
      },
    });
    expect(terminal(swept)).toMatch(
      /^6000 +5\.00 +6\.00 s +0\.50 +0 {2}\*\n9000 +7\.00 +9\.00 s +0\.50 +0\n/m,
    );
    expect(wordsOf(htmlOf(renderComparisonMarkdown(swept)))).toMatch(
      /^6000\s+5\.00\s+6\.00 s\s+0\.50\s+0\s+Pareto front$/m,
    );
    const page = renderComparisonHtml(swept, []);
    expect(page).toMatch(/class="front"/);
    expect(page).toMatch(/<th class="n">illegal, new<\/th>.*<td class="n">0\.50<\/td><td class="n">0<\/td>/s);
  });

  const link = 'https://github.com/tulios/kafkajs/issues/1453';
  const withFindings = (...labels: [string, string]): Comparison =>
    comparison(labels, {
      findings: [
        {
          ...{ property: 'at-least-once', signature: 'lost: committed before it was done', known: null },
          seen: [
            { anomalies: 0, scenarios: 0 },
            { anomalies: 9, scenarios: 2 },
          ],
          first: 'seed-7-3-members',
        },
        {
          ...{ property: 'convergence', signature: 'not drained', known: `kafkajs-1453 (${link})` },
          seen: [
            { anomalies: 4, scenarios: 3 },
            { anomalies: 1, scenarios: 1 },
          ],
          first: 'seed-7-8-members',
        },
      ],
    });

  it('tells known bugs from new illegal anomalies in the terminal', () => {
    const text = terminal(withFindings('a', 'b'));
    expect(text).toContain(
      [
        'New illegal anomalies, by the number of scenarios',
        '  at-least-once: lost: committed before it was done',
        '    a: none, b: 2; first in seed-7-3-members',
        '',
        'Known bugs of the clients, by the number of scenarios',
        `  kafkajs-1453 (${link}): convergence: not drained`,
        '    a: 3, b: 1; first in seed-7-8-members',
        '',
      ].join('\n'),
    );
    expect(terminal(comparison(['a', 'b']))).not.toMatch(/Known bugs|New illegal/);
  });

  it('tells known bugs from new illegal anomalies in Markdown', () => {
    const markdown = renderComparisonMarkdown(withFindings('a', 'b'));
    const [, fresh = '', known = ''] =
      /\*\*New illegal anomalies\*\*(.*)\*\*Known bugs of the clients\*\*(.*)/s.exec(markdown) ?? [];
    expect(fresh).toContain(
      '| at-least-once | lost: committed before it was done | a: none, b: 2 | seed-7-3-members |',
    );
    expect(fresh).not.toContain('convergence');
    expect(known).toContain(
      `| [kafkajs-1453](${link}) | convergence | not drained | a: 3, b: 1 | seed-7-8-members |`,
    );
  });

  it('tells known bugs from new illegal anomalies on the page', () => {
    const page = renderComparisonHtml(withFindings('a', 'b'), []);
    const [, fresh = '', known = ''] =
      /<h2>New illegal anomalies<\/h2>(.*)<h2>Known bugs of the clients<\/h2>(.*)/s.exec(page) ?? [];
    expect(fresh).toMatch(/at-least-once.*a: none, b: 2.*seed-7-3-members/s);
    expect(fresh).not.toContain('class="badge');
    expect(known).toContain(
      `<span class="badge known">known issue <a href="${link}" rel="noreferrer">kafkajs-1453</a></span>`,
    );
    expect(known).toContain('a: 3, b: 1');
  });

  it('says of many subjects how many of them showed a finding', () => {
    const many = withFindings('a', 'b');
    const [first] = many.subjects;
    const subjects = Array.from({ length: 9 }, (_, i) => ({ ...first, label: `point ${i}` }) as never);
    expect(terminal({ ...many, subjects })).toContain('4 runs, under 2 of 9 subjects; first in seed-7-8');
  });

  it.each(hostileTexts)('shows a name from outside as text: %j', (hostile) => {
    const attacked = comparison([hostile, `second ${hostile}`], {
      findings: withFindings('a', 'b').findings.map((finding) => ({
        ...finding,
        ...{ property: hostile, signature: hostile, known: finding.known && hostile, first: hostile },
      })),
      scenarios: { run: 20, excluded: [{ scenario: hostile, label: hostile, reason: hostile }] },
      examples: [{ scenario: hostile, index: 3, figure: 'duplicates', runs: [] }],
    });
    const markdown = renderComparisonMarkdown(attacked);
    const html = htmlOf(markdown);
    const tame = htmlOf(renderComparisonMarkdown({ ...withFindings('a', 'b'), examples: attacked.examples }));
    expect(tagsOf(html).filter((tag) => tag !== 'a')).toEqual(tagsOf(tame).filter((tag) => tag !== 'a'));
    expect(html).not.toMatch(/<a |<img|href=/);
    expect(calledOutside(html)).toBeNull();
    for (const text of [markdown, renderComparisonHtml(attacked, []), terminal(attacked)])
      expect(visibleLines(text)).toBe(text);
    expect(tagsOf(renderComparisonHtml(attacked, []))).not.toContain('img');
  });

  it('names what its world cannot measure, in every format', () => {
    const real = comparison(['a', 'b'], {
      world: 'kafka',
      notMeasured: [{ title: 'requests by API', reason: 'nobody counts them' }],
    });
    const sentence = 'Not measured: requests by API, since nobody counts them.';
    const markdown = wordsOf(htmlOf(renderComparisonMarkdown(real)));
    for (const text of [terminal(real), markdown, renderComparisonHtml(real, [])])
      expect(text).toContain(sentence);
    expect(terminal(comparison(['a', 'b']))).not.toContain('Not measured');
  });

  it('is one document that its schema takes', () => {
    expect(comparisonSchema.parse(JSON.parse(renderComparisonJson(comparison(['a', 'b']))))).toBeTruthy();
  });
});
