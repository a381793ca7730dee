/** What `replay` can be pointed at, and what it says of everything else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { readTarget } from './target.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'target-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('readTarget', () => {
  it('takes seed:index, with a profile or without', async () => {
    expect(await readTarget('7:3')).toEqual([
      { scenario: generateScenario(7, 3), file: null, recorded: null },
    ]);
    expect((await readTarget('7:3:calm'))[0]?.scenario).toEqual(generateScenario(7, 3, 'calm'));
    expect((await readTarget('7:3:resets-java'))[0]?.scenario).toEqual(generateScenario(7, 3, 'resets-java'));
  });

  it('takes a scenario file, and the directory it is in', async () => {
    const scenario = generateScenario(1, 1);
    const path = file('scenario.json', JSON.stringify(scenario));
    expect(await readTarget(path)).toEqual([{ scenario, file: path, recorded: null }]);
    expect(await readTarget(folder)).toEqual([{ scenario, file: path, recorded: null }]);
  });

  it.each<[string, () => string, RegExp]>([
    ['nothing there', () => join(folder, 'none.json'), /There is no file or directory/],
    ['broken JSON', () => file('broken.json', '{"version": 1,'), /broken\.json is not JSON: /],
    ['another JSON', () => file('other.json', '{"a": 1}'), /other\.json is not a scenario:\n {2}version: /],
    ['an unknown profile', () => '7:3:wild', /there is no profile 'wild'/],
    ['a seed out of range', () => '99999999999:0', /expected a seed up to 4294967295/],
  ])('refuses %s', async (_, target, message) => {
    await expect(readTarget(target())).rejects.toThrow(message);
  });
});
