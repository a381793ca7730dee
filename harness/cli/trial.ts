/**
 * What `run` and `replay` have in common: plans enter; a world is opened, the plans are run in it, the result is kept
 * and shown, and an exit code leaves when everything is cleaned up.
 */
import { join } from 'node:path';
import type { Property } from '../../properties/property.ts';
import { renderHtml } from '../../reports/html.tsx';
import { renderJson } from '../../reports/json.ts';
import { renderJunit } from '../../reports/junit.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { RunResult } from '../../reports/results.ts';
import { createRunDirectory, loadRunDirectory, makeRunId } from '../../reports/run-directory.ts';
import { renderSummary } from '../../reports/terminal.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import type { Recorded } from '../../scenarios/finding.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { commitOf } from '../commit.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { runScenarios } from '../runner/runner.ts';
import { type Executor, forSubject, inThisThread, type Plan, refuseFor } from '../runner/unit.ts';
import { harnessVersion } from '../version.ts';
import { describeSubject } from '../world/run-scenario.ts';
import type { Subject } from '../world/world.ts';
import { ClientLog } from './client-log.ts';
import { exitCodeOf } from './exit-code.ts';
import { listenForInterruption } from './interrupt.ts';
import { readWorldConnection, selectProperties, type TrialOptions } from './options.ts';
import { colorOf, Output } from './output.ts';
import { compareWithRecorded } from './reproduction.ts';
import { addTraces, shrinkNew } from './second-looks.ts';
import { DEFAULT_CLIENT, openSubject } from './subject.ts';
import { defaultJobs, openWorld, refuse } from './worlds.ts';

export interface Trial {
  readonly command: 'run' | 'replay';
  readonly seed: number | null;
  /** Ends the name of the run directory. */
  readonly runName: string;
  readonly plans: Iterable<Plan>;
  readonly planned: number | null;
  /** Scenarios that the user wrote: what cannot be run of them is said before anything starts. */
  readonly given: readonly Scenario[];
  /** Of the plans that carry one, or null: what cannot be had of it is said before anything starts too. */
  readonly configuration: Configuration | null;
  readonly timeLimitMs: number | null;
  /** How long to make new findings small when all is done; 0 leaves them as they are. */
  readonly shrinkMs?: number;
  /** The runs that these are to be again, by index; null where there is none, and left out where nobody asked. */
  readonly recorded?: readonly (Recorded | null)[];
  /** Options that the result shows; never a secret. */
  readonly shownOptions: Record<string, unknown>;
}

export async function trial(options: TrialOptions, what: Trial): Promise<ExitCode> {
  // Everything that can be wrong with the input is found before anything is started.
  const connection = readWorldConnection(options);
  const properties = selectProperties(options.properties);
  await using opened = await openSubject(options);
  const { subject } = opened;
  const { configuration } = what;
  if (configuration !== null) refuseFor(subject, configuration, options.config ?? 'The configuration');
  const given = what.given.map((scenario) => forSubject(scenario, subject, configuration));
  await refuse(options.world, given, subject, connection === null);
  const output = new Output(process.stderr);
  const startedAt = new Date();
  const commit = await commitOf(process.cwd());
  const directory = await createRunDirectory(options.out, makeRunId(startedAt, what.runName));
  using interruption = listenForInterruption((sentence) => output.say(sentence));

  const jobs = Math.min(options.jobs ?? defaultJobs(options.world), what.planned ?? Number.POSITIVE_INFINITY);
  let result: RunResult;
  {
    await using clientLog = new ClientLog(join(directory.path, 'clients.log'));
    const onLog = (origin: string, line: string): void => clientLog.write(origin, line);
    const openedWorld = await openWorld({
      name: options.world,
      connection,
      onProgress: (sentence) => output.say(sentence),
      onLog,
      signal: interruption.signal,
    });
    await using world = openedWorld.world;
    await using executor =
      options.world === 'sim' && jobs > 1
        ? await inThreads(subject, properties)
        : inThisThread({ world, subject, properties });
    result = await runScenarios({
      header: {
        command: what.command,
        seed: what.seed,
        world: world.name,
        client: describeSubject(subject),
        mutant: subject.mutant,
        versions: {
          'kafka-trial': harnessVersion(),
          node: process.versions.node,
          ...(commit === null ? {} : { commit }),
          ...openedWorld.versions,
        },
        startedAt: startedAt.toISOString(),
        // How many at once changes nothing of a simulated result, so it is no part of it.
        options: {
          ...what.shownOptions,
          ...(options.client === DEFAULT_CLIENT ? {} : { client: options.client }),
          ...(options.world === 'sim' ? {} : { jobs }),
          ...(opened.words.length === 0 ? {} : { application: opened.words }),
        },
        runDirectory: directory.path,
      },
      plans: what.plans,
      planned: what.planned,
      executor,
      knownIssueOf: await knownIssuesOf(describeSubject(subject), subject.mutant),
      properties,
      jobs,
      timeLimitMs: what.timeLimitMs,
      directory,
      onProgress: (progress) => output.progress(progress),
      onLog,
      signal: interruption.signal,
    });
    if (world.name === 'kafka') output.say('Stopping the cluster.');
  }
  await directory.writeResult(result);
  result = await shrinkNew(result, what.shrinkMs ?? 0, {
    directory,
    subject,
    properties,
    signal: interruption.signal,
    onProgress: (sentence) => output.status(sentence),
    say: (sentence) => output.say(sentence),
  });
  await directory.writeResult(result);
  await directory.writeJunit(renderJunit(result));
  await directory.writeMarkdown(renderMarkdown(result));
  const { scenarios } = await loadRunDirectory(directory.path);
  const traced = await addTraces(result, scenarios, { directory, subject, signal: interruption.signal });
  await directory.writeReport(renderHtml(result, traced));
  output.end();
  if (options.json === true) process.stdout.write(renderJson(result));
  else
    process.stdout.write(
      renderSummary(result, { color: colorOf(process.stdout), width: process.stdout.columns ?? 100 }),
    );
  const reproduction = compareWithRecorded(result, what.recorded ?? []);
  if (reproduction !== null) output.say(reproduction.sentence);
  // A run that is not the recorded one says nothing about it.
  return reproduction !== null && reproduction.same < reproduction.runs
    ? exitCodes.unknown
    : exitCodeOf(result);
}

/** Loaded only where it is used: one scenario needs no thread beside this one. */
async function inThreads(subject: Subject, properties: readonly Property[]): Promise<Executor> {
  const { Threads } = await import('../runner/threads.ts');
  return new Threads({ subject, properties: properties.map(({ id }) => id) });
}
