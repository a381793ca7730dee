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
  renderBugTable,
  renderLeftOut,
} from '../../reports/bugs-result.ts';
import { findBug, loadKnownBugs, type NamedBug } from '../bugs/load.ts';
import { type BugRun, breachOf, runBug } from '../bugs/run.ts';
import { RunWatch } from '../bugs/watch.ts';
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
  const planned = runsOf(plans);
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
    const print = (rendered: string): void => {
      if (options.json === true) return;
      output.end();
      process.stdout.write(rendered);
    };
    const whyNotHere = ({ bug }: NamedBug): string | null =>
      world.name === 'kafka' && bug.kafka !== true ? bug.kafka : null;
    const toRun = plans.filter(({ bug }) => whyNotHere(bug) === null);
    const last = runsOf(toRun);
    let number = 0;
    for (const { bug, clients: ofBug } of plans) {
      if (signal.aborted) break;
      print(renderBug(toEntry(bug), { ...text, short: options.all === true }));
      const whyNot = whyNotHere(bug);
      if (whyNot !== null) {
        runs.push(...ofBug.map((client) => leftOut(bug, client, whyNot)));
        // In full, it has been said above.
        if (options.all === true) print(renderLeftOut(whyNot, text));
        continue;
      }
      for (const client of ofBug) {
        if (signal.aborted) break;
        const { name, version } = describeClient(client);
        const what = `run ${++number} of ${last}: ${bug.id} with ${name} ${version}`;
        const run = await resultOf(bug, client, world, signal, (where) => output.status(`${what}: ${where}`));
        if (run === null) break;
        runs.push(run);
        print(renderBugRun(run, options.all !== true, text));
      }
    }
    if (world.name === 'kafka') output.say('Stopping the cluster.');
  }
  output.end();
  const result: BugsResult = {
    schema: 1,
    command: 'bugs',
    world: options.world === 'sim' ? 'simulated' : 'kafka',
    bugs: chosen.map(toEntry),
    runs,
  };
  if (options.json === true) process.stdout.write(renderBugsJson(result));
  else if (chosen.length > 1) process.stdout.write(renderBugTable(result, { ...text, planned }));
  if (runs.some((run) => run.result === 'not as expected')) return exitCodes.invalid;
  return signal.aborted || runs.some((run) => run.result === 'unknown') ? exitCodes.unknown : exitCodes.valid;
}

const runsOf = (plans: readonly { readonly clients: readonly string[] }[]): number =>
  plans.flatMap((plan) => plan.clients).length;

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

const blankOf = ({ id }: NamedBug, client: string) => ({
  id,
  client: describeClient(client),
  shown: null,
  anomalies: [],
  traceHash: null,
});

const leftOut = (bug: NamedBug, client: string, why: string): BugRunResult => ({
  ...blankOf(bug, client),
  expected: false,
  result: 'left out',
  text: why,
});

/** As often as it says where it is; on a terminal a line that stands still would look as if the run did. */
const STATUS_INTERVAL_MS = 1_000;

/**
 * @param say gets where the run is, from time to time
 * @returns null where it was interrupted
 */
async function resultOf(
  bug: NamedBug,
  client: string,
  world: World,
  signal: AbortSignal,
  say: (where: string) => void,
): Promise<BugRunResult | null> {
  const watch = new RunWatch(bug.scenario, world.name === 'kafka', () => performance.now());
  say(watch.where);
  const timer = setInterval(() => say(watch.where), STATUS_INTERVAL_MS);
  try {
    const run = await runBug(bug, client, world, signal, (event) => watch.see(event));
    if (run === null) return leftOut(bug, client, `${client} cannot do what the scenario asks for.`);
    return {
      ...blankOf(bug, client),
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
    return { ...blankOf(bug, client), expected: false, result: 'unknown', text: error.message };
  } finally {
    clearInterval(timer);
  }
}

function tell(bug: NamedBug, run: BugRun): string {
  const breach = breachOf(bug, run);
  return breach === undefined ? '' : paragraphOf(run.history, run.verdict, breach);
}
