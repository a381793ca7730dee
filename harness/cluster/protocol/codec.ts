/**
 * Message schemas as data: a table of fields with their types and versions enters, a type that reads and writes the
 * message in every one of its versions leaves. The vocabulary is that of Kafka's own message definitions.
 *
 * A field that a version does not have is read as its default and not written, so one object shape serves all versions
 * of a message. In a flexible version lengths are varints, and each struct ends with its tagged fields (KIP-482).
 */
import { ProtocolFormatError, Reader, Writer } from './bytes.ts';
import { type Compiled, generate, Scope, type Source, type TaggedFields } from './generate.ts';

/** The version in hand; one object per version and flexibility, so that plans can be kept by identity. */
export interface At {
  readonly version: number;
  readonly flexible: boolean;
}

/** Keeps what is made for each version. */
const compiler = <Made>(make: (at: At) => Made): ((at: At) => Made) => {
  const made = new Map<At, Made>();
  return (at) => {
    let one = made.get(at);
    if (one === undefined) {
      one = make(at);
      made.set(at, one);
    }
    return one;
  };
};

const ats: At[] = [];

export function at(version: number, flexible: boolean): At {
  const index = version * 2 + (flexible ? 1 : 0);
  const known = ats[index];
  if (known !== undefined) return known;
  const made = { version, flexible };
  ats[index] = made;
  return made;
}

/** What a type is made of, for those who walk a schema, such as a generator of values. */
export type Shape =
  | { readonly kind: 'int8' | 'int16' | 'int32' | 'int64' | 'float64' | 'bool' | 'uuid' | 'string' | 'bytes' }
  | { readonly kind: 'array'; readonly item: Shape }
  | { readonly kind: 'nullable'; readonly from: number; readonly type: Shape }
  | { readonly kind: 'struct'; readonly fields: readonly ShapeField[] };
export interface ShapeField {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly tag: number | null;
  readonly default: unknown;
  readonly shape: Shape;
}

/** How values are read (`Out`) and what may be given to be written (`In`, where defaults can be left out). */
export interface Type<Out, In = Out> {
  read(reader: Reader, at: At): Out;
  write(writer: Writer, value: In, at: At): void;
  /** What a field of this type holds where its version does not have it. */
  readonly empty: Out;
  readonly shape: Shape;
  readonly source: Source;
}

/** A type whose length prefix can say null. */
export interface LengthType<Out, In = Out> extends Type<Out, In> {
  readNullable(reader: Reader, at: At): Out | null;
  writeNullable(writer: Writer, value: In | null, at: At): void;
  readonly nullableSource: Source;
}

const numberSource = (method: 'int8' | 'int16' | 'int32' | 'int64' | 'float64'): Source => ({
  read: () => `reader.${method}()`,
  write: (_scope, value) => `writer.${method}(${value})`,
});

/** A type that is read and written by functions of its own. */
const calls = (read: (reader: Reader, at: At) => unknown, write: (...values: never[]) => void): Source => ({
  read: (scope) => `${scope.constant(read)}(reader, ${scope.constant(scope.at)})`,
  write: (scope, value) => `${scope.constant(write)}(writer, ${value}, ${scope.constant(scope.at)})`,
});

export const int8: Type<number> = {
  read: (reader) => reader.int8(),
  write: (writer, value) => void writer.int8(value),
  empty: 0,
  shape: { kind: 'int8' },
  source: numberSource('int8'),
};
export const int16: Type<number> = {
  read: (reader) => reader.int16(),
  write: (writer, value) => void writer.int16(value),
  empty: 0,
  shape: { kind: 'int16' },
  source: numberSource('int16'),
};
export const int32: Type<number> = {
  read: (reader) => reader.int32(),
  write: (writer, value) => void writer.int32(value),
  empty: 0,
  shape: { kind: 'int32' },
  source: numberSource('int32'),
};
export const int64: Type<bigint> = {
  read: (reader) => reader.int64(),
  write: (writer, value) => void writer.int64(value),
  empty: 0n,
  shape: { kind: 'int64' },
  source: numberSource('int64'),
};
export const float64: Type<number> = {
  read: (reader) => reader.float64(),
  write: (writer, value) => void writer.float64(value),
  empty: 0,
  shape: { kind: 'float64' },
  source: numberSource('float64'),
};
export const bool: Type<boolean> = {
  read: (reader) => reader.int8() !== 0,
  write: (writer, value) => void writer.int8(value ? 1 : 0),
  empty: false,
  shape: { kind: 'bool' },
  source: {
    read: () => 'reader.int8() !== 0',
    write: (_scope, value) => `writer.int8(${value} ? 1 : 0)`,
  },
};

const readUuid = (reader: Reader): string => reader.view(16).toString('hex');

/** Of the ids in use: of topics and directories, of which there are few. */
const uuids = new Map<string, Uint8Array>();
const UUIDS_MAX = 1_000;

const writeUuid = (writer: Writer, value: string): void => {
  let bytes = uuids.get(value);
  if (bytes === undefined) {
    bytes = Buffer.from(value, 'hex');
    if (bytes.length !== 16) throw new ProtocolFormatError(`expected 32 hexadecimal digits, got '${value}'`);
    if (uuids.size === UUIDS_MAX) uuids.clear();
    uuids.set(value, bytes);
  }
  writer.append(bytes);
};

/** 16 bytes, as 32 hexadecimal digits. */
export const uuid: Type<string> = {
  read: readUuid,
  write: writeUuid,
  source: calls(readUuid, writeUuid),
  empty: '0'.repeat(32),
  shape: { kind: 'uuid' },
};

const readLength = (reader: Reader, { flexible }: At, width: 'int16' | 'int32'): number =>
  flexible ? reader.unsignedVarint() - 1 : width === 'int16' ? reader.int16() : reader.int32();

const writeLength = (writer: Writer, length: number, { flexible }: At, width: 'int16' | 'int32'): void => {
  if (flexible) writer.unsignedVarint(length + 1);
  else if (width === 'int16') writer.int16(length);
  else writer.int32(length);
};

const refuseNull = (reader: Reader): never => {
  throw new ProtocolFormatError(`null at ${reader.position}, where none may be`);
};

/** Adds the reading and writing of values that must not be null. */
const lengthType = <Out, In>(
  shape: Shape,
  empty: Out,
  nullable: Pick<LengthType<Out, In>, 'readNullable' | 'writeNullable'>,
  nullableSource: Source = calls(nullable.readNullable, nullable.writeNullable),
): LengthType<Out, In> => ({
  ...nullable,
  empty,
  shape,
  nullableSource,
  source: {
    ...nullableSource,
    read: (scope) => `(${nullableSource.read(scope)} ?? ${scope.constant(refuseNull)}(reader))`,
  },
  read: (reader, at) => nullable.readNullable(reader, at) ?? refuseNull(reader),
  write: (writer, value, at) => nullable.writeNullable(writer, value, at),
});

export const string: LengthType<string> = lengthType<string, string>({ kind: 'string' }, '', {
  readNullable(reader, at) {
    const length = readLength(reader, at, 'int16');
    return length < 0 ? null : reader.utf8(length);
  },
  writeNullable(writer, value, at) {
    if (value === null) return writeLength(writer, -1, at, 'int16');
    const byteLength = Buffer.byteLength(value, 'utf8');
    writeLength(writer, byteLength, at, 'int16');
    writer.utf8(value, byteLength);
  },
});

/** Also the type `records`: read as a view of the message, not a copy, and not looked into. */
export const bytes: LengthType<Uint8Array> = lengthType<Uint8Array, Uint8Array>(
  { kind: 'bytes' },
  new Uint8Array(0),
  {
    readNullable(reader, at) {
      const length = readLength(reader, at, 'int32');
      return length < 0 ? null : reader.view(length);
    },
    writeNullable(writer, value, at) {
      writeLength(writer, value === null ? -1 : value.byteLength, at, 'int32');
      if (value !== null) writer.append(value);
    },
  },
);

/** Bytes that may be written from several pieces, such as record batches, without putting them together before. */
export const pieces: LengthType<Uint8Array, Uint8Array | readonly Uint8Array[]> = lengthType<
  Uint8Array,
  Uint8Array | readonly Uint8Array[]
>({ kind: 'bytes' }, new Uint8Array(0), {
  readNullable: (reader, at) => bytes.readNullable(reader, at),
  writeNullable(writer, value, at) {
    if (value === null || value instanceof Uint8Array) return bytes.writeNullable(writer, value, at);
    let length = 0;
    for (const piece of value) length += piece.byteLength;
    writeLength(writer, length, at, 'int32');
    for (const piece of value) writer.append(piece);
  },
});

/** Every item takes at least one byte: a length beyond that is garbage, and not worth the memory it asks for. */
const checkArrayLength = (length: number, reader: Reader): void => {
  if (length > reader.remaining)
    throw new ProtocolFormatError(`an array of ${length} items in ${reader.remaining} bytes`);
};

const arraySource = (item: Source): Source => ({
  read(scope) {
    const length = scope.at.flexible ? 'reader.unsignedVarint() - 1' : 'reader.int32()';
    const name = scope.function(
      'reader',
      `const length = ${length};
      if (length < 0) return null;
      ${scope.constant(checkArrayLength)}(length, reader);
      const items = [];
      for (let i = 0; i < length; i++) items.push(${item.read(scope)});
      return items;`,
    );
    return `${name}(reader)`;
  },
  write(scope, value) {
    const writeLength = (length: string): string =>
      scope.at.flexible ? `writer.unsignedVarint(${length} + 1)` : `writer.int32(${length})`;
    const name = scope.function(
      'writer, items',
      `if (items === null) { ${writeLength('-1')}; return; }
      ${writeLength('items.length')};
      for (const item of items) { ${item.write(scope, 'item')}; }`,
    );
    return `${name}(writer, ${value})`;
  },
});

export const array = <Out, In>(item: Type<Out, In>): LengthType<Out[], readonly In[]> => {
  const source = arraySource(item.source);
  const compiled = compiler((at) => {
    const scope = new Scope(at);
    const read = scope.function('reader', `return ${source.read(scope)};`);
    const write = scope.function('writer, value', `${source.write(scope, 'value')};`);
    return scope.evaluate<{
      read(reader: Reader): Out[] | null;
      write(writer: Writer, value: readonly In[] | null): void;
    }>(`{ read: ${read}, write: ${write} }`);
  });
  return lengthType<Out[], readonly In[]>(
    { kind: 'array', item: item.shape },
    [],
    {
      readNullable: (reader, at) => compiled(at).read(reader),
      writeNullable: (writer, value, at) => compiled(at).write(writer, value),
    },
    source,
  );
};

/** The type with null allowed, from the version that allows it on. */
export const nullable = <Out, In>(type: LengthType<Out, In>, from = 0): Type<Out | null, In | null> => {
  const read = (reader: Reader, at: At): Out | null =>
    at.version < from ? type.read(reader, at) : type.readNullable(reader, at);
  const write = (writer: Writer, value: In | null, at: At): void => {
    if (value === null && at.version < from)
      throw new ProtocolFormatError(`null in version ${at.version}, which allows it from ${from} on`);
    type.writeNullable(writer, value, at);
  };
  const early = calls(read, write);
  return {
    read,
    write,
    empty: null,
    shape: { kind: 'nullable', from, type: type.shape },
    source: {
      read: (scope) => (scope.at.version < from ? early : type.nullableSource).read(scope),
      write: (scope, value) => (scope.at.version < from ? early : type.nullableSource).write(scope, value),
    },
  };
};

export interface FieldOptions<Out> {
  /** First version that has the field; 0 where it is left out. */
  readonly from?: number;
  /** Last version that has the field. */
  readonly to?: number;
  /** Where given, the field may be left out when writing. */
  readonly default?: Out;
  /** Tag number, for a field that travels among the tagged ones. */
  readonly tag?: number;
}

export interface Field<Out, In = Out, Optional extends boolean = boolean> {
  readonly type: Type<Out, In>;
  readonly from: number;
  readonly to: number;
  readonly tag: number | null;
  readonly default: Out;
  /** Exists for the types alone. */
  readonly optional: Optional;
}

export function field<Out, In>(
  type: Type<Out, In>,
  options: FieldOptions<Out> & { readonly default: Out },
): Field<Out, In, true>;
export function field<Out, In>(type: Type<Out, In>, options?: FieldOptions<Out>): Field<Out, In, false>;
export function field<Out, In>(type: Type<Out, In>, options: FieldOptions<Out> = {}): Field<Out, In> {
  return {
    type,
    from: options.from ?? 0,
    to: options.to ?? Number.POSITIVE_INFINITY,
    tag: options.tag ?? null,
    default: options.default ?? type.empty,
    optional: options.default !== undefined,
  };
}

export type Fields = Record<string, Field<unknown, unknown>>;

type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, unknown, true> ? K : never;
}[keyof F];
export type Output<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer Out, infer _> ? Out : never;
};
export type Input<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K] extends Field<infer _, infer In> ? In : never;
} & { readonly [K in OptionalKeys<F>]?: F[K] extends Field<infer _, infer In> ? In : never };

type NamedField = Field<unknown, unknown> & { readonly name: string };

/** What one version of a struct has: fields in order, tagged fields, and fields that keep their default. */
interface Plan {
  readonly ordered: readonly NamedField[];
  readonly tagged: readonly NamedField[];
  readonly absent: readonly NamedField[];
}

const makePlan = (fields: readonly NamedField[], { version }: At): Plan => {
  const has = ({ from, to }: NamedField): boolean => from <= version && version <= to;
  return {
    ordered: fields.filter((one) => has(one) && one.tag === null),
    tagged: fields.filter((one) => has(one) && one.tag !== null).sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0)),
    absent: fields.filter((one) => !has(one)),
  };
};

type Values = Record<string, unknown>;

/** Tagged fields that nobody here knows are legal, and passed over. */
export function skipTagged(reader: Reader): void {
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    reader.unsignedVarint();
    reader.skip(reader.unsignedVarint());
  }
}

const readTagged = (reader: Reader, plan: Plan, values: Values, at: At): void => {
  for (const one of plan.tagged) values[one.name] = one.default;
  const count = reader.unsignedVarint();
  for (let i = 0; i < count; i++) {
    const tag = reader.unsignedVarint();
    const content = reader.view(reader.unsignedVarint());
    const known = plan.tagged.find((one) => one.tag === tag);
    if (known !== undefined) values[known.name] = known.type.read(new Reader(content), at);
  }
};

const isPresent = (one: NamedField, values: Values): boolean =>
  values[one.name] !== undefined && !isSame(values[one.name], one.default);

/** Tagged fields lie in one another, so there is one writer for the content of each depth. */
const contents: Writer[] = [];
let depth = 0;

const writeTagged = (writer: Writer, plan: Plan, values: Values, at: At): void => {
  let present = 0;
  for (const one of plan.tagged) if (isPresent(one, values)) present += 1;
  writer.unsignedVarint(present);
  if (present === 0) return;
  contents[depth] ??= new Writer();
  const content = contents[depth] as Writer;
  depth += 1;
  try {
    for (const one of plan.tagged) {
      if (!isPresent(one, values)) continue;
      one.type.write(content.reset(), values[one.name], at);
      writer
        .unsignedVarint(one.tag ?? 0)
        .unsignedVarint(content.length)
        .append(content.bytes());
    }
  } finally {
    depth -= 1;
  }
};

/** Equality by content: a tagged field that holds its default is not written. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([key, value]) => isSame(value, (b as Values)[key]));
};

const generated = ({ name, type, ...one }: NamedField) => ({
  name,
  default: one.default,
  source: type.source,
});

const NO_TAGGED: TaggedFields = {
  read: skipTagged,
  write: (writer) => void writer.unsignedVarint(0),
};

const taggedOf = (plan: Plan, at: At): TaggedFields =>
  plan.tagged.length === 0
    ? NO_TAGGED
    : {
        read: (reader, values) => readTagged(reader, plan, values, at),
        write: (writer, values) => writeTagged(writer, plan, values, at),
      };

const compilePlan = (plan: Plan, at: At): Compiled =>
  generate(
    at,
    plan.ordered.map(generated),
    plan.absent.map(generated),
    at.flexible ? taggedOf(plan, at) : null,
  );

/** @param fields in the order in which they travel */
export function struct<F extends Fields>(fields: F): Type<Output<F>, Input<F>> {
  const named: NamedField[] = Object.entries(fields).map(([name, one]) => ({ ...one, name }));
  const compiled = compiler((at) => compilePlan(makePlan(named, at), at));
  return {
    empty: Object.fromEntries(named.map((one) => [one.name, one.default])) as Output<F>,
    shape: { kind: 'struct', fields: named.map(({ type, ...one }) => ({ ...one, shape: type.shape })) },
    source: {
      read: (scope) => `${scope.constant(compiled(scope.at).read)}(reader)`,
      write: (scope, value) => `${scope.constant(compiled(scope.at).write)}(writer, ${value})`,
    },
    read: (reader, at) => compiled(at).read(reader) as Output<F>,
    write: (writer, value, at) => compiled(at).write(writer, value as Values),
  };
}
