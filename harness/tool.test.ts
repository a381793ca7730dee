/** The commands that work on this repository, on bad input: one sentence, exit code 2, nothing started. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const tools = Object.entries(scripts).flatMap(([name, script]) => {
  const [, file] = / (dist\/harness\/(?!cli|build)\S+\.js)$/.exec(script) ?? [];
  return file === undefined ? [] : [[name, file] as const];
});

const run = (file: string, ...words: string[]): Promise<{ code: unknown; output: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [file, ...words], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });

describe('a command of this repository', () => {
  it('is found in package.json', () => {
    expect(tools.map(([name]) => name)).toEqual(
      expect.arrayContaining(['determinism', 'soak', 'agreement', 'mutants', 'bench', 'fuzz:protocol']),
    );
  });

  it.each(tools)('%s refuses options that it does not have, and a seed that is none', async (_name, file) => {
    for (const words of [['--nonsense'], ['--seed', 'x']]) {
      const { code, output } = await run(file, ...words);
      expect([words, code]).toEqual([words, 2]);
      expect(output).toMatch(new RegExp(words[0] as string));
      expect(output).not.toMatch(/at .*\.js:\d+/);
    }
  });

  it('says what there is where a name is none', async () => {
    const { code, output } = await run('dist/harness/soak/main.js', '--profiles', 'calm,nowhere');
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/^There is no profile 'nowhere'\.\nThe profiles are: .*calm/),
    ]);
  });
});
