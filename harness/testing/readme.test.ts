/** The README says what the code does: its table of properties and the commands in it are checked against the code. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import { packageRoot } from '../version.ts';
import { runCommand } from './command-line.ts';

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const [begin, end] = ['<!-- properties:begin -->\n', '<!-- properties:end -->'] as const;

describe('README', () => {
  it('lists the properties of the catalogue with their titles', () => {
    const cells = catalogue.map(({ id, title }) => [`\`${id}\``, title] as const);
    const widths = [0, 1].map((column) => Math.max(...cells.map((row) => (row[column] as string).length)));
    const row = (...texts: readonly string[]): string =>
      `|${texts.map((text, column) => ` ${text.padEnd(widths[column] as number)} `).join('|')}|\n`;
    const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`;
    const table = `\n${row('property', 'in short')}${rule}${cells.map((one) => row(...one)).join('')}\n`;
    const [, rest] = readme.split(begin) as [string, string];
    const [current] = rest.split(end) as [string, string];
    // Where they differ, the expected text is what belongs into the README.
    expect(current).toBe(table);
  });

  it('names only commands and options that exist', async () => {
    const uses = [
      ...readme.matchAll(
        /kafka-trial (run|replay|compare|shrink|bugs run|lessons|serve|check|report|doctor)([^`\n]*)/g,
      ),
    ];
    expect(uses.length).toBeGreaterThan(5);
    const help = new Map<string, string>();
    for (const [, command = '', rest = ''] of uses) {
      if (!help.has(command)) help.set(command, (await runCommand([...command.split(' '), '--help'])).stdout);
      for (const [option] of rest.matchAll(/--[a-z-]+/g))
        expect(`${help.get(command)}\n  --help`, `${command} ${option}`).toContain(`${option}`);
    }
  });

  it('imports only what the built package exports', async () => {
    const imports = [...readme.matchAll(/import \{ (\w+) \} from '(kafka-trial\/[^']+)'/g)];
    expect(imports.length).toBeGreaterThan(0);
    for (const [, name = '', specifier = ''] of imports) {
      const script = `process.stdout.write(Object.keys(await import('${specifier}')).join(' '))`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', script],
        { cwd: packageRoot },
      );
      expect(stdout.split(' '), specifier).toContain(name);
    }
  });

  it('shows a cluster for tests that works as it stands', async () => {
    const example = /```ts\n(import \{ startCluster \}[\s\S]*?)```/.exec(readme)?.[1] ?? '';
    // Node.js 20 does not know `await using`; what it means is put in its place.
    const script = `${example.replace(/await using (\w+) = /, 'const $1 = ')}\nawait cluster.close();\n`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { cwd: packageRoot, env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' } },
    );
    expect(stdout).toBe("[ 'hello' ]\n");
    // kafkajs says in its log that it met the error.
    expect(stderr).toContain('not the leader for that topic-partition');
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script as string);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});
