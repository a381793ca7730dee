/**
 * Message schemas as data: a table of fields with their types and versions enters, a type that reads and writes the
 * message in every one of its versions leaves. The vocabulary is that of Kafka's own message definitions.
 *
 * A field that a version does not have is read as its default and not written, so one object shape serves all versions
 * of a message. In a flexible version lengths are varints, and each struct ends with its tagged fields (KIP-482).
 */
import { ProtocolFormatError, Reader, Writer } from './bytes.ts';

/** The version in hand; one object per version and flexibility, so that plans can be kept by identity. */
export interface At {
  readonly version: number;
  readonly flexible: boolean;
}

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
  | { readonly kind: 'int8' | 'int16' | 'int32' | 'int64' | 'bool' | 'uuid' | 'string' | 'bytes' }
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
}

/** A type whose length prefix can say null. */
export interface LengthType<Out, In = Out> extends Type<Out, In> {
  readNullable(reader: Reader, at: At): Out | null;
  writeNullable(writer: Writer, value: In | null, at: At): void;
}

export const int8: Type<number> = {
  read: (reader) => reader.int8(),
  write: (writer, value) => void writer.int8(value),
  empty: 0,
  shape: { kind: 'int8' },
};
export const int16: Type<number> = {
  read: (reader) => reader.int16(),
  write: (writer, value) => void writer.int16(value),
  empty: 0,
  shape: { kind: 'int16' },
};
export const int32: Type<number> = {
  read: (reader) => reader.int32(),
  write: (writer, value) => void writer.int32(value),
  empty: 0,
  shape: { kind: 'int32' },
};
export const int64: Type<bigint> = {
  read: (reader) => reader.int64(),
  write: (writer, value) => void writer.int64(value),
  empty: 0n,
  shape: { kind: 'int64' },
};
export const bool: Type<boolean> = {
  read: (reader) => reader.int8() !== 0,
  write: (writer, value) => void writer.int8(value ? 1 : 0),
  empty: false,
  shape: { kind: 'bool' },
};

/** 16 bytes, as 32 hexadecimal digits. */
export const uuid: Type<string> = {
  read: (reader) => reader.view(16).toString('hex'),
  write(writer, value) {
    const bytes = Buffer.from(value, 'hex');
    if (bytes.length !== 16) throw new ProtocolFormatError(`expected 32 hexadecimal digits, got '${value}'`);
    writer.append(bytes);
  },
  empty: '0'.repeat(32),
  shape: { kind: 'uuid' },
};

const readLength = (reader: Reader, { flexible }: At, width: 'int16' | 'int32'): number =>
  flexible ? reader.unsignedVarint() - 1 : reader[width]();

const writeLength = (writer: Writer, length: number, { flexible }: At, width: 'int16' | 'int32'): void => {
  if (flexible) writer.unsignedVarint(length + 1);
  else writer[width](length);
};

/** Adds the reading and writing of values that must not be null. */
const lengthType = <Out, In>(
  shape: Shape,
  empty: Out,
  nullable: Pick<LengthType<Out, In>, 'readNullable' | 'writeNullable'>,
): LengthType<Out, In> => ({
  ...nullable,
  empty,
  shape,
  read(reader, at) {
    const value = nullable.readNullable(reader, at);
    if (value === null) throw new ProtocolFormatError(`null at ${reader.position}, where none may be`);
    return value;
  },
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

export const array = <Out, In>(item: Type<Out, In>): LengthType<Out[], readonly In[]> =>
  lengthType<Out[], readonly In[]>({ kind: 'array', item: item.shape }, [], {
    readNullable(reader, at) {
      const length = readLength(reader, at, 'int32');
      if (length < 0) return null;
      // Every item takes at least one byte: a length beyond that is garbage, and not worth the memory it asks for.
      if (length > reader.remaining)
        throw new ProtocolFormatError(`an array of ${length} items in ${reader.remaining} bytes`);
      const items: Out[] = [];
      for (let i = 0; i < length; i++) items.push(item.read(reader, at));
      return items;
    },
    writeNullable(writer, value, at) {
      writeLength(writer, value === null ? -1 : value.length, at, 'int32');
      for (const one of value ?? []) item.write(writer, one, at);
    },
  });

/** The type with null allowed, from the version that allows it on. */
export const nullable = <Out, In>(type: LengthType<Out, In>, from = 0): Type<Out | null, In | null> => ({
  read: (reader, at) => (at.version < from ? type.read(reader, at) : type.readNullable(reader, at)),
  write(writer, value, at) {
    if (value === null && at.version < from)
      throw new ProtocolFormatError(`null in version ${at.version}, which allows it from ${from} on`);
    type.writeNullable(writer, value, at);
  },
  empty: null,
  shape: { kind: 'nullable', from, type: type.shape },
});

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

const readTagged = (reader: Reader, plan: Plan, values: Values, at: At): void => {
  for (const one of plan.tagged) values[one.name] = one.default;
  const count = reader.unsignedVarint();
  for (let i = 0; i < count; i++) {
    const tag = reader.unsignedVarint();
    // Tagged fields that nobody here knows are legal, and skipped.
    const content = reader.view(reader.unsignedVarint());
    const known = plan.tagged.find((one) => one.tag === tag);
    if (known !== undefined) values[known.name] = known.type.read(new Reader(content), at);
  }
};

const writeTagged = (writer: Writer, plan: Plan, values: Values, at: At): void => {
  const present = plan.tagged.filter(
    (one) => values[one.name] !== undefined && !isSame(values[one.name], one.default),
  );
  writer.unsignedVarint(present.length);
  for (const one of present) {
    const content = new Writer();
    one.type.write(content, values[one.name], at);
    writer
      .unsignedVarint(one.tag ?? 0)
      .unsignedVarint(content.length)
      .append(content.bytes());
  }
};

/** Equality by content: a tagged field that holds its default is not written. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([key, value]) => isSame(value, (b as Values)[key]));
};

/** @param fields in the order in which they travel */
export function struct<F extends Fields>(fields: F): Type<Output<F>, Input<F>> {
  const named: NamedField[] = Object.entries(fields).map(([name, one]) => ({ ...one, name }));
  const plans = new Map<At, Plan>();
  const planOf = (at: At): Plan => {
    let plan = plans.get(at);
    if (plan === undefined) {
      plan = makePlan(named, at);
      plans.set(at, plan);
    }
    return plan;
  };

  return {
    empty: Object.fromEntries(named.map((one) => [one.name, one.default])) as Output<F>,
    shape: { kind: 'struct', fields: named.map(({ type, ...one }) => ({ ...one, shape: type.shape })) },
    read(reader, at) {
      const plan = planOf(at);
      const values: Values = {};
      for (const one of plan.ordered) values[one.name] = one.type.read(reader, at);
      for (const one of plan.absent) values[one.name] = one.default;
      if (at.flexible) readTagged(reader, plan, values, at);
      return values as Output<F>;
    },
    write(writer, value, at) {
      const plan = planOf(at);
      const values = value as Values;
      for (const one of plan.ordered) {
        const item = values[one.name];
        // Null is a value of its own where the default is another.
        one.type.write(writer, item === undefined ? one.default : item, at);
      }
      if (at.flexible) writeTagged(writer, plan, values, at);
    },
  };
}
