/**
 * `kafka-trial shrink`: a failing scenario enters, the smallest scenario that still fails in the same way leaves as a
 * file, with an account of what happens in it.
 */
import { Command, Option } from 'commander';
import { mutants } from '../client/mutants.ts';
import type { Ended } from './exit-code.ts';
import { clientSpec, duration } from './options.ts';
import type { ShrinkCommandOptions } from './shrink-target.ts';
import { addApplicationOptions, DEFAULT_CLIENT } from './subject.ts';

export function shrinkCommand(ended: Ended): Command {
  const command = new Command('shrink').description(
    'make a failing scenario small, and write it as a file with an account of what happens in it',
  );
  return addApplicationOptions(command)
    .argument('<target>', 'scenario.json, a scenario directory, or seed:index[:profile]')
    .option('--property <id>', 'what has to go on failing (default: the first illegal anomaly)')
    .option('--signature <words>', 'which of its anomalies, where the property fails in several ways')
    .option('--time <duration>', 'end after this time, such as 10s or 5m', duration, 60_000)
    .option(
      '--client <name>',
      `client on trial (default: the recorded one, or ${DEFAULT_CLIENT})`,
      clientSpec,
    )
    .addOption(
      new Option('--mutant <name>', 'break the client or application on purpose').choices(
        mutants.map(({ id }) => id),
      ),
    )
    .option('--out <file>', 'where the small scenario goes (default: beside the target)')
    .option('--json', 'print one JSON document on standard output, everything else on standard error')
    .addHelpText(
      'after',
      `
It takes away members, groups, producers, topics, brokers, partitions, actions and records, shortens and rounds times
and simplifies the configuration, and keeps a step only where the same property fails with the same signature. Ctrl-C
ends it with the smallest so far. It runs in the simulated world.

Examples:
  kafka-trial shrink reports/out/latest/scenarios/0003-seed-7-3/scenario.json
  kafka-trial shrink 7:3 --property at-least-once --out scenarios/regressions/lost-records.json`,
    )
    .action(async (target: string, options: ShrinkCommandOptions) => {
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { shrinkTarget } = await import('./shrink-target.ts');
      ended(await shrinkTarget(target, options));
    });
}
