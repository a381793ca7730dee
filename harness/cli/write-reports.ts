/** What `report` does: run directories and formats enter; files or text on standard output, and an exit code, leave. */
import { cp } from 'node:fs/promises';
import { renderGithub } from '../../reports/github.ts';
import { renderHtml } from '../../reports/html.tsx';
import { renderJson } from '../../reports/json.ts';
import { renderJunit } from '../../reports/junit.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { mergeShards } from '../../reports/merge.ts';
import type { RunResult } from '../../reports/results.ts';
import {
  createRunDirectory,
  type LoadedScenario,
  loadRunDirectory,
  loadRunResult,
  makeRunId,
  openRunDirectory,
  type RunDirectory,
} from '../../reports/run-directory.ts';
import { renderSummary } from '../../reports/terminal.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { asWriteError } from '../history/atomic-write.ts';
import { exitCodeOf } from './exit-code.ts';
import { colorOf } from './output.ts';

export type Format = 'html' | 'junit' | 'markdown' | 'json' | 'github';

export interface ReportOptions {
  readonly format: readonly Format[];
  readonly merge?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

/** @throws UsageError for what is no run directory, or no shard of the same run */
export async function writeReports(paths: readonly string[], options: ReportOptions): Promise<ExitCode> {
  const results: RunResult[] = [];
  for (const one of options.merge === true ? [await merge(paths, options.out)] : paths)
    results.push(await report(one, options));
  return worst(results);
}

/** Invalid over unknown over valid, as everywhere. */
const worst = (results: readonly RunResult[]): ExitCode => {
  const codes = results.map(exitCodeOf);
  return (
    codes.find((code) => code === exitCodes.invalid) ?? codes.find((code) => code !== exitCodes.valid) ?? 0
  );
};

/** @returns the directory of the merged run, in which only its reports are still missing */
async function merge(paths: readonly string[], out: string): Promise<string> {
  const shards: RunResult[] = [];
  // A directory may have come from another machine: what it says of its own place is not true here.
  for (const path of paths) shards.push(await loadRunResult(path));
  const planned = mergeShards(shards, '');
  const { seed, startedAt } = planned.result;
  const directory = await createRunDirectory(out, makeRunId(new Date(startedAt), `merged-seed-${seed}`));
  const { result, directories, missing } = mergeShards(shards, directory.path);
  for (const sentence of missing) process.stderr.write(`${sentence}\n`);
  for (const { from, to } of directories)
    try {
      await cp(from, to, { recursive: true, errorOnExist: true });
    } catch (error) {
      throw asWriteError(error, to);
    }
  await directory.writeResult(result);
  return directory.path;
}

async function report(path: string, { format, json }: ReportOptions): Promise<RunResult> {
  const { result, scenarios } = await loadRunDirectory(path);
  const [only] = format;
  if (json === true) {
    await writeFiles(openRunDirectory(path), result, scenarios, format);
    process.stdout.write(renderJson(result));
  } else if (format.length === 1 && only !== undefined && only in printed)
    process.stdout.write(printed[only as keyof typeof printed](result));
  else {
    await writeFiles(openRunDirectory(path), result, scenarios, format);
    if (format.includes('github')) process.stdout.write(renderGithub(result));
    else
      process.stdout.write(
        renderSummary(result, { color: colorOf(process.stdout), width: process.stdout.columns ?? 100 }),
      );
  }
  return result;
}

const printed = { markdown: renderMarkdown, json: renderJson, github: renderGithub } as const;

async function writeFiles(
  directory: RunDirectory,
  result: RunResult,
  scenarios: readonly LoadedScenario[],
  format: readonly Format[],
): Promise<void> {
  if (format.includes('html')) await directory.writeReport(renderHtml(result, scenarios));
  if (format.includes('junit')) await directory.writeJunit(renderJunit(result));
  if (format.includes('markdown')) await directory.writeMarkdown(renderMarkdown(result));
  if (format.includes('json')) await directory.writeResult(result);
}
