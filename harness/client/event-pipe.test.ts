/** The event pipe against pipes that take a part, or nothing for a while. */
import { describe, expect, test } from 'vitest';
import { writeLine } from './event-pipe.ts';

const pipeThat = (takes: (attempt: number, length: number) => number | NodeJS.ErrnoException) => {
  const pieces: Buffer[] = [];
  let attempts = 0;
  const write = (bytes: Uint8Array): number => {
    const taken = takes(attempts++, bytes.byteLength);
    if (typeof taken !== 'number') throw taken;
    pieces.push(Buffer.from(bytes.subarray(0, taken)));
    return taken;
  };
  return { write, text: () => Buffer.concat(pieces).toString('utf8'), attempts: () => attempts };
};

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe('a line', () => {
  test('is whole when the call returns, however little the pipe takes at a time', () => {
    const pipe = pipeThat((_attempt, length) => Math.min(3, length));
    writeLine('{"record":"ä€𝄞"}', pipe.write);
    expect(pipe.text()).toBe('{"record":"ä€𝄞"}\n');
    expect(pipe.attempts()).toBeGreaterThan(5);
  });

  test('waits for a full pipe', () => {
    const pipe = pipeThat((attempt, length) => (attempt % 3 === 2 ? Math.min(4, length) : failure('EAGAIN')));
    writeLine('0123456789', pipe.write);
    expect(pipe.text()).toBe('0123456789\n');
  });

  test('fails where nobody reads any more', () => {
    const pipe = pipeThat(() => failure('EPIPE'));
    expect(() => writeLine('x', pipe.write)).toThrow('EPIPE');
  });
});
