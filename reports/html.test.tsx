/** The page is whole, links lead somewhere, nothing from outside gets through, and size is bounded. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JudgedAnomaly } from '../properties/property.ts';
import { visibleLines } from './escape.ts';
import { renderHtml } from './html.tsx';
import { type RunResult, RunResultBuilder } from './results.ts';
import { loadedOf, syntheticHistory, syntheticRun } from './testing/synthetic.ts';

const run = syntheticRun();
const page = renderHtml(run.result, loadedOf(run.scenarios));

/** Tags with their attributes, as a browser would cut them; attribute values are always quoted here. */
const tagsOf = (html: string): { name: string; attributes: Map<string, string> }[] =>
  [...html.matchAll(/<([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
    ([, name = '', text = '']) => ({
      name,
      attributes: new Map(
        [...text.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, value]),
      ),
    }),
  );

describe('renderHtml', () => {
  test('is one document without scripts, and loads nothing', () => {
    expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    const tags = tagsOf(page);
    const names = new Set(tags.map((tag) => tag.name));
    for (const forbidden of [
      'script',
      'img',
      'link',
      'iframe',
      'object',
      'embed',
      'base',
      'form',
      'foreignObject',
    ])
      expect(names).not.toContain(forbidden);
    for (const { attributes } of tags) {
      expect(
        [...attributes.keys()].filter((key) => key.startsWith('on') || key === 'src' || key === 'style'),
      ).toEqual([]);
      expect(attributes.get('href') ?? '#').toMatch(/^#/);
    }
    expect(page).not.toMatch(/url\((?!#)/);
  });

  test('allows its own style sheet and nothing else', () => {
    const policy = tagsOf(page).find((tag) => tag.attributes.get('http-equiv') === 'Content-Security-Policy');
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(policy?.attributes.get('content')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`,
    );
  });

  test('every link and every pattern leads to something that is there, once', () => {
    const tags = tagsOf(page);
    const ids = tags.flatMap((tag) => tag.attributes.get('id') ?? []);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const links = tags.flatMap((tag) => tag.attributes.get('href') ?? []);
    expect(links.length).toBeGreaterThan(15);
    expect(links.filter((link) => !ids.includes(link.slice(1)))).toEqual([]);
    const fills = [...page.matchAll(/url\(#([\w-]+)\)/g)].map(([, id = '']) => id);
    expect(fills.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('each proving event has its place in the picture, and leads back to its anomaly', () => {
    const [first] = run.scenarios;
    const anomaly = first?.verdict.anomalies[2] as JudgedAnomaly;
    for (const seq of anomaly.events) {
      expect(page).toContain(`href="#s0-a3-e${seq}"`);
      expect(page).toMatch(new RegExp(`<a id="s0-a3-e${seq}" href="#s0-a3" class="illegal"`));
    }
  });

  test('says the verdict, the findings, the owners and the scenario in words', () => {
    for (const text of [
      '<strong>invalid</strong>',
      '2 new findings in 3 scenarios, 1 of them without a verdict.',
      'generation 6 of billing assigns orders-0 to m1.1 and to m2.2',
      'm2.1 was killed (SIGKILL)',
      'orders-0 has 2 owners: m1.1 and m2.2',
      'm2.1 is dead from 8.00 s to 14.01 s',
      '<b>m3.1</b>: orders-1, orders-3, payments-1',
      'broker 2 did not start again within 60 s',
      'There is no history, so there is no picture.',
      'kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json --world kafka --times 10',
      '&quot;name&quot;: &quot;crash, takeover and a zombie&quot;',
    ])
      expect(page).toContain(text);
  });

  test('what went wrong is open and comes first, what went well is folded', () => {
    const sections = [
      ...page.matchAll(/<details class="scenario"( open)?><summary><span class="badge \w+">(\w+)</g),
    ];
    expect(sections.map(([, open, outcome]) => `${outcome}${open ?? ''}`)).toEqual([
      'invalid open',
      'unknown open',
      'valid',
    ]);
  });

  test('every drawing that says something has a name, and what scrolls can be reached by keyboard', () => {
    const tags = tagsOf(page);
    for (const { attributes } of tags.filter((tag) => tag.name === 'svg'))
      expect(attributes.has('aria-label') || attributes.get('aria-hidden') === 'true').toBe(true);
    for (const { attributes } of tags.filter((tag) =>
      ['wide', 'scroll'].includes(tag.attributes.get('class') ?? ''),
    ))
      expect(attributes.get('tabindex')).toBe('0');
  });

  const hostile = `"'><script>alert(1)</script></title></style></svg><img src=x onerror=alert(1)>\u0000\u001b[31m\u202e\u2066\ud800]]>&amp;${'long'.repeat(400)}`;

  test('hostile text stays text', () => {
    const attacked = syntheticRun({
      hostileTopic: hostile,
      hostileError: hostile,
      name: `n ${hostile}`.slice(0, 200),
    });
    const result: RunResult = {
      ...attacked.result,
      client: { name: hostile, version: hostile },
      mutant: hostile,
      traceHash: hostile,
      runDirectory: hostile,
      versions: { [hostile]: hostile },
      options: { [hostile]: hostile },
      goals: { [hostile]: 1 },
      duplicates: { total: 1, byCause: { [hostile]: 1 } },
      properties: [{ id: hostile, title: hostile, checked: 1, illegal: 1, observed: 0 }],
      anomalies: attacked.result.anomalies.map((one) => ({
        ...one,
        property: hostile,
        signature: hostile,
        known: hostile,
        message: hostile,
        scenarioFile: hostile,
      })),
    };
    const html = renderHtml(result, loadedOf(attacked.scenarios));
    const tame = new Set(tagsOf(page).map((tag) => tag.name));
    expect(tagsOf(html).filter((tag) => !tame.has(tag.name))).toEqual([]);
    // Whatever is left of the attack, no tag begins in it.
    expect(html).not.toMatch(/<(script|img)/i);
    expect(html.match(/<\/style>/g)).toHaveLength(1);
    expect(html.match(/<\/title><meta|<\/title><style/g)?.length).toBe(1);
    expect(visibleLines(html)).toBe(html);
    expect(html).toContain('\\u202e');
  });

  test('ten thousand events make a page no larger than its columns allow', () => {
    const { history, verdict, scenario } = syntheticHistory({ recordIntervalMs: 60 });
    expect(history.events.length).toBeGreaterThan(10_000);
    const sizeOf = (one: ReturnType<typeof syntheticHistory>): number => {
      const builder = new RunResultBuilder({ ...run.result }, []);
      const judged = { index: 0, ...one, wallSeconds: 1, kept: null };
      builder.add(judged);
      return renderHtml(builder.build({ ...run.result }), loadedOf([judged])).length;
    };
    expect(sizeOf({ history, verdict, scenario })).toBeLessThan(2 * sizeOf(syntheticHistory()));
    expect(sizeOf({ history, verdict, scenario })).toBeLessThan(300_000);
  });

  test('beyond a bound, scenarios are told without their pictures', () => {
    const one = syntheticHistory();
    const builder = new RunResultBuilder({ ...run.result }, []);
    const scenarios = Array.from({ length: 6 }, (_, index) => ({
      index,
      ...one,
      wallSeconds: 1,
      kept: null,
    }));
    for (const scenario of scenarios) builder.add(scenario);
    const html = renderHtml(builder.build({ ...run.result }), loadedOf(scenarios), {
      picturesLengthMax: 150_000,
    });
    expect(html.match(/class="plot"/g)).toHaveLength(2);
    expect(html.match(/This page has many pictures already/g)).toHaveLength(4);
    expect(html.match(/generation 6 of billing assigns orders-0/g)?.length).toBeGreaterThanOrEqual(6);
    const ids = new Set(tagsOf(html).flatMap((tag) => tag.attributes.get('id') ?? []));
    const links = tagsOf(html).flatMap((tag) => tag.attributes.get('href') ?? []);
    expect(links.filter((link) => !ids.has(link.slice(1)))).toEqual([]);
  });

  test('a hundred anomalies in long runs stay below twenty megabytes', () => {
    const one = syntheticHistory({ recordIntervalMs: 90 });
    expect(one.history.events.length).toBeGreaterThan(10_000);
    const builder = new RunResultBuilder({ ...run.result }, []);
    const scenarios = Array.from({ length: 34 }, (_, index) => ({
      index,
      ...one,
      wallSeconds: 1,
      kept: null,
    }));
    for (const scenario of scenarios) builder.add(scenario);
    const result = builder.build({ ...run.result });
    expect(result.anomalies.length).toBeGreaterThanOrEqual(100);
    const html = renderHtml(result, loadedOf(scenarios));
    expect(html.match(/class="plot"/g)).toHaveLength(34);
    expect(Buffer.byteLength(html)).toBeLessThan(20_000_000);
    const bounded = renderHtml(result, loadedOf(scenarios.slice(0, 8)), { detailsLengthMax: 500_000 });
    expect(bounded.length).toBeLessThan(700_000);
    expect(bounded).toMatch(/\d more scenarios did not fit on this page/);
    const ids = new Set(tagsOf(bounded).flatMap((tag) => tag.attributes.get('id') ?? []));
    const links = tagsOf(bounded).flatMap((tag) => tag.attributes.get('href') ?? []);
    expect(links.filter((link) => !ids.has(link.slice(1)))).toEqual([]);
  });

  test('the line through a marker shows only where the reader is', () => {
    expect(page).toMatch(/\.guide\{[^}]*visibility:hidden\}/);
    expect(page).not.toMatch(/\}\.guide\{visibility:visible/);
    expect(page).toContain('.markers a:target .guide,');
  });

  test('a run without anything still makes a page', () => {
    const empty: RunResult = {
      ...run.result,
      anomalies: [],
      results: [],
      properties: [],
      goals: {},
      duplicates: { total: 0, byCause: {} },
      scenarios: { run: 0, valid: 0, invalid: 0, unknown: 0 },
    };
    expect(renderHtml(empty, [])).toContain('No scenario was judged.');
  });

  test('a very long history of anomalies is bounded', () => {
    const [first] = run.result.anomalies;
    const anomalies = first === undefined ? [] : Array.from({ length: 5_000 }, () => ({ ...first }));
    const html = renderHtml({ ...run.result, anomalies }, loadedOf(run.scenarios));
    expect(html).toContain('4940 more anomalies in verdict.json.');
    expect(html.length).toBeLessThan(400_000);
  });
});
