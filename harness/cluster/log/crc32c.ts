/** CRC-32C (Castagnoli), the checksum of record batches: bytes enter, an unsigned 32-bit number leaves. */

const POLYNOMIAL = 0x82f63b78;

/** Four tables, so that four bytes are taken in one step: table `k` is table 0 followed by `k` zero bytes. */
const tables = ((): readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] => {
  const made = [
    new Uint32Array(256),
    new Uint32Array(256),
    new Uint32Array(256),
    new Uint32Array(256),
  ] as const;
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    made[0][byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = made[0][byte] as number;
    for (const table of [made[1], made[2], made[3]]) {
      value = (value >>> 8) ^ (made[0][value & 0xff] as number);
      table[byte] = value;
    }
  }
  return made;
})();

const [one, two, three, four] = tables;

export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let value = 0xffffffff;
  let position = start;
  for (; position + 4 <= end; position += 4) {
    value ^=
      (bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24);
    value =
      (four[value & 0xff] as number) ^
      (three[(value >>> 8) & 0xff] as number) ^
      (two[(value >>> 16) & 0xff] as number) ^
      (one[value >>> 24] as number);
  }
  for (; position < end; position++)
    value = (value >>> 8) ^ (one[(value ^ (bytes[position] as number)) & 0xff] as number);
  return (value ^ 0xffffffff) >>> 0;
}
