/** The clients that can be put on trial: a client's name enters, its adapter's facts leave. */
import type { Scenario } from '../../scenarios/schema.ts';
import { harnessVersion, installedVersion } from '../version.ts';
import { refusals as kafkajsRefusals } from './kafkajs/refusals.ts';
import { vocabulary as kafkajsVocabulary } from './kafkajs/vocabulary.ts';
import { vocabulary as referenceVocabulary } from './reference/vocabulary.ts';
import { nativeRefusals, type Vocabulary } from './vocabulary.ts';

interface Client {
  version(): string;
  /** What it cannot express of a scenario, one sentence each with what to do instead. */
  refusals(scenario: Scenario): string[];
  /** What it makes of a configuration. */
  readonly vocabulary: Vocabulary;
}

export const clients = {
  kafkajs: {
    version: () => installedVersion('kafkajs'),
    refusals: kafkajsRefusals,
    vocabulary: kafkajsVocabulary,
  },
  /** The control, a part of this package: an anomaly under it is the harness's own mistake. */
  reference: { version: harnessVersion, refusals: () => [], vocabulary: referenceVocabulary },
} as const satisfies Record<string, Client>;
export type ClientName = keyof typeof clients;

export const isClientName = (name: string): name is ClientName => Object.hasOwn(clients, name);

const clientOf = (name: string): Client => {
  if (!isClientName(name)) throw new Error(`no client is called ${name}`);
  return clients[name];
};

export const refusals = (name: string, scenario: Scenario): string[] => [
  ...clientOf(name).refusals(scenario),
  ...foreignOptions(name, scenario),
];
export const clientVersion = (name: string): string => clientOf(name).version();
export const vocabularyOf = (name: string): Vocabulary => clientOf(name).vocabulary;

/** Options of a client's own that this one would ignore. */
function foreignOptions(name: string, { groups, producers }: Scenario): string[] {
  const all = [
    ...groups.map(({ native }, i) => ({ native, path: `groups[${i}]` })),
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
