/** The frame assembler: frames of any size in chunks of any size, wanted or not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameAssembler } from './frames.ts';

const framed = (body: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};

const headOf = (body: Uint8Array): number | null =>
  body.length < 4 ? null : Buffer.from(body).readInt32BE(0);

const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const borders = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return borders.slice(1).map((end, i) => bytes.subarray(borders[i], end));
};

const body = fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 40 }));

describe('the frame assembler', () => {
  test('gives the frames that are wanted, whole and in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ body, wanted: fc.boolean() }), { maxLength: 12 }),
        fc.array(fc.nat(500), { maxLength: 30 }),
        (frames, places) => {
          const heads: (number | null)[] = [];
          const whole: string[] = [];
          const assembler = new FrameAssembler({
            wants(head) {
              heads.push(head);
              return frames[heads.length - 1]?.wanted === true;
            },
            frame: (bytes) => whole.push(bytes.toString('hex')),
          });
          const stream = Buffer.concat(frames.map((one) => framed(one.body)));
          for (const chunk of cut(stream, places)) assembler.push(chunk);
          expect(heads).toEqual(frames.map((one) => headOf(one.body)));
          expect(whole).toEqual(
            frames.filter(({ wanted }) => wanted).map((one) => Buffer.from(one.body).toString('hex')),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['HTTP/1.1 400 Bad Request', 'a frame of 1213486160 bytes ("HTTP") is none of Kafka\'s'],
    ['\xff\xff\xff\xff', 'a frame of -1 bytes'],
  ])('refuses %j', (text, sentence) => {
    const assembler = new FrameAssembler({ wants: () => true, frame: () => {} });
    expect(() => assembler.push(Buffer.from(text, 'latin1'))).toThrow(sentence);
  });
});
