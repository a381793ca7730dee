/** Values of a message for tests: a schema and a version enter, a fast-check arbitrary of whole messages leaves. */
import fc from 'fast-check';
import type { At, Shape, ShapeField } from '../codec.ts';

/** Code units of every UTF-8 length; lone surrogates have no bytes, so they are no protocol strings. */
const text = fc.string({ unit: fc.constantFrom('a', 'Z', '-', '0', 'ü', '€', '𝄞'), maxLength: 8 });

const has = ({ from, to }: ShapeField, { version }: At): boolean => from <= version && version <= to;

const arbitraryField = (one: ShapeField, at: At): fc.Arbitrary<unknown> => {
  if (!has(one, at)) return fc.constant(one.default);
  const value = arbitraryValue(one.shape, at);
  return one.tag === null ? value : fc.oneof(fc.constant(one.default), value);
};

/** Values that the type reads back as they are: a field that the version does not have holds its default. */
export function arbitraryValue(shape: Shape, at: At): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f });
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'float64':
      return fc.double({ noNaN: true });
    case 'bool':
      return fc.boolean();
    case 'uuid':
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString('hex'));
    case 'string':
      return text;
    case 'bytes':
      return fc.uint8Array({ maxLength: 16 }).map((bytes) => Buffer.from(bytes));
    case 'array':
      return fc.array(arbitraryValue(shape.item, at), { maxLength: 3 });
    case 'nullable': {
      const value = arbitraryValue(shape.type, at);
      return at.version < shape.from ? value : fc.option(value, { nil: null, freq: 4 });
    }
    case 'struct':
      return fc.record(Object.fromEntries(shape.fields.map((one) => [one.name, arbitraryField(one, at)])));
  }
}
