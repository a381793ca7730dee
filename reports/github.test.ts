/** Annotations are one workflow command a line, and nothing from outside can be another one. */
import { describe, expect, test } from 'vitest';
import { visible, visibleLines } from './escape.ts';
import { renderGithub } from './github.ts';
import type { RunResult } from './results.ts';
import { syntheticRun } from './testing/synthetic.ts';

const { result } = syntheticRun();

/** As the runner reads a line: the command, its title and its message, unescaped; anything else is no command. */
function parse(line: string): { level: string; title: string; message: string } {
  const match = /^::(error|warning|notice) title=([^,:]*)::(.*)$/.exec(line);
  if (match === null) throw new Error(`no annotation: ${line}`);
  const data = (text = ''): string =>
    text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
  const [, level = '', title = '', message = ''] = match;
  return { level, title: data(title.replaceAll('%3A', ':').replaceAll('%2C', ',')), message: data(message) };
}
const annotationsOf = (one: RunResult) => renderGithub(one).trimEnd().split('\n').map(parse);

describe('renderGithub', () => {
  test('what is new is an error, what is known a warning, what is allowed a notice', () => {
    expect(annotationsOf(result).map(({ level, title }) => [level, title])).toEqual([
      ['error', 'duplicate-bound: replayed more than was uncommitted'],
      ['error', 'exclusive-assignment: partition with two owners in one generation'],
      ['notice', 'exclusive-processing: zombie processed after it lost the partition'],
      ['warning', 'No verdict on 1 scenario'],
    ]);
    expect(annotationsOf(result)[0]?.message).toBe(
      '8 records of orders-1 came again after m2.1 was killed, at most 3 were allowed to\n1 time in 1 scenario\nReplay: kafka-trial replay reports/out/run/scenarios/0000-crash-takeover-and-a-zombie/scenario.json --world kafka --times 10',
    );
    const known = { ...result, anomalies: result.anomalies.map((one) => ({ ...one, known: 'KB-1' })) };
    expect(
      annotationsOf(known)
        .slice(0, 2)
        .map(({ level }) => level),
    ).toEqual(['warning', 'warning']);
    const strict = { ...known, options: { strict: true } };
    expect(
      annotationsOf(strict)
        .slice(0, 2)
        .map(({ level }) => level),
    ).toEqual(['error', 'error']);
  });

  test('a result without anything to say says nothing', () => {
    const fine = {
      ...result,
      anomalies: [],
      results: [],
      scenarios: { run: 3, valid: 3, invalid: 0, unknown: 0 },
    };
    expect(renderGithub(fine)).toBe('');
  });

  test('no more than GitHub shows', () => {
    const [first] = result.anomalies;
    const anomalies =
      first === undefined
        ? []
        : Array.from({ length: 50 }, (_, index) => ({ ...first, signature: `${index}` }));
    expect(annotationsOf({ ...result, anomalies }).filter(({ level }) => level === 'error')).toHaveLength(9);
  });

  test('hostile text makes no command of its own', () => {
    const hostile =
      'a\r\n::error title=x::stolen\n::set-output name=a::b %0A::warning::c, d: e\u001b[31m\u202e';
    const attacked = syntheticRun({ hostileTopic: hostile, hostileError: hostile }).result;
    const annotations = annotationsOf({
      ...attacked,
      anomalies: attacked.anomalies.map((one) => ({
        ...one,
        property: hostile,
        signature: `${one.signature} ${hostile}`,
        known: hostile,
        scenarioFile: hostile,
      })),
    });
    expect(annotations).toHaveLength(4);
    for (const { title, message } of annotations) {
      expect(visible(title)).toBe(title);
      // The lines are ours: what came from outside has none.
      expect(message.split('\n').length).toBeLessThanOrEqual(3);
      expect(visibleLines(message)).toBe(message);
    }
    expect(annotations[0]?.message).toContain('\\r\\n::error title=x::stolen');
  });
});
