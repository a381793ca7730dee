/**
 * Messages as people read them: a decoded message and its schema enter, plain data with the fields of its version
 * leaves, with errors by name, 64-bit numbers as decimal strings, what consumers put into opaque bytes decoded, and
 * record batches and other bytes as their sizes.
 */
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES, RecordBatch } from '../log/record-batch.ts';
import { ProtocolFormatError } from './bytes.ts';
import type { At, Shape, ShapeField } from './codec.ts';
import { decodeAssignment, decodeSubscription } from './consumer-protocol.ts';
import { errorName } from './errors.ts';

/** What JSON can hold. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

export function plainMessage(shape: Shape, value: unknown, at: At, name = ''): Plain {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'int64':
      return String(value as bigint);
    case 'bytes':
      return plainBytes(name, value as Uint8Array);
    case 'array':
      return (value as unknown[]).map((item) => plainMessage(shape.item, item, at, name));
    case 'nullable':
      return plainMessage(shape.type, value, at, name);
    case 'struct':
      return Object.fromEntries(
        shape.fields.flatMap((field) => {
          const item = (value as Record<string, unknown>)[field.name];
          return isSaid(field, item, at)
            ? [[field.name, plainMessage(field.shape, item, at, field.name)]]
            : [];
        }),
      );
    default:
      return name === 'errorCode' ? errorName(value as number) : (value as boolean | number | string);
  }
}

/** Tagged fields that hold their default are not on the wire either. */
const isSaid = ({ from, to, tag, default: usual }: ShapeField, item: unknown, { version }: At): boolean =>
  from <= version && version <= to && (tag === null || plainKey(item) !== plainKey(usual));

const plainKey = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) ?? '';

function plainBytes(name: string, bytes: Uint8Array): Plain {
  switch (name) {
    case 'records':
      return plainBatches(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    case 'metadata':
    case 'memberMetadata':
      return decoded(bytes, () => {
        const { topics, ownedPartitions, generationId } = decodeSubscription(bytes);
        const owned = ownedPartitions.map(({ topic, partitions }) => ({ topic, partitions }));
        return { topics, ownedPartitions: owned, ...(generationId === undefined ? {} : { generationId }) };
      });
    case 'assignment':
    case 'memberAssignment':
      return decoded(bytes, () =>
        decodeAssignment(bytes).assignment.map(({ topic, partitions }) => ({ topic, partitions })),
      );
    default:
      return sizeOf(bytes);
  }
}

const sizeOf = (bytes: Uint8Array): Plain => ({ bytes: bytes.byteLength });

/** Coordinators pass these bytes on unread, so they can be anything. */
function decoded(bytes: Uint8Array, decode: () => Plain): Plain {
  if (bytes.byteLength === 0) return sizeOf(bytes);
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolFormatError) return sizeOf(bytes);
    throw error;
  }
}

/** A Fetch answer may end in the middle of a batch. */
function plainBatches(bytes: Buffer): Plain {
  const batches: Plain[] = [];
  let position = 0;
  while (position < bytes.length) {
    const left = bytes.length - position;
    const size = left < BATCH_HEADER_BYTES ? left + 1 : LOG_OVERHEAD_BYTES + bytes.readInt32BE(position + 8);
    if (size < BATCH_HEADER_BYTES || size > left) {
      batches.push({ cutOffBytes: left });
      break;
    }
    const { baseOffset, count } = new RecordBatch(bytes.subarray(position, position + size));
    batches.push({ baseOffset, records: count, bytes: size });
    position += size;
  }
  return batches;
}
