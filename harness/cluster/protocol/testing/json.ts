/**
 * Messages in the JSON that Kafka's own generated converters read and write, for holding our bytes against Kafka's:
 * a value of ours enters and its JSON leaves, and back again.
 */
import type { At, Shape, ShapeField } from '../codec.ts';

const has = ({ from, to }: ShapeField, { version }: At): boolean => from <= version && version <= to;

export function toKafkaJson(shape: Shape, value: unknown, at: At): unknown {
  if (value === null) return null;
  switch (shape.kind) {
    case 'int64':
      // Left to the caller: Kafka wants a JSON number, which JavaScript cannot write without losing digits.
      return value;
    case 'uuid':
      return Buffer.from(value as string, 'hex').toString('base64url');
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'array':
      return (value as unknown[]).map((item) => toKafkaJson(shape.item, item, at));
    case 'nullable':
      return toKafkaJson(shape.type, value, at);
    case 'struct':
      return Object.fromEntries(
        shape.fields
          .filter((one) => has(one, at))
          .map((one) => [one.name, toKafkaJson(one.shape, (value as Record<string, unknown>)[one.name], at)]),
      );
    default:
      return value;
  }
}

export function fromKafkaJson(shape: Shape, json: unknown, at: At): unknown {
  if (json === null) return null;
  switch (shape.kind) {
    case 'int64':
      return BigInt(json as string);
    case 'uuid':
      return Buffer.from(json as string, 'base64url').toString('hex');
    case 'bytes':
      return Buffer.from(json as string, 'base64');
    case 'array':
      return (json as unknown[]).map((item) => fromKafkaJson(shape.item, item, at));
    case 'nullable':
      return fromKafkaJson(shape.type, json, at);
    case 'struct':
      return Object.fromEntries(
        shape.fields.map((one) => {
          const item = (json as Record<string, unknown>)[one.name];
          return [
            one.name,
            !has(one, at) || item === undefined ? one.default : fromKafkaJson(one.shape, item, at),
          ];
        }),
      );
    default:
      return json;
  }
}
