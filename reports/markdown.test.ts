/** The summary says what a person needs in a job's summary, and nothing from outside is markup in it. */
import { describe, expect, test } from 'vitest';
import { visibleLines } from './escape.ts';
import { renderMarkdown } from './markdown.ts';
import type { RunResult } from './results.ts';
import { calledOutside, hostileTexts, htmlOf, tagsOf, wordsOf } from './testing/markdown.ts';
import { syntheticRun } from './testing/synthetic.ts';

const { result } = syntheticRun();

describe('renderMarkdown', () => {
  test('says the verdict, what ran, each finding with its replay in both worlds, and the properties', () => {
    const html = htmlOf(renderMarkdown(result));
    const words = wordsOf(html);
    expect(words).toMatch(/^❌ kafka-trial: invalid\n/);
    for (const text of [
      'kafkajs 2.2.4 in real Apache Kafka: 3 scenarios, 1 valid, 1 invalid, 1 unknown; seed 42.',
      'duplicate-bound: replayed more than was uncommitted',
      '8 records of orders-1 came again after m2.1 was killed, at most 3 were allowed to',
      'kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json\n',
      'kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json --world kafka --times 10',
      'which is 42:0 on any machine',
      'zombie processed after it lost the partition, 1 time',
      'broker 2 did not start again within 60 s',
      'commit 0a1b2c3d4e5f with uncommitted changes',
    ])
      expect(words).toContain(text);
    expect(html.match(/<tr>/g)).toHaveLength(1 + result.properties.length);
  });

  test.each(hostileTexts)('hostile text stays text: %j', (hostile) => {
    const attacked = syntheticRun({ hostileTopic: hostile, hostileError: hostile }).result;
    const everywhere: RunResult = {
      ...attacked,
      client: { name: hostile, version: hostile },
      mutant: hostile,
      versions: { [hostile]: hostile },
      properties: attacked.properties.map((one) => ({ ...one, title: hostile })),
      anomalies: attacked.anomalies.map((one) => ({
        ...one,
        property: hostile,
        signature: `${one.signature} ${hostile}`,
        scenario: hostile,
        scenarioFile: hostile,
        known: hostile,
        account: [hostile],
      })),
    };
    const markdown = renderMarkdown(everywhere);
    expect(visibleLines(markdown)).toBe(markdown);
    const html = htmlOf(markdown);
    const tame = htmlOf(
      renderMarkdown({
        ...result,
        mutant: 'm',
        anomalies: result.anomalies.map((one) => ({ ...one, known: 'k' })),
      }),
    );
    expect(new Set(tagsOf(html))).toEqual(new Set(tagsOf(tame)));
    expect(html).not.toMatch(/<a |<img|href=/);
    expect(html.match(/<tr>/g)).toHaveLength(1 + attacked.properties.length);
    expect(html.match(/<h[1-6]/g)).toHaveLength((tame.match(/<h[1-6]/g) ?? []).length);
    expect(calledOutside(html)).toBeNull();
  });

  test('very many findings make a bounded page', () => {
    const [first] = result.anomalies;
    const anomalies =
      first === undefined
        ? []
        : Array.from({ length: 500 }, (_, index) => ({
            ...first,
            signature: `${'long '.repeat(20)}${index}`,
          }));
    const markdown = renderMarkdown({ ...result, anomalies });
    expect(markdown).toContain('480 more findings in the report.');
    expect(Buffer.byteLength(markdown)).toBeLessThan(100_000);
  });
});
