/** The clients that can be put on trial: a client's name enters, its adapter's facts leave. */
import type { Scenario } from '../../scenarios/schema.ts';
import { refusals as kafkajsRefusals } from './kafkajs/refusals.ts';
import { vocabulary as kafkajsVocabulary } from './kafkajs/vocabulary.ts';
import { vocabulary as referenceVocabulary } from './reference/vocabulary.ts';
import { nativeRefusals, type Vocabulary } from './vocabulary.ts';

interface Client {
  /** The package that its adapter drives, or null where it is a part of this one. */
  readonly packageName: string | null;
  /** The first version that the adapter can drive, or null where there is one version only. */
  readonly oldestVersion: string | null;
  /** What it cannot express of a scenario, one sentence each with what to do instead. */
  refusals(scenario: Scenario): string[];
  /** What it makes of a configuration. */
  readonly vocabulary: Vocabulary;
}

export const clients = {
  // Before 2.0.0 `subscribe` took one topic at a time, and another partitioner was the default.
  kafkajs: {
    packageName: 'kafkajs',
    oldestVersion: '2.0.0',
    refusals: kafkajsRefusals,
    vocabulary: kafkajsVocabulary,
  },
  /** The control, a part of this package: an anomaly under it is the harness's own mistake. */
  reference: {
    packageName: null,
    oldestVersion: null,
    refusals: () => [],
    vocabulary: referenceVocabulary,
  },
} as const satisfies Record<string, Client>;
export type ClientName = keyof typeof clients;

export const isClientName = (name: string): name is ClientName => Object.hasOwn(clients, name);

/** @param client its name, with or without a version behind an @ */
export function clientNameOf(client: string): ClientName {
  const name = client.split('@', 1)[0] as string;
  if (!isClientName(name)) throw new Error(`no client is called ${name}`);
  return name;
}

/**
 * @param client its name, with or without a version behind an @
 * @param isOfUser whether the members run an application of the user's, whose options are not this client's
 */
export function refusals(client: string, scenario: Scenario, isOfUser = false): string[] {
  const name = clientNameOf(client);
  return [
    ...clients[name].refusals(scenario),
    ...foreignOptions(name, scenario, isOfUser),
    ...(isOfUser
      ? sharedRefusals(scenario, 'an application says itself which of its consumers share a client')
      : []),
  ];
}

/** @param why nobody can put several members into one process */
export const sharedRefusals = ({ groups }: Scenario, why: string): string[] =>
  groups.flatMap(({ members }, g) =>
    members.flatMap(({ sharedProcess }, m) =>
      sharedProcess === undefined ? [] : [`groups[${g}].members[${m}].sharedProcess: ${why}.`],
    ),
  );

/** @param client its name, with or without a version behind an @ */
export const vocabularyOf = (client: string): Vocabulary => clients[clientNameOf(client)].vocabulary;

/** Options of a client's own that this one would ignore. */
function foreignOptions(name: ClientName, { groups, producers }: Scenario, isOfUser: boolean): string[] {
  const all = [
    ...(isOfUser ? [] : groups.map(({ native }, i) => ({ native, path: `groups[${i}]` }))),
    ...producers.map(({ native }, i) => ({ native, path: `producers[${i}]` })),
  ];
  return all.flatMap(({ native, path }) => {
    if (native === undefined) return [];
    const own = native[name];
    if (own === undefined)
      return [
        `${path}.native: these are options of ${Object.keys(native).join(', ')}; give none of ${name}'s.`,
      ];
    return nativeRefusals(name, vocabularyOf(name), own).map((one) => `${path}.${one}`);
  });
}
