/** Reads a configuration file: a path to YAML or JSON enters, a checked configuration with a name leaves. */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Configuration, parseConfiguration } from '../../scenarios/configuration.ts';
import { messageOf, UsageError } from '../errors.ts';
import type { TrialOptions } from './options.ts';

/** As far as a file name tells it. */
export const isConfigurationFile = (name: string): boolean => /\.(ya?ml|json)$/.test(name);

/** @throws UsageError that says what is wrong with the file or in it */
export async function readConfiguration(file: string): Promise<Configuration & { readonly name: string }> {
  if (!isConfigurationFile(file))
    throw new UsageError(`'${file}' is no configuration file: its name has to end in .yaml, .yml or .json.`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Cannot read the configuration '${file}': ${messageOf(error)}`, { cause: error });
  }
  const configuration = parseConfiguration(await parseText(text, file), file);
  return { ...configuration, name: configuration.name ?? basename(file, extname(file)) };
}

/**
 * The configuration that a command was given with --config, or null.
 * @throws UsageError where it is wrong, or asks for what the client cannot do
 */
export async function readCheckedConfiguration({
  config,
  client,
}: Pick<TrialOptions, 'config' | 'client'>): Promise<Configuration | null> {
  if (config === undefined) return null;
  const [configuration, { refuseConfiguration }] = await Promise.all([
    readConfiguration(config),
    import('../client/configure.ts'),
  ]);
  refuseConfiguration(configuration, client, config);
  return configuration;
}

/** YAML is loaded only where a file is read; JSON is YAML too, but a mistake in it is better told in its own words. */
async function parseText(text: string, file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(text);
    const { parse } = await import('yaml');
    return parse(text);
  } catch (error) {
    const kind = file.endsWith('.json') ? 'JSON' : 'YAML';
    throw new UsageError(`${file} is not ${kind}: ${messageOf(error)}`, { cause: error });
  }
}
