/**
 * Functions made of schemas: what a struct's fields are in one version enters as pieces of JavaScript, one function that
 * reads it and one that writes it leave. Walking the tables for every message took a tenth of a simulated run; a function
 * for each struct and version makes objects of one shape, and calls that V8 can see through.
 */
import type { Reader, Writer } from './bytes.ts';
import type { At } from './codec.ts';

/** What a function that is being made can use. */
export class Scope {
  readonly at: At;
  readonly #constants: unknown[] = [];
  readonly #functions: string[] = [];

  constructor(at: At) {
    this.at = at;
  }

  /** @returns the name of a value that comes from outside */
  constant(value: unknown): string {
    const known = this.#constants.indexOf(value);
    return `c${known < 0 ? this.#constants.push(value) - 1 : known}`;
  }

  /** @returns the name of a function with these parameters and this body */
  function(parameters: string, body: string): string {
    return `f${this.#functions.push(`(${parameters}) => {\n${body}\n}`) - 1}`;
  }

  /** @param result an expression, of which the value leaves */
  evaluate<Value>(result: string): Value {
    const body = this.#functions.map((code, index) => `const f${index} = ${code};\n`).join('');
    const names = this.#constants.map((_, index) => `c${index}`);
    // Its text is made of this module's own pieces and the names of fields, which JSON.stringify has quoted.
    // oxlint-disable-next-line typescript/no-implied-eval
    return new Function(...names, `'use strict';\n${body}return ${result};`)(...this.#constants) as Value;
  }
}

/** How a type appears in generated code; `reader` and `writer` are in reach. */
export interface Source {
  /** @returns an expression */
  read(scope: Scope): string;
  /** @returns a statement that writes the value of an expression, which may be named more than once */
  write(scope: Scope, value: string): string;
}

export interface GeneratedField {
  readonly name: string;
  readonly default: unknown;
  readonly source: Source;
}

export interface Compiled {
  readonly read: (reader: Reader) => Record<string, unknown>;
  readonly write: (writer: Writer, value: Record<string, unknown>) => void;
}

/** What follows the fields in a flexible version. */
export interface TaggedFields {
  readonly read: (reader: Reader, values: Record<string, unknown>) => void;
  readonly write: (writer: Writer, values: Record<string, unknown>) => void;
}

/**
 * @param ordered the fields that travel, in their order
 * @param constant the fields that keep their default, when read
 */
export function generate(
  at: At,
  ordered: readonly GeneratedField[],
  constant: readonly GeneratedField[],
  tagged: TaggedFields | null,
): Compiled {
  const scope = new Scope(at);
  const read = [
    ...ordered.map(({ name, source }) => `${JSON.stringify(name)}: ${source.read(scope)}`),
    ...constant.map((one) => `${JSON.stringify(one.name)}: ${scope.constant(one.default)}`),
  ];
  const write = ordered.map((one, index) => {
    const item = `v${index}`;
    // Null is a value of its own where the default is another.
    return `let ${item} = value[${JSON.stringify(one.name)}];
      if (${item} === undefined) ${item} = ${scope.constant(one.default)};
      ${one.source.write(scope, item)};`;
  });
  const readTagged = tagged === null ? '' : `${scope.constant(tagged.read)}(reader, values);\n`;
  if (tagged !== null) write.push(`${scope.constant(tagged.write)}(writer, value);`);
  const readName = scope.function(
    'reader',
    `const values = {\n${read.join(',\n')}\n};\n${readTagged}return values;`,
  );
  const writeName = scope.function('writer, value', write.join('\n'));
  return scope.evaluate(`{ read: ${readName}, write: ${writeName} }`);
}
