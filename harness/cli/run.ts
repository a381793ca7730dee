/** `kafka-trial run`: a seed and a profile enter, generated scenarios are run and judged, an exit code leaves. */
import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { REGRESSIONS_FROM } from '../../reports/replay-command.ts';
import { GENERATOR_VERSION, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import { UsageError } from '../errors.ts';
import type { Plan } from '../runner/unit.ts';
import { readCheckedConfiguration } from './configuration-file.ts';
import type { Ended } from './exit-code.ts';
import { addTrialOptions, duration, type TrialOptions, wholeNumber } from './options.ts';
import { loadRegressions, REGRESSIONS_FOLDER } from './regressions.ts';
import { isInShard, parseShard, type Shard, sizeOfShard } from './shard.ts';

interface RunOptions extends TrialOptions {
  readonly runs?: number;
  readonly time?: number;
  readonly seed?: number;
  readonly profile: ProfileName;
  /** Whether known issues count as new ones do. */
  readonly strict?: boolean;
  /** A folder of scenarios to run before the others; false for none. */
  readonly regressions: string | false;
  readonly shard?: Shard;
  /** How long to make new findings small, in milliseconds; false for not at all. */
  readonly shrink: number | false;
}

/** Enough to meet most kinds of fault once, in a few minutes on real Kafka. */
const DEFAULT_RUNS = 10;
/** Most failures are small within three seconds. */
const SHRINK_MS = 10_000;

export function runCommand(ended: Ended): Command {
  const command = new Command('run')
    .description('generate scenarios, run them, judge the recorded histories')
    .option(
      '--runs <n>',
      `number of scenarios (default: ${DEFAULT_RUNS}, without limit where --time is given)`,
      wholeNumber(1, 1_000_000),
    )
    .option('--time <duration>', 'begin no scenario after this time, such as 90s or 10m', duration)
    .option(
      '--seed <n>',
      'seed of the generator (default: a new one, which is printed)',
      wholeNumber(0, 0xffff_ffff),
    )
    .option(
      '--shard <i/n>',
      'run only every n-th scenario, beginning with the i-th; `report --merge` puts shards of one seed together',
      parseShard,
    )
    .addOption(
      new Option('--profile <name>', 'mixture of scenarios')
        .choices(Object.keys(profiles))
        .default('default'),
    );
  command
    .option('--strict', 'exit with 1 for known issues of the client too')
    .option(
      '--regressions <dir>',
      'run the scenarios of this folder first, where there is one',
      REGRESSIONS_FOLDER,
    )
    .option('--no-regressions', 'run no scenarios but the generated ones')
    .addOption(
      new Option(
        '--shrink <duration>',
        'at the end, make new findings of the simulated world small, for so long at most',
      )
        .argParser(duration)
        .default(SHRINK_MS, '10s'),
    )
    .option('--no-shrink', 'leave findings as they are');
  return addTrialOptions(command)
    .addHelpText(
      'after',
      `
Profiles:
${Object.entries(profiles)
  .map(([name, { description }]) => `  ${name.padEnd(15)} ${description}`)
  .join('\n')}

Examples:
  kafka-trial run --runs 20 --seed 7
  kafka-trial run --time 10m --profile brokers
  kafka-trial run --config billing.yaml --runs 50        with your configuration
  kafka-trial run --application consumer.ts --config billing.yaml
  kafka-trial run --regressions scenarios/regressions    first what once failed, one file each
  kafka-trial run --mutant skip-partition --runs 20      watch a broken consumer being caught
  kafka-trial run --runs 400 --seed 7 --shard 2/4        the second of four machines' share
  kafka-trial run --brokers localhost:9092               use a cluster of yours`,
    )
    .action(async (options: RunOptions) => {
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { trial } = await import('./trial.ts');
      const configuration = await readCheckedConfiguration(options);
      if (options.world === 'kafka' && profiles[options.profile].resetsOffsets)
        throw new UsageError(
          `Real Kafka lets offsets expire after minutes, so --profile ${options.profile} needs --world sim.`,
        );
      if (options.client !== 'reference' && profiles[options.profile].hasJavaOptions)
        throw new UsageError(
          `--profile ${options.profile} configures what only the Java client has words for, so it needs --client reference.`,
        );
      const { shard } = options;
      if (shard !== undefined && options.seed === undefined)
        throw new UsageError('--shard needs --seed: all shards of a run have the same one.');
      const seed = options.seed ?? randomInt(0x1_0000_0000);
      const runs = options.runs ?? (options.time === undefined ? DEFAULT_RUNS : null);
      const planned = runs === null || shard === undefined ? runs : sizeOfShard(shard, runs);
      if (planned === 0)
        throw new UsageError(
          `There are more shards than scenarios: nothing is left for this one of ${runs}.`,
        );
      // They are one shard's share: each of them once in a run is enough.
      const regressions =
        options.regressions === false || (shard !== undefined && shard.number > 1)
          ? []
          : await loadRegressions(options.regressions, options);
      ended(
        await trial(options, {
          command: 'run',
          seed,
          runName: `seed-${seed}${shard === undefined ? '' : `-shard-${shard.number}-of-${shard.of}`}`,
          plans: chain(
            regressions.map((scenario, number) => ({ index: REGRESSIONS_FROM + number, scenario })),
            generated(seed, options.profile, runs, shard, configuration),
          ),
          planned: planned === null ? null : planned + regressions.length,
          given: [],
          configuration,
          timeLimitMs: options.time ?? null,
          shrinkMs: options.shrink === false ? 0 : options.shrink,
          shownOptions: {
            ...(options.strict === true ? { strict: true } : {}),
            ...(regressions.length === 0 ? {} : { regressions: regressions.length }),
            profile: options.profile,
            generator: GENERATOR_VERSION,
            ...(configuration === null ? {} : { configuration }),
            ...(runs === null ? {} : { runs }),
            ...(shard === undefined ? {} : { shard: `${shard.number}/${shard.of}` }),
          },
        }),
      );
    });
}

function* chain(first: readonly Plan[], then: Iterable<Plan>): Generator<Plan> {
  yield* first;
  yield* then;
}

function* generated(
  seed: number,
  profile: ProfileName,
  runs: number | null,
  shard: Shard | undefined,
  configuration: Configuration | null,
): Generator<Plan> {
  const configured = configuration === null ? {} : { configuration };
  for (let index = 0; runs === null || index < runs; index++)
    if (shard === undefined || isInShard(shard, index)) yield { index, seed, profile, ...configured };
}
