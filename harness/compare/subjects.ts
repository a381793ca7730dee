/**
 * What is compared: `billing.yaml`, `kafkajs@2.2.4` or `kafkajs@2.2.4:billing.yaml` enters, a client and a checked
 * configuration with a label of its own leave.
 */
import type { Configuration } from '../../scenarios/configuration.ts';
import { isConfigurationFile, readConfiguration } from '../cli/configuration-file.ts';
import { refuseConfiguration } from '../client/configure.ts';
import { UsageError } from '../errors.ts';
import { describeClient } from '../subject/builds.ts';
import { parseClientSpec } from '../subject/client-spec.ts';

export interface ComparedSubject {
  /** Tells it from the others, in reports. */
  readonly label: string;
  readonly client: string;
  /** Null where groups and producers are configured as the scenarios say. */
  readonly configuration: Configuration | null;
}

interface Given {
  readonly client: string;
  readonly file: string | null;
}

/**
 * @param defaultClient of those that name a configuration alone
 * @throws UsageError where one is wrong, or asks for what its client cannot do
 */
export async function readSubjects(
  texts: readonly string[],
  defaultClient: string,
): Promise<ComparedSubject[]> {
  const given = texts.map((text) => parseSubject(text, defaultClient));
  const configurations = await Promise.all(
    given.map(async ({ file }) => (file === null ? null : await readConfiguration(file))),
  );
  const subjects = given.map(({ client, file }, i) => {
    const configuration = configurations[i] ?? null;
    if (configuration !== null) refuseConfiguration(configuration, client, file ?? '');
    return { client, configuration, name: configuration?.name ?? null };
  });
  return withLabels(subjects);
}

/** @throws UsageError */
export function parseSubject(text: string, defaultClient: string): Given {
  const colon = text.indexOf(':');
  const [before, after] = colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
  if (after !== null && isConfigurationFile(after)) return { client: checkedClient(before), file: after };
  if (isConfigurationFile(text)) return { client: defaultClient, file: text };
  return { client: checkedClient(text), file: null };
}

/** @throws UsageError that says what could have been meant */
function checkedClient(client: string): string {
  try {
    parseClientSpec(client);
    return client;
  } catch (error) {
    if (!(error instanceof UsageError) || client.includes('@')) throw error;
    throw new UsageError(`'${client}' is no client, and no configuration file.`, {
      hint: 'Expected a file that ends in .yaml, .yml or .json, a client such as kafkajs@2.2.4, or both: kafkajs:billing.yaml.',
    });
  }
}

/** What differs: the configuration's name where the client is the same for all, else the client, or both. */
function withLabels(
  subjects: readonly { client: string; configuration: Configuration | null; name: string | null }[],
): ComparedSubject[] {
  const isOneClient = new Set(subjects.map(({ client }) => client)).size === 1;
  const seen = new Map<string, number>();
  return subjects.map(({ client, configuration, name }) => {
    const { name: clientName, version: number } = describeClient(client);
    const version = `${clientName} ${number}`;
    const label = name === null ? version : isOneClient ? name : `${version} ${name}`;
    const times = (seen.get(label) ?? 0) + 1;
    seen.set(label, times);
    return { label: times === 1 ? label : `${label} (${times})`, client, configuration };
  });
}
