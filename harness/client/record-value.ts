/** The bytes of a record's value: a record id and a size or a template enter, the text leaves, and back again. */

/** A record's value: its id, a bar, then padding up to the size that the scenario asks for (the id is never cut). */
export const encodeRecordValue = (record: string, valueBytes: number): string =>
  `${record}|`.padEnd(valueBytes, '.');

const NUMBER = /\d+$/;

/** The same by a template of the scenario's topic: `{record}` becomes the id with its bar, `{number}` its last digits. */
export const fillTemplate = (template: string, record: string): string =>
  template.replaceAll('{record}', `${record}|`).replaceAll('{number}', NUMBER.exec(record)?.[0] ?? '0');

const BAR = 0x7c;
const PLAIN_ID = /^[a-z0-9-]+$/;
/** The end of what stands before a bar inside a text of the user's. */
const EMBEDDED_ID = /[a-z][a-z0-9-]*-\d+$/;

/** The record id in a value, or null where the value is not one of ours. */
export const decodeRecordValue = (value: Uint8Array | null): string | null => {
  if (value === null) return null;
  const bytes = Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const end = bytes.indexOf(BAR);
  if (end <= 0) return null;
  const head = bytes.toString('utf8', 0, end);
  if (PLAIN_ID.test(head)) return head;
  const text = bytes.toString('utf8');
  let bar = text.indexOf('|');
  for (let from = 0; bar >= 0; from = bar + 1, bar = text.indexOf('|', from)) {
    const [found] = EMBEDDED_ID.exec(text.slice(from, bar)) ?? [];
    if (found !== undefined) return found;
  }
  return null;
};
