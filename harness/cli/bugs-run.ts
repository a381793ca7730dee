/** The work of `kafka-trial bugs`: ids and options enter; the catalogue or the runs are shown, and an exit code leaves. */
import { paragraphOf } from '../../reports/account.ts';
import {
  type BugEntry,
  type BugRunResult,
  type BugsResult,
  renderBug,
  renderBugList,
  renderBugRun,
  renderBugsJson,
} from '../../reports/bugs-result.ts';
import { findBug, loadKnownBugs, type NamedBug } from '../bugs/load.ts';
import { type BugRun, breachOf, runBug } from '../bugs/run.ts';
import { type ClientName, clients } from '../client/clients.ts';
import { type ExitCode, exitCodes, UsageError, WorldUnavailableError } from '../errors.ts';
import { describeClient } from '../subject/builds.ts';
import { installedVersions } from '../subject/installed-package.ts';
import { packageRoot } from '../version.ts';
import type { World } from '../world/world.ts';
import { listenForInterruption } from './interrupt.ts';
import { readWorldConnection, type TrialOptions } from './options.ts';
import { colorOf, Output } from './output.ts';
import { openWorld } from './worlds.ts';

export interface BugsOptions extends Pick<TrialOptions, 'world' | 'brokers' | 'connection' | 'json'> {
  readonly all?: boolean;
  readonly client?: string;
}

export async function listBugs({ json }: Pick<BugsOptions, 'json'>): Promise<ExitCode> {
  const bugs = (await loadKnownBugs()).map(toEntry);
  process.stdout.write(
    json === true
      ? renderBugsJson({ schema: 1, command: 'bugs', world: null, bugs, runs: [] })
      : renderBugList(bugs),
  );
  return exitCodes.valid;
}

/** @throws UsageError */
export async function runBugs(ids: readonly string[], options: BugsOptions): Promise<ExitCode> {
  const all = await loadKnownBugs();
  if (ids.length > 0 === (options.all === true))
    throw new UsageError('Name the bugs to run, or give --all.', {
      hint: `The known bugs are: ${all.map(({ id }) => id).join(', ')}.`,
    });
  const chosen = ids.length > 0 ? ids.map((id) => findBug(all, id)) : all;
  const connection = readWorldConnection(options);
  // Found out, and bundled, before anything is started.
  const plans = chosen.map((bug) => ({ bug, clients: clientsFor(bug, options.client) }));
  for (const client of new Set(plans.flatMap((plan) => plan.clients))) describeClient(client);

  const output = new Output(process.stderr);
  using interruption = listenForInterruption((sentence) => output.say(sentence));
  const { signal } = interruption;
  const text = { color: colorOf(process.stdout), width: process.stdout.columns ?? 100 };
  const runs: BugRunResult[] = [];
  {
    const opened = await openWorld({
      name: options.world,
      connection,
      onProgress: (sentence) => output.say(sentence),
      // What a client writes to standard error is for a person who looks for a cause, and these have been found.
      onLog: () => {},
      signal,
    });
    await using world = opened.world;
    for (const plan of plans) {
      if (options.json !== true)
        process.stdout.write(renderBug(toEntry(plan.bug), { ...text, short: options.all === true }));
      for (const client of plan.clients) {
        if (signal.aborted) break;
        const run = await resultOf(plan.bug, client, world, signal);
        if (run === null) break;
        runs.push(run);
        if (options.json !== true) process.stdout.write(renderBugRun(run, options.all !== true, text));
      }
    }
  }
  const result: BugsResult = {
    schema: 1,
    command: 'bugs',
    world: options.world === 'sim' ? 'simulated' : 'kafka',
    bugs: chosen.map(toEntry),
    runs,
  };
  if (options.json === true) process.stdout.write(renderBugsJson(result));
  if (runs.some((run) => run.result === 'not as expected')) return exitCodes.invalid;
  return signal.aborted || runs.some((run) => run.result === 'unknown') ? exitCodes.unknown : exitCodes.valid;
}

/** Every version that is there, since the bug has to show in some and not in others; and the control. */
function clientsFor({ bug }: NamedBug, only: string | undefined): string[] {
  if (only !== undefined) return [only];
  const { packageName } = clients[bug.client as ClientName];
  const own = describeClient(bug.client).version;
  const others =
    packageName === null
      ? []
      : installedVersions(packageName, [process.cwd(), packageRoot]).filter((version) => version !== own);
  return [bug.client, ...others.map((version) => `${bug.client}@${version}`), 'reference'];
}

const toEntry = ({ id, file, bug }: NamedBug): BugEntry => ({
  id,
  title: bug.title,
  issue: bug.issue,
  client: bug.client,
  versions: bug.versions,
  text: bug.text,
  fixed: bug.fixed,
  trips: bug.trips.map(({ property, signature }) => ({ property, signature })),
  kafka: bug.kafka,
  scenarioFile: file,
});

/** Null where it was interrupted. */
async function resultOf(
  bug: NamedBug,
  client: string,
  world: World,
  signal: AbortSignal,
): Promise<BugRunResult | null> {
  const { id } = bug;
  const blank = { id, client: describeClient(client), shown: null, anomalies: [], traceHash: null };
  if (world.name === 'kafka' && bug.bug.kafka !== true)
    return { ...blank, expected: false, result: 'left out', text: bug.bug.kafka };
  try {
    const run = await runBug(bug, client, world, signal);
    if (run === null)
      return {
        ...blank,
        expected: false,
        result: 'left out',
        text: `${client} cannot do what the scenario asks for.`,
      };
    return {
      ...blank,
      expected: run.expected,
      shown: run.shown,
      result: run.shown === run.expected ? 'as expected' : 'not as expected',
      text: tell(bug, run),
      anomalies: run.verdict.anomalies.map(({ property, signature, policy }) => ({
        property,
        signature,
        policy,
      })),
      traceHash: run.traceHash,
    };
  } catch (error) {
    if (signal.aborted) return null;
    if (!(error instanceof WorldUnavailableError)) throw error;
    return { ...blank, expected: false, result: 'unknown', text: error.message };
  }
}

function tell(bug: NamedBug, run: BugRun): string {
  const breach = breachOf(bug, run);
  return breach === undefined ? '' : paragraphOf(run.history, run.verdict, breach);
}
