/**
 * A process's own `zlib`: the platform's compression enters, the same functions leave, but computed at once, since the
 * platform's callbacks come from other threads in whatever order these end.
 */
import * as platform from 'node:zlib';
import { refusing } from './refuse.ts';

type Answer = (error: Error | null, value?: Buffer) => void;
type Compute = (bytes: platform.InputType, options?: platform.ZlibOptions) => Buffer;

const withCallback =
  (compute: Compute) =>
  (bytes: platform.InputType, ...rest: [Answer] | [platform.ZlibOptions, Answer]): void => {
    const callback = rest.at(-1) as Answer;
    const options = rest.length > 1 ? (rest[0] as platform.ZlibOptions) : undefined;
    try {
      const value = compute(bytes, options);
      process.nextTick(callback, null, value);
    } catch (error) {
      process.nextTick(callback, error as Error);
    }
  };

const synchronous = {
  gzipSync: platform.gzipSync,
  gunzipSync: platform.gunzipSync,
  deflateSync: platform.deflateSync,
  inflateSync: platform.inflateSync,
  deflateRawSync: platform.deflateRawSync,
  inflateRawSync: platform.inflateRawSync,
  unzipSync: platform.unzipSync,
  brotliCompressSync: platform.brotliCompressSync as Compute,
  brotliDecompressSync: platform.brotliDecompressSync as Compute,
} satisfies Record<string, Compute>;

export const createZlib = (): object =>
  refusing(
    'node:zlib',
    {
      ...synchronous,
      ...Object.fromEntries(
        Object.entries(synchronous).map(([name, compute]) => [
          name.slice(0, -'Sync'.length),
          withCallback(compute),
        ]),
      ),
      constants: platform.constants,
      // Node 22.2 and later.
      crc32: (platform as { crc32?: unknown }).crc32,
    },
    platform,
  );
