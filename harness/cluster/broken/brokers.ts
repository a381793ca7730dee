/** Brokers whose data plane is broken on purpose: what producers and consumers ask for enters, wrong answers leave. */
import { produceApi } from '../protocol/00-produce.ts';
import { fetchApi } from '../protocol/01-fetch.ts';
import { type Breakage, breaking, every } from './breakage.ts';

/** Tells the producer of every fifth batch an offset that is one too high. */
export const offByOne = (): Breakage[] => {
  const isDue = every(5);
  return [
    breaking(
      produceApi,
      (handle) => (context, request, version, respond) =>
        handle(context, request, version, (answer) => {
          if (answer === null || answer === 'close') return respond(answer);
          respond({
            ...answer,
            responses: answer.responses.map((topic) => ({
              ...topic,
              partitionResponses: topic.partitionResponses.map((one) =>
                one.errorCode === 0 && one.baseOffset >= 0n && isDue()
                  ? { ...one, baseOffset: one.baseOffset + 1n }
                  : one,
              ),
            })),
          });
        }),
    ),
  ];
};

/** Gives every consumer what transactions have not committed, and says of none that it was aborted. */
export const leaky = (): Breakage[] => [
  breaking(
    fetchApi,
    (handle) => (context, request, version, respond) =>
      handle(context, { ...request, isolationLevel: 0 }, version, respond),
  ),
];

/** Base offset and length come before the part whose length is given. */
const BATCH_OVERHEAD_BYTES = 12;

function toBytes(records: Uint8Array | readonly Uint8Array[]): Buffer {
  return records instanceof Uint8Array ? Buffer.from(records) : Buffer.concat([...records]);
}

/** Leaves the first of several batches out of every third answer that has as many. */
export const gappy = (): Breakage[] => {
  const isDue = every(3);
  const withGap = (records: Uint8Array | readonly Uint8Array[]): Uint8Array | readonly Uint8Array[] => {
    const bytes = toBytes(records);
    if (bytes.length < BATCH_OVERHEAD_BYTES) return records;
    const first = BATCH_OVERHEAD_BYTES + bytes.readInt32BE(8);
    return first < bytes.length && isDue() ? bytes.subarray(first) : records;
  };
  return [
    breaking(
      fetchApi,
      (handle) => (context, request, version, respond) =>
        handle(context, request, version, (answer) => {
          if (answer === null || answer === 'close') return respond(answer);
          respond({
            ...answer,
            responses: (answer.responses ?? []).map((topic) => ({
              ...topic,
              partitions: topic.partitions.map((one) =>
                one.records === null || one.records === undefined
                  ? one
                  : { ...one, records: withGap(one.records) },
              ),
            })),
          });
        }),
    ),
  ];
};
