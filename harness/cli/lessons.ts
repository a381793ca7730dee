/**
 * `kafka-trial lessons`: nothing, the name of a lesson or --all enters; the list, the story of one or a line for each
 * leaves, and an exit code that says whether all came as expected.
 */
import { Command, Option } from 'commander';
import {
  type LessonRunResult,
  renderLesson,
  renderLessonLine,
  renderLessonList,
  renderLessonsJson,
} from '../../reports/lesson-result.ts';
import { narrate } from '../../reports/narrate.ts';
import { type ExitCode, exitCodes, UsageError, WorldUnavailableError } from '../errors.ts';
import { findLesson, loadLessons, type NamedLesson } from '../lessons/load.ts';
import { expectationIn, type LessonWorld, openSimulatedLessons, runLesson } from '../lessons/run.ts';
import type { Ended } from './exit-code.ts';
import { listenForInterruption } from './interrupt.ts';
import { readWorldConnection, type TrialOptions } from './options.ts';
import { colorOf, Output } from './output.ts';
import { openWorld } from './worlds.ts';

interface LessonOptions extends Pick<TrialOptions, 'world' | 'brokers' | 'connection' | 'json'> {
  readonly all?: boolean;
}

export function lessonsCommand(ended: Ended): Command {
  return new Command('lessons')
    .description('guided scenarios on what producers and consumers do, told step by step')
    .argument('[name]', 'the lesson to run; without one, the lessons are listed')
    .option('--all', 'run all lessons, and print a line for each')
    .addOption(
      new Option('--world <name>', 'where lessons run: simulated, on virtual time, or real Kafka')
        .choices(['sim', 'kafka'])
        .default('sim'),
    )
    .option(
      '--brokers <addresses>',
      'use this cluster (host:port, comma-separated) instead of containers, with --world kafka',
    )
    .option('--connection <file>', 'JSON file with bootstrapServers, tls and sasl for --brokers')
    .option('--json', 'print one JSON document on standard output, everything else on standard error')
    .addHelpText(
      'after',
      `
Each lesson says what has to come of it, so the exit code is 0 where it came as expected, and 1 where it did not, which
is not about valid and invalid: some lessons show what goes wrong.

Examples:
  kafka-trial lessons                           the list
  kafka-trial lessons crash-before-commit
  kafka-trial lessons --all --world kafka`,
    )
    .action(async (name: string | undefined, options: LessonOptions) => {
      const lessons = await loadLessons();
      if (name === undefined && options.all !== true) {
        const listed = lessons.map(({ name, lesson: { title, text } }) => ({ name, title, text }));
        process.stdout.write(
          options.json === true
            ? renderLessonsJson({ schema: 1, command: 'lessons', world: null, lessons: listed })
            : renderLessonList(listed),
        );
        return;
      }
      if (name !== undefined && options.all === true)
        throw new UsageError('Name a lesson or give --all, not both.');
      ended(await runLessons(name === undefined ? lessons : [findLesson(lessons, name)], options));
    });
}

async function runLessons(lessons: readonly NamedLesson[], options: LessonOptions): Promise<ExitCode> {
  const connection = readWorldConnection(options);
  const isAll = options.all === true;
  const worldName = options.world === 'sim' ? 'simulated' : 'kafka';
  const [first] = lessons;
  const refusal = first === undefined ? null : first.lesson.expect[worldName];
  if (!isAll && typeof refusal === 'string')
    throw new UsageError(`The lesson ${first?.name} cannot be run on real Kafka: ${refusal}`);

  const output = new Output(process.stderr);
  using interruption = listenForInterruption((sentence) => output.say(sentence));
  const { signal } = interruption;
  const nameWidth = Math.max(...lessons.map(({ name }) => name.length));
  const text = { color: colorOf(process.stdout), width: process.stdout.columns ?? 100 };
  const runs: LessonRunResult[] = [];
  {
    // What a client writes to standard error is for a person who looks for a cause, and a lesson has none to find.
    const onLog = (): void => {};
    const opened: LessonWorld =
      options.world === 'sim'
        ? await openSimulatedLessons(onLog)
        : {
            world: (
              await openWorld({
                name: options.world,
                connection,
                onProgress: (sentence) => output.say(sentence),
                onLog,
                signal,
              })
            ).world,
            takeFetches: null,
          };
    await using _world = opened.world;
    for (const lesson of lessons) {
      const run = await resultOf(lesson, opened, signal);
      if (run === null) return exitCodes.unknown;
      runs.push(run);
      if (options.json === true) continue;
      output.end();
      process.stdout.write(isAll ? renderLessonLine(run, nameWidth, text.color) : renderLesson(run, text));
    }
  }
  if (options.json === true)
    process.stdout.write(
      renderLessonsJson({ schema: 1, command: 'lessons', world: worldName, lessons: runs }),
    );
  return runs.some(({ result }) => result === 'not as expected')
    ? exitCodes.invalid
    : runs.some(({ result }) => result === 'unknown')
      ? exitCodes.unknown
      : exitCodes.valid;
}

/** Null where the run was interrupted. */
async function resultOf(
  lesson: NamedLesson,
  world: LessonWorld,
  signal: AbortSignal,
): Promise<LessonRunResult | null> {
  const { name } = lesson;
  const { title, text } = lesson.lesson;
  const blank = { name, title, text, verdict: null, anomalies: [], steps: [], findings: [] };
  const expected = expectationIn(lesson, world.world.name);
  if (typeof expected === 'string') return { ...blank, result: 'left out', reasons: [expected] };
  try {
    const { history, verdict, differences } = await runLesson(lesson, world, signal);
    const { steps, findings } = narrate(history, verdict);
    return {
      ...blank,
      result: differences.length === 0 ? 'as expected' : 'not as expected',
      reasons: [...differences],
      verdict: verdict.outcome,
      anomalies: verdict.anomalies.map(({ property, policy, signature, message }) => ({
        property,
        policy,
        signature,
        message,
      })),
      steps: [...steps],
      findings: [...findings],
    };
  } catch (error) {
    if (signal.aborted) return null;
    if (!(error instanceof WorldUnavailableError)) throw error;
    return { ...blank, result: 'unknown', reasons: [error.message] };
  }
}
