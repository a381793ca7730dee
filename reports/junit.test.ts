/** The document is well-formed XML whatever the texts in it, and its names are stable. */
import { describe, expect, test } from 'vitest';
import { renderJunit } from './junit.ts';
import type { RunResult } from './results.ts';
import { syntheticRun } from './testing/synthetic.ts';

/**
 * Throws where a document is not well-formed in one of the ways that matter here: characters, nesting, attributes and
 * sections. Returns its elements with their attributes as they were before escaping.
 */
function parseXml(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  // https://www.w3.org/TR/xml/#charsets
  if (!/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u.test(xml))
    throw new Error('forbidden character');
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: (typeof elements)[number][] = [];
  const token =
    /<\?xml[^>]*\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/(\w[\w-]*)>|<(\w[\w-]*)((?:\s+\w+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    if (match === null) throw new Error(`not well-formed at: ${xml.slice(at, at + 60)}`);
    const [, section, closed, opened, attributeText = '', empty, text] = match;
    const inner = open.at(-1);
    if (section !== undefined && inner !== undefined) inner.text += section;
    if (
      text !== undefined &&
      (text.includes(']]>') || /&(?!(?:lt|gt|amp|quot|apos|#x?[0-9A-Fa-f]+);)/.test(text))
    )
      throw new Error(`stray text: ${text}`);
    if (closed !== undefined && open.pop()?.name !== closed)
      throw new Error(`</${closed}> closes something else`);
    if (opened === undefined) continue;
    const attributes = Object.fromEntries(
      [...attributeText.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, unescaped(value ?? '')]),
    );
    const element = { name: opened, attributes, text: '' };
    elements.push(element);
    if (empty === '') open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is not closed`);
  return elements;
}
const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#xA;', '\n')
    .replaceAll('&amp;', '&');

const { result } = syntheticRun();
const casesOf = (one: RunResult) =>
  parseXml(renderJunit(one)).filter((element) => element.name === 'testcase');

describe('renderJunit', () => {
  test('one test case per property and one per scenario', () => {
    expect(casesOf(result).map(({ attributes }) => `${attributes.classname} / ${attributes.name}`)).toEqual([
      'kafka-trial.kafka.exclusive-assignment / A partition has one owner',
      'kafka-trial.kafka.exclusive-processing / A partition is processed by one member at a time',
      'kafka-trial.kafka.duplicate-bound / A crash replays what was uncommitted and no more',
      'kafka-trial.kafka.no-lost-commit / A new owner resumes from the acknowledged commit',
      'kafka-trial.kafka.at-least-once / Every acknowledged record is processed',
      'kafka-trial.kafka.scenarios / crash, takeover and a zombie',
      'kafka-trial.kafka.scenarios / the same without a mistake',
      'kafka-trial.kafka.scenarios / broker that never came back',
    ]);
  });

  test('illegal anomalies are failures, scenarios without a verdict errors, observed ones notes', () => {
    const elements = parseXml(renderJunit(result));
    const [suites] = elements;
    expect(suites?.attributes).toMatchObject({ name: 'kafka-trial', tests: '8', failures: '3', errors: '1' });
    const failures = elements.filter((element) => element.name === 'failure');
    expect(failures.map((failure) => failure.attributes.message)).toEqual([
      '1 anomaly: partition with two owners in one generation',
      '1 anomaly: replayed more than was uncommitted',
      '2 anomalies: exclusive-assignment, duplicate-bound',
    ]);
    expect(failures[1]?.text).toContain('8.003 s  m2.1 was killed (SIGKILL)');
    expect(failures[1]?.text).toContain('replay: kafka-trial replay reports/out/run/scenarios/0000-');
    expect(elements.find((element) => element.name === 'error')?.attributes).toEqual({
      message: 'no verdict: broker 2 did not start again within 60 s',
      type: 'unknown',
    });
    const notes = elements.filter((element) => element.name === 'system-out').map((element) => element.text);
    expect(notes[0]).toContain('exclusive-processing: zombie processed after it lost the partition');
    expect(notes[1]).toContain('skipped: deletion of 50 % of audit-1: the partition log was empty');
  });

  test('names hold no seed, and two scenarios of one name stay apart', () => {
    const [first] = result.results;
    const twice = {
      ...result,
      seed: 987_654,
      results: first === undefined ? [] : [first, { ...first, index: 9, seed: 987_654 }],
    };
    const names = casesOf(twice).map((one) => one.attributes.name);
    expect(names.slice(-2)).toEqual(['crash, takeover and a zombie', 'crash, takeover and a zombie (2)']);
    expect(names.join()).not.toContain('987654');
    const generated = (seed: number): RunResult => ({
      ...result,
      seed,
      results: result.results.map((one) => ({ ...one, name: `seed-${seed}-${one.index}` })),
    });
    const namesOf = (seed: number) => casesOf(generated(seed)).map((one) => one.attributes.name);
    expect(namesOf(1)).toEqual(namesOf(2));
    expect(namesOf(1)).toContain('generated scenario 2');
  });

  test('known issues fail only strictly', () => {
    const known = { ...result, anomalies: result.anomalies.map((one) => ({ ...one, known: 'KB-1' })) };
    const failuresIn = (one: RunResult) =>
      parseXml(renderJunit(one)).filter((element) => element.name === 'failure');
    expect(failuresIn(known)).toEqual([]);
    expect(failuresIn({ ...known, options: { strict: true } })).toHaveLength(3);
    expect(renderJunit(known)).toContain('known as KB-1');
  });

  test('a property that was never checked is skipped', () => {
    const properties = [{ id: 'p', title: 'P', checked: 0, illegal: 0, observed: 0 }];
    expect(renderJunit({ ...result, properties })).toContain('<skipped/>');
  });

  test('hostile text stays text', () => {
    const hostile = `"'<b>&amp;</testcase>]]>]]><x>\u0000\u0008\u001b[31m\u202e\ud800\ufffe\n]]>`;
    const { result: attacked } = syntheticRun({
      hostileTopic: hostile,
      hostileError: hostile,
      name: 'a <b> & "c" \u0001',
    });
    const elements = parseXml(
      renderJunit({
        ...attacked,
        properties: [
          ...attacked.properties,
          { id: hostile, title: hostile, checked: 1, illegal: 1, observed: 0 },
        ],
        anomalies: attacked.anomalies.map((one) => ({
          ...one,
          signature: `${one.signature} ${hostile}`,
          known: null,
        })),
      }),
    );
    expect(elements.some((element) => element.attributes.name === 'a <b> & "c" \\x01')).toBe(true);
    const failure = elements.find((element) => element.name === 'failure');
    expect(failure?.attributes.message).toContain('<b>&amp;</testcase>]]>');
    expect(failure?.attributes.message).toContain('\\x00\\x08\\x1b[31m\\u202e\\ud800\\ufffe');
    expect(failure?.text).toContain('\\x00\\x08\\x1b[31m\\u202e\\ud800\\ufffe');
  });

  test('a scenario with very many anomalies is told in a bounded text', () => {
    const [first] = result.anomalies;
    const many =
      first === undefined
        ? []
        : Array.from({ length: 500 }, (_, index) => ({ ...first, message: `anomaly ${index}` }));
    const failure = parseXml(renderJunit({ ...result, anomalies: many })).findLast(
      (element) => element.name === 'failure',
    );
    expect(failure?.text).toContain('and 450 more');
    expect(failure?.text).not.toContain('anomaly 51');
  });
});
