/** `kafka-trial run`: a seed and a profile enter, generated scenarios are run and judged, an exit code leaves. */
import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { GENERATOR_VERSION, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { UsageError } from '../errors.ts';
import type { Plan } from '../runner/unit.ts';
import type { Ended } from './exit-code.ts';
import { addTrialOptions, duration, type TrialOptions, wholeNumber } from './options.ts';

interface RunOptions extends TrialOptions {
  readonly runs?: number;
  readonly time?: number;
  readonly seed?: number;
  readonly profile: ProfileName;
}

/** Enough to meet most kinds of fault once, in a few minutes on real Kafka. */
const DEFAULT_RUNS = 10;

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
    .addOption(
      new Option('--profile <name>', 'mixture of scenarios')
        .choices(Object.keys(profiles))
        .default('default'),
    );
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
  kafka-trial run --mutant skip-partition --runs 20      watch a broken consumer being caught
  kafka-trial run --brokers localhost:9092               use a cluster of yours`,
    )
    .action(async (options: RunOptions) => {
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { trial } = await import('./trial.ts');
      if (options.world === 'kafka' && profiles[options.profile].breaksNetwork)
        throw new UsageError(
          `The Kafka world cannot break the network, so --profile ${options.profile} needs --world sim.`,
        );
      if (options.world === 'kafka' && profiles[options.profile].resetsOffsets)
        throw new UsageError(
          `Real Kafka lets offsets expire after minutes, so --profile ${options.profile} needs --world sim.`,
        );
      if (options.client !== 'reference' && profiles[options.profile].hasJavaOptions)
        throw new UsageError(
          `--profile ${options.profile} configures what only the Java client has words for, so it needs --client reference.`,
        );
      const seed = options.seed ?? randomInt(0x1_0000_0000);
      const planned = options.runs ?? (options.time === undefined ? DEFAULT_RUNS : null);
      ended(
        await trial(options, {
          command: 'run',
          seed,
          runName: `seed-${seed}`,
          plans: generated(seed, options.profile, planned),
          planned,
          given: [],
          timeLimitMs: options.time ?? null,
          shownOptions: {
            profile: options.profile,
            generator: GENERATOR_VERSION,
            ...(planned === null ? {} : { runs: planned }),
          },
        }),
      );
    });
}

function* generated(seed: number, profile: ProfileName, planned: number | null): Generator<Plan> {
  for (let index = 0; planned === null || index < planned; index++) yield { index, seed, profile };
}
