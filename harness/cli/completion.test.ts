/** Shell completion: the scripts know every command, option and choice, and a real shell completes with them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../testing/command-line.ts';

let folder: string;
const scripts = new Map<string, string>();
const shells = ['bash', 'zsh', 'fish'];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  for (const shell of shells) {
    const { stdout } = await runCommand(['completion', shell]);
    scripts.set(shell, stdout);
    writeFileSync(join(folder, shell), stdout);
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const isInstalled = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash offers for the last word. */
function completeInBash(...words: string[]): string[] {
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kafka_trial; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync('bash', ['-c', script, join(folder, 'bash'), 'kafka-trial', ...words], {
    encoding: 'utf8',
  });
  return text.trimEnd().split('\n');
}

describe('shell completion', () => {
  it('knows all commands and their options', async () => {
    const help = (await runCommand(['--help'])).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z]+) .*\S/gm)].map(([, name]) => name as string);
    expect(commands).toContain('replay');
    const helps = await Promise.all(
      commands.filter((name) => name !== 'help').map((name) => runCommand([name, '--help'])),
    );
    const options = helps.flatMap(({ stdout }) =>
      [...stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name as string),
    );
    expect(options).toContain('until');
    for (const shell of shells) {
      const script = scripts.get(shell) as string;
      for (const command of commands.filter((name) => name !== 'help')) expect(script).toContain(command);
      for (const option of options)
        expect(script).toMatch(new RegExp(shell === 'fish' ? `--long-option ${option} ` : `--${option}\\b`));
    }
  });

  it('in bash offers commands, options, choices and files', () => {
    expect(completeInBash('re')).toContain('replay');
    expect(completeInBash('run', '--world', '')).toEqual(['sim', 'kafka']);
    expect(completeInBash('run', '--appl')).toEqual(['--application']);
    expect(completeInBash('completion', 'z')).toEqual(['zsh']);
    expect(completeInBash('check', folder)).toEqual([folder]);
  });

  // Not every machine has them; what has no syntax error in bash may have one there.
  it.runIf(isInstalled('zsh'))('is a script that zsh reads', () => {
    expect(spawnSync('zsh', ['-n', join(folder, 'zsh')], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
  it.runIf(isInstalled('fish'))('in fish offers choices', () => {
    const script = `source ${join(folder, 'fish')}; complete -C 'kafka-trial run --world '`;
    const { stdout } = spawnSync('fish', ['-c', script], { encoding: 'utf8' });
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(
      expect.arrayContaining(['sim', 'kafka']),
    );
  });
});
