/** The options that several commands share: text from the command line enters, checked values leave. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { catalogue } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { mutants } from '../client/mutants.ts';
import type { Connection } from '../client/protocol.ts';
import { UsageError } from '../errors.ts';
import { parseClientSpec } from '../subject/client-spec.ts';
import { readConnection } from './connection.ts';
import { addApplicationOptions, DEFAULT_CLIENT, type SubjectOptions } from './subject.ts';
import type { WorldName } from './worlds.ts';

/** Options of every command that runs scenarios. */
export interface TrialOptions extends SubjectOptions {
  readonly world: WorldName;
  readonly config?: string;
  readonly properties?: string;
  /** Unset: as many as the world carries. */
  readonly jobs?: number;
  readonly out: string;
  readonly brokers?: string;
  readonly connection?: string;
  readonly json?: boolean;
}

export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };

/** `90s`, `10m`, `2h` or a number of seconds, as milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected a time such as 90s, 10m or 2h.');
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] as number;
  return Number(match[1]) * unitMs;
}

/** @throws UsageError for what is no client */
export function clientSpec(text: string): string {
  parseClientSpec(text);
  return text;
}

export function addTrialOptions(command: Command): Command {
  command.addOption(
    new Option('--world <name>', 'where scenarios run: simulated, on virtual time, or real Kafka')
      .choices(['sim', 'kafka'])
      .default('sim'),
  );
  return addApplicationOptions(command)
    .option(
      '--client <name>',
      'client on trial: kafkajs or reference; another version of it, or a working copy, behind an @',
      clientSpec,
      DEFAULT_CLIENT,
    )
    .option(
      '--config <file>',
      'YAML or JSON file with the configuration of consumers and producers, in the words of Kafka (see README)',
    )
    .addOption(
      new Option('--mutant <name>', 'break the client or application on purpose, to see it caught').choices(
        mutants.map((mutant) => mutant.id),
      ),
    )
    .option('--properties <ids>', 'check only these properties (comma-separated)')
    .option(
      '--jobs <n>',
      'scenarios at once (default: as many as processors, on real Kafka one more); a simulated result is the same for any number',
      wholeNumber(1, 1_024),
    )
    .option('--out <dir>', 'where run directories go', 'reports/out')
    .option(
      '--brokers <addresses>',
      'use this cluster (host:port, comma-separated) instead of containers, with --world kafka',
    )
    .option('--connection <file>', 'JSON file with bootstrapServers, tls and sasl for --brokers')
    .option('--json', 'print one JSON document on standard output, everything else on standard error');
}

/**
 * The cluster that the user named, or null.
 * @throws UsageError where it is wrong, or in a world that has its own
 */
export function readWorldConnection(
  options: Pick<TrialOptions, 'world' | 'brokers' | 'connection'>,
): Connection | null {
  const connection = readConnection(options, process.env);
  if (options.world === 'sim' && connection !== null)
    throw new UsageError('--brokers and --connection can be used with --world kafka only.');
  return connection;
}

/** @throws UsageError for an id that is not in the catalogue */
export function selectProperties(list: string | undefined): readonly Property[] {
  if (list === undefined) return catalogue;
  const ids = list.split(',').map((id) => id.trim());
  const unknown = ids.find((id) => !catalogue.some((property) => property.id === id));
  if (unknown !== undefined)
    throw new UsageError(`There is no property '${unknown}'.`, {
      hint: `The properties are: ${catalogue.map((property) => property.id).join(', ')}.`,
    });
  return catalogue.filter((property) => ids.includes(property.id));
}
