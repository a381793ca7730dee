/**
 * `kafka-trial compare`: configurations, clients or both enter, the same scenarios are run through each, and what differs
 * leaves: as text, Markdown, JSON and an HTML page.
 */
import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { profiles } from '../../scenarios/arbitrary.ts';
import type { CompareOptions } from '../compare/compare.ts';
import { UsageError } from '../errors.ts';
import type { Ended } from './exit-code.ts';
import { clientSpec, wholeNumber } from './options.ts';
import { addApplicationDetails, DEFAULT_CLIENT } from './subject.ts';

/** Enough for a difference that matters to be told from chance, in a minute or so. */
const DEFAULT_RUNS = 100;

export function compareCommand(ended: Ended): Command {
  const command = new Command('compare')
    .description('run the same scenarios through configurations, clients or versions, and show what differs')
    .argument(
      '[subjects...]',
      'a configuration file, a client (kafkajs, kafkajs@2.2.4), a consumer module of yours (consumer.ts), or one of the latter two with a configuration (kafkajs@2.2.4:billing.yaml, consumer.ts:billing.yaml); the first is what the others are held against',
    )
    .option('--runs <n>', 'number of scenarios', wholeNumber(1, 1_000_000), DEFAULT_RUNS)
    .option(
      '--seed <n>',
      'seed of the generator (default: a new one, which is printed)',
      wholeNumber(0, 0xffff_ffff),
    )
    .addOption(
      new Option('--profile <name>', 'mixture of scenarios')
        .choices(Object.keys(profiles))
        .default('members'),
    )
    .option(
      '--sweep <word=values>',
      'try these values of a word of the configuration, comma-separated; again for a grid',
      (text: string, before: readonly string[]) => [...before, text],
      [] as readonly string[],
    )
    .addOption(
      new Option('--world <name>', 'where scenarios run: simulated, on virtual time, or real Kafka')
        .choices(['sim', 'kafka'])
        .default('sim'),
    )
    .option(
      '--client <name>',
      'client of those that are named by a configuration file alone',
      clientSpec,
      DEFAULT_CLIENT,
    )
    .option('--fail-on-worse', 'exit with code 1 where any figure is worse than that of the first')
    .option(
      '--jobs <n>',
      'scenarios at once (default: as many as processors, on real Kafka one more)',
      wholeNumber(1, 1_024),
    )
    .option('--out <dir>', 'where run directories go', 'reports/out')
    .option(
      '--brokers <addresses>',
      'use this cluster (host:port, comma-separated) instead of containers, with --world kafka',
    )
    .option('--connection <file>', 'JSON file with bootstrapServers, tls and sasl for --brokers')
    .option('--json', 'print one JSON document on standard output, everything else on standard error');
  return addApplicationDetails(command)
    .addHelpText(
      'after',
      `
Every scenario runs once through each, with the same faults and the same work. For each figure there is the mean of each,
the mean difference with its 95 % interval (a bootstrap over scenarios), and in how many scenarios which one was better.
"better" and "worse" are said where the interval excludes 0 and at least six scenarios differ. Among many figures a chance
difference now and then looks like one: of those that matter, run more scenarios with another seed.

Examples:
  kafka-trial compare patient.yaml eager.yaml
  kafka-trial compare kafkajs:a.yaml reference:a.yaml --runs 200 --seed 7
  kafka-trial compare before/consumer.ts after/consumer.ts --value '{"id":"{record}"}'
  kafka-trial compare consumer.ts consumer.ts:patient.yaml
  kafka-trial compare billing.yaml --sweep session.timeout=6000,10000,30000 --sweep heartbeat=1000,3000
  kafka-trial compare a.yaml b.yaml --world kafka --runs 20`,
    )
    .action(async (texts: readonly string[], options: CompareOptions) => {
      if (options.sweep.length === 0 && texts.length < 2)
        throw new UsageError(
          `Expected at least two to compare, got ${texts.length === 0 ? 'none' : `'${texts[0]}' alone`}.`,
          { hint: 'Give another, or --sweep with the values of a word.' },
        );
      if (options.sweep.length > 0 && texts.length > 1)
        throw new UsageError(
          'A sweep varies one configuration or client; give one, or none, beside --sweep.',
        );
      const { compare } = await import('../compare/compare.ts');
      ended(await compare(texts, { ...options, seed: options.seed ?? randomInt(0x1_0000_0000) }));
    });
}
