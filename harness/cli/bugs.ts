/**
 * `kafka-trial bugs`: nothing, ids of known bugs or --all enters; the catalogue, or whether each version shows what it
 * has, leaves, and an exit code that says whether all came as the catalogue says.
 */
import { Command, Option } from 'commander';
import type { BugsOptions } from './bugs-run.ts';
import type { Ended } from './exit-code.ts';
import { clientSpec } from './options.ts';

export function bugsCommand(ended: Ended): Command {
  const bugs = new Command('bugs').description('known bugs of clients, each with the scenario that shows it');
  bugs
    .command('list', { isDefault: true })
    .description('list the known bugs')
    .option('--json', 'print one JSON document on standard output')
    .action(async (options: BugsOptions) => {
      const { listBugs } = await import('./bugs-run.ts');
      ended(await listBugs(options));
    });
  bugs
    .command('run')
    .description('run known bugs with each installed version and with the reference client')
    .argument('[ids...]', 'the bugs to run')
    .option('--all', 'run all of them')
    .addOption(
      new Option('--world <name>', 'where they run: simulated, on virtual time, or real Kafka')
        .choices(['sim', 'kafka'])
        .default('sim'),
    )
    .option(
      '--client <name>',
      'only with this client (default: every installed version, and the reference client)',
      clientSpec,
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
The exit code is 0 where each version that has a bug shows it and no other client does, 1 where one does not, and 3 where
a run came to no verdict. With several bugs there is a table at the end.

A bug that leaves a group stuck shows when the settling bound of its scenario is over. On real Kafka that is real time, up
to a minute or so for each version, and a line says how far it is; --all takes about half an hour there. What real Kafka
cannot show is left out, with the reason.

Examples:
  kafka-trial bugs
  kafka-trial bugs run kafkajs-1453
  kafka-trial bugs run --all --client kafkajs@./my-kafkajs     is it fixed in a working copy?
  kafka-trial bugs run --all --world kafka`,
    )
    .action(async (ids: string[], options: BugsOptions) => {
      const { runBugs } = await import('./bugs-run.ts');
      ended(await runBugs(ids, options));
    });
  return bugs;
}
