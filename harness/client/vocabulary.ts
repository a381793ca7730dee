/**
 * What an adapter says of the vocabulary of configuration: for every word whether its client can do it, and how. A word
 * that is missing here does not compile, so that none can be ignored.
 */
import type { Section, Words } from '../../scenarios/configuration.ts';
import type { NativeOptions } from '../../scenarios/schema.ts';

/** The client's own options, by what takes them. */
export type ClientOptions = NativeOptions[string];

export type Taken =
  /** A field of the scenario says it, and the adapter maps that. */
  | 'scenario'
  /** It becomes an option of the client's own. */
  | { readonly native: ClientOptions }
  /** The client cannot do it; says what can be done instead, without a full stop. */
  | { readonly refused: string };

type Takes<S extends Section> = {
  readonly [W in keyof Words<S>]-?: Taken | ((value: NonNullable<Words<S>[W]>) => Taken);
};

/** What a client's own options may be, by what takes them. */
export interface NativeSection {
  /** Whose processes it configures. */
  readonly of: 'member' | 'producer' | 'both';
  /** Options that are passed through. */
  readonly options: ReadonlySet<string>;
  /** Options that something else sets: what does, for the person who gave them. */
  readonly elsewhere: Readonly<Record<string, string>>;
}

export interface Vocabulary {
  readonly consumer: Takes<'consumer'>;
  readonly producer: Takes<'producer'>;
  readonly application: Takes<'application'>;
  readonly native: Readonly<Record<string, NativeSection>>;
}

/** What of a client's own options it does not take, one sentence each, with the path to it. */
export function nativeRefusals(client: string, vocabulary: Vocabulary, options: ClientOptions): string[] {
  return Object.entries(options).flatMap(([section, values]) => {
    const path = `native.${client}.${section}`;
    const known = vocabulary.native[section];
    if (known === undefined)
      return [`${path}: ${client} has ${Object.keys(vocabulary.native).join(', ')} here.`];
    return Object.keys(values).flatMap((option) => {
      if (known.options.has(option)) return [];
      const elsewhere = known.elsewhere[option];
      return [
        elsewhere === undefined
          ? `${path}.${option}: ${client} has no such option here that can be written in a file.`
          : `${path}.${option}: ${elsewhere}.`,
      ];
    });
  });
}
