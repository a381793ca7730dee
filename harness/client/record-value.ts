/** The bytes of a record's value: a record id and a size enter, the text leaves, and back again. */

/** A record's value: its id, a bar, then padding up to the size that the scenario asks for (the id is never cut). */
export const encodeRecordValue = (record: string, valueBytes: number): string =>
  `${record}|`.padEnd(valueBytes, '.');

/** The record id in a value, or null where the value is not one of ours. */
export const decodeRecordValue = (value: Uint8Array | null): string | null => {
  if (value === null) return null;
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  const bar = text.indexOf('|');
  return bar > 0 ? text.slice(0, bar) : null;
};
