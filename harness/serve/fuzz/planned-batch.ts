/** The bytes of a planned record batch: the plan and the producer's id and epoch enter, what travels leaves. */
import { crc32c } from '../../cluster/log/crc32c.ts';
import {
  ATTRIBUTES_POSITION,
  buildBatch,
  CHECKSUM_POSITION,
  COUNT_POSITION,
  MAGIC_POSITION,
} from '../../cluster/log/record-batch.ts';
import { type BatchPlan, TIMESTAMP_MS } from './step.ts';

const LENGTH_POSITION = 8;

export function plannedBatch(plan: BatchPlan, producerId: bigint, producerEpoch: number): Buffer {
  const records = Array.from({ length: plan.count }, (_, index) => ({
    offsetDelta: index,
    key: Buffer.from(`k${index}`),
    value: Buffer.from(`v${index}`),
  }));
  const fields = {
    baseOffset: plan.fault === 'base offset' ? 3 : 0,
    leaderEpoch: -1,
    timestampMs: TIMESTAMP_MS,
    control: plan.fault === 'control',
    ...(plan.producer === 'none'
      ? {}
      : {
          producerId: Number(producerId),
          producerEpoch,
          baseSequence: plan.sequence,
          transactional: plan.producer === 'transactional',
        }),
  };
  const bytes = Buffer.from(buildBatch(fields, records).bytes);
  switch (plan.fault) {
    case 'checksum':
      bytes[CHECKSUM_POSITION] = (bytes[CHECKSUM_POSITION] ?? 0) ^ 1;
      break;
    case 'magic':
      bytes[MAGIC_POSITION] = 7;
      break;
    case 'old magic':
      bytes[MAGIC_POSITION] = 1;
      break;
    case 'length':
      bytes.writeInt32BE(bytes.readInt32BE(LENGTH_POSITION) + 10, LENGTH_POSITION);
      break;
    case 'count':
      bytes.writeInt32BE(plan.count + 1, COUNT_POSITION);
      bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_POSITION), CHECKSUM_POSITION);
      break;
    case 'empty':
      return Buffer.alloc(0);
    case 'twice':
      return Buffer.concat([bytes, bytes]);
    default:
  }
  return bytes;
}
