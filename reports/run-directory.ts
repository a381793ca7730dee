/**
 * The run directory, `<base>/<run id>/`: results, histories and rendered reports enter, files leave; and the way
 * back, from such a directory to the values.
 *
 * ```
 * run.json  report.html  junit.xml  summary.md
 * scenarios/0007-crash-and-rejoin/{scenario.json, history.jsonl, verdict.json, trace.json, shrunk.json}
 * ```
 * `<base>/latest` points to the newest run.
 */
import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, isAbsolute, join, relative } from 'node:path';
import type { z } from 'zod';
import { UsageError } from '../harness/errors.ts';
import { asWriteError, writeFileAtomically } from '../harness/history/atomic-write.ts';
import { readHistory } from '../harness/history/reader.ts';
import type { History } from '../harness/history/schema.ts';
import { writeHistory } from '../harness/history/writer.ts';
import type { Verdict } from '../properties/property.ts';
import { type Finding, parseFinding } from '../scenarios/finding.ts';
import { formatPath, parseScenario, type Scenario, scenarioSchema } from '../scenarios/schema.ts';
import { renderJson } from './json.ts';
import { Keeping } from './keeping.ts';
import { type RunResult, runResultSchema, verdictSchema } from './results.ts';
import { type Trace, traceSchema } from './trace.ts';

/** Runs that may begin in the same second before something else must be wrong. */
const RUN_IDS_MAX = 1_000;

/** Where a scenario was kept. */
export interface KeptScenario {
  readonly directory: string;
  readonly scenarioFile: string;
  /** Null where the world failed before there was a history. */
  readonly historyFile: string | null;
}

/** A kept scenario, read back. */
export interface LoadedScenario {
  readonly directory: string;
  /** Its index in the run, or null where the directory was renamed. */
  readonly index: number | null;
  readonly scenario: Scenario;
  readonly history: History | null;
  readonly verdict: Verdict | null;
  /** The messages around its anomalies, where they were looked at. */
  readonly trace: Trace | null;
  /** The few steps that matter and what happens in them, where it was shrunk. */
  readonly shrunk: Finding | null;
}

/** `2025-11-03T14-05-09-seed-42`: sorts by time, and is a legal file name everywhere. */
export function makeRunId(startedAt: Date, suffix: string): string {
  const stamp = startedAt.toISOString().slice(0, 19).replaceAll(':', '-');
  return `${stamp}-${slug(suffix)}`;
}

/**
 * Makes the directory of a run, with another number at its end where that name is taken, and points `latest` to it.
 * @throws HarnessError with exit code 3 where it cannot be made
 */
export async function createRunDirectory(base: string, runId: string): Promise<RunDirectory> {
  assert.match(runId, /^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a run id is a plain file name');
  for (let number = 1; number <= RUN_IDS_MAX; number += 1) {
    const name = number === 1 ? runId : `${runId}-${number}`;
    const path = join(base, name);
    try {
      await mkdir(base, { recursive: true });
      await mkdir(path);
      await mkdir(join(path, 'scenarios'));
    } catch (error) {
      if (isErrno(error, 'EEXIST') && (await isDirectory(path))) continue;
      throw asWriteError(error, path);
    }
    await pointLatestTo(base, name);
    return new RunDirectory(path, name);
  }
  throw new UsageError(`There are ${RUN_IDS_MAX} runs named '${runId}' in '${base}' already.`);
}

/** One that is there already. */
export const openRunDirectory = (path: string): RunDirectory => new RunDirectory(path, basename(path));

/** Writes into one run directory. */
export class RunDirectory {
  readonly path: string;
  readonly runId: string;
  readonly reportFile: string;
  readonly junitFile: string;
  readonly #keeping = new Keeping();

  constructor(path: string, runId: string) {
    this.path = path;
    this.runId = runId;
    this.reportFile = join(path, 'report.html');
    this.junitFile = join(path, 'junit.xml');
  }

  /**
   * Keeps a scenario where it is worth it. Null where it was not kept.
   * @throws HarnessError with exit code 3 where the disk does not take it; nothing of it is left then
   */
  async keepScenario(judged: {
    readonly index: number;
    readonly scenario: Scenario;
    readonly history: History | null;
    readonly verdict: Verdict;
  }): Promise<KeptScenario | null> {
    const { verdict } = judged;
    if (!this.#keeping.wants(verdict.outcome, verdict.anomalies)) return null;
    const { index, scenario, history } = judged;
    const directory = join(
      this.path,
      'scenarios',
      `${String(index).padStart(4, '0')}-${slug(scenario.name)}`,
    );
    const scenarioFile = join(directory, 'scenario.json');
    const historyFile = join(directory, 'history.jsonl');
    try {
      await mkdir(directory, { recursive: true });
      await writeJson(scenarioFile, scenarioSchema.parse(scenario));
      if (history !== null) await writeHistory(historyFile, history);
      await writeJson(join(directory, 'verdict.json'), verdictSchema.parse(verdict));
    } catch (error) {
      await rm(directory, { recursive: true, force: true }).catch(() => undefined);
      throw asWriteError(error, directory);
    }
    return { directory, scenarioFile, historyFile: history === null ? null : historyFile };
  }

  async writeResult(result: RunResult): Promise<void> {
    await writeFileAtomically(join(this.path, 'run.json'), [renderJson(result)]);
  }

  /** Beside the scenario that it is about. */
  async writeTrace(directory: string, trace: Trace): Promise<void> {
    await writeFileAtomically(join(directory, 'trace.json'), [`${JSON.stringify(trace)}\n`]);
  }

  async writeReport(html: string): Promise<void> {
    await writeFileAtomically(this.reportFile, [html]);
  }

  async writeJunit(xml: string): Promise<void> {
    await writeFileAtomically(this.junitFile, [xml]);
  }

  async writeMarkdown(text: string): Promise<void> {
    await writeFileAtomically(join(this.path, 'summary.md'), [text]);
  }
}

/** Pretty JSON with a line end; the keys are in order where a schema has put them in order. */
const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomically(path, [`${JSON.stringify(value, null, 2)}\n`]);

/**
 * Reads one kept scenario back.
 * @throws UsageError that names the file and what is wrong in it
 */
export async function loadScenarioDirectory(directory: string): Promise<LoadedScenario> {
  const scenarioFile = join(directory, 'scenario.json');
  const text = await readOptional(scenarioFile);
  if (text === null)
    throw new UsageError(`'${directory}' is no scenario directory: there is no scenario.json in it.`, {
      hint: 'Name a folder below scenarios/ of a run directory.',
    });
  const scenario = parseScenario(parseJson(text, scenarioFile), scenarioFile);
  const historyFile = join(directory, 'history.jsonl');
  const history = (await exists(historyFile)) ? await readHistory(historyFile) : null;
  const verdictFile = join(directory, 'verdict.json');
  const verdictText = await readOptional(verdictFile);
  const verdict = verdictText === null ? null : parseWith(verdictSchema, verdictText, verdictFile);
  const traceFile = join(directory, 'trace.json');
  const traceText = await readOptional(traceFile);
  const trace = traceText === null ? null : parseWith(traceSchema, traceText, traceFile);
  const shrunkFile = join(directory, 'shrunk.json');
  const shrunkText = await readOptional(shrunkFile);
  const shrunk = shrunkText === null ? null : parseFinding(parseJson(shrunkText, shrunkFile), shrunkFile);
  const number = /^\d+(?=-)/.exec(basename(directory));
  const index = number === null ? null : Number(number[0]);
  return { directory, index, scenario, history, verdict, trace, shrunk };
}

/**
 * Reads a run directory back: its result and every scenario kept in it, in order of name.
 * @throws UsageError that names the file and what is wrong in it
 */
export async function loadRunDirectory(
  path: string,
): Promise<{ result: RunResult; scenarios: LoadedScenario[] }> {
  const result = await loadRunResult(path);
  const folder = join(result.runDirectory ?? path, 'scenarios');
  const names = (await exists(folder)) ? (await readdir(folder)).sort() : [];
  const scenarios: LoadedScenario[] = [];
  for (const name of names) scenarios.push(await loadScenarioDirectory(join(folder, name)));
  return { result, scenarios };
}

/**
 * Reads only the result of a run. Its paths lead to where the directory is now, which may be another machine.
 * @throws UsageError that names the file and what is wrong in it
 */
export async function loadRunResult(path: string): Promise<RunResult> {
  const file = join(path, 'run.json');
  const text = await readOptional(file);
  if (text === null)
    throw new UsageError(`'${path}' is no run directory: there is no run.json in it.`, {
      hint: "Name a folder below reports/out, such as 'reports/out/latest'.",
    });
  const result = parseWith(runResultSchema, text, file);
  const { runDirectory: before } = result;
  if (before === null) return result;
  const now = await placeOf(path);
  const moved = (one: string | null): string | null =>
    one?.startsWith(before) === true ? join(now, relative(before, one)) : one;
  return {
    ...result,
    runDirectory: now,
    reportFile: moved(result.reportFile),
    results: result.results.map((one) => ({ ...one, directory: moved(one.directory) })),
    anomalies: result.anomalies.map((one) => ({
      ...one,
      scenarioFile: moved(one.scenarioFile),
      historyFile: moved(one.historyFile),
      ...(one.shrunkFile === undefined ? {} : { shrunkFile: moved(one.shrunkFile) as string }),
    })),
  };
}

/** Without links, such as `latest`, which will lead elsewhere tomorrow; relative where it is below this folder. */
async function placeOf(path: string): Promise<string> {
  const real = await realpath(path);
  const here = relative(await realpath(process.cwd()), real);
  return here.startsWith('..') || isAbsolute(here) || here === '' ? real : here;
}

function parseWith<S extends z.ZodType>(schema: S, text: string, file: string): z.infer<S> {
  const result = schema.safeParse(parseJson(text, file));
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${formatPath(issue.path)}: ${issue.message}`);
  throw new UsageError(`${file} is not what this version of kafka-trial writes:\n${lines.join('\n')}`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** The text of a file, or null where there is none. */
async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return null;
    throw new UsageError(`Cannot read '${path}': ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

const isDirectory = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
};

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** A convenience: where links cannot be made, the run goes on without. */
async function pointLatestTo(base: string, name: string): Promise<void> {
  const link = join(base, 'latest');
  const temporary = `${link}.${process.pid}.partial`;
  try {
    await symlink(name, temporary, 'dir');
    await rename(temporary, link);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** A name as part of a file name: lower-case letters, digits and hyphens. */
function slug(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return words || 'unnamed';
}
