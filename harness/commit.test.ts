/** A report says from which commit it is, and whether that is the whole truth. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commitOf } from './commit.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'commit-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const git = (...words: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...words], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();

it('is nothing outside a repository, then the commit, then the commit and what was changed since', async () => {
  expect(await commitOf(folder)).toBeNull();
  git('init', '-q');
  expect(await commitOf(folder)).toBeNull();
  writeFileSync(join(folder, 'consumer.js'), 'early();');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  const commit = git('rev-parse', '--short=12', 'HEAD');
  expect(await commitOf(folder)).toBe(commit);
  writeFileSync(join(folder, 'consumer.js'), 'late();');
  expect(await commitOf(folder)).toBe(`${commit} with uncommitted changes`);
});
