/** Making sure of the image: a stand-in for the Docker daemon enters, pulls and their failures are checked. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { WorldUnavailableError } from '../../errors.ts';
import type { ContainerRuntimeClient } from './container-runtime.ts';
import { ensureImage, imageHint, isImagePresent } from './image-presence.ts';

type Pull = (image: string, options: { abortSignal: AbortSignal }) => Promise<Readable>;

function daemon(inspect: () => Promise<unknown>, pull?: Pull): ContainerRuntimeClient {
  const dockerode = { getImage: () => ({ inspect }), pull };
  return { container: { dockerode } } as unknown as ContainerRuntimeClient;
}

const absent = () => Promise.reject(Object.assign(new Error('no such image'), { statusCode: 404 }));
const image = 'apache/kafka:4.3.1';

test('an image that is there is not pulled', async () => {
  const present = daemon(
    async () => ({}),
    () => Promise.reject(new Error('pulled')),
  );
  await expect(ensureImage(present, image)).resolves.toBeUndefined();
});

test('a daemon that cannot tell is not taken for one that lacks the image', async () => {
  await expect(
    isImagePresent(
      daemon(() => Promise.reject(new Error('broken'))),
      image,
    ),
  ).rejects.toThrow('broken');
});

test('a missing image is pulled, and the start of it told', async () => {
  const told: string[] = [];
  // A line may come in two pieces.
  const steps = ['{"status":"Pulling fs layer","id":"a"}\n{"status":"Down', 'loading","id":"a"}\n'];
  await ensureImage(
    daemon(absent, async () => Readable.from(steps)),
    image,
    { onProgress: (sentence) => told.push(sentence) },
  );
  expect(told).toEqual([`The image ${image} is not on this machine; pulling it.`]);
});

test('an error in the middle of a pull is one of a missing image, with what to do', async () => {
  const pull = async () => Readable.from(['{"status":"Pulling"}\n', '{"error":"manifest unknown."}\n']);
  const failing = ensureImage(daemon(absent, pull), image);
  await expect(failing).rejects.toThrow(WorldUnavailableError);
  await expect(failing).rejects.toMatchObject({
    message: `The image ${image} is not on this machine and could not be pulled (manifest unknown).`,
    hint: expect.stringContaining('npm run kafka:image 4.3.1'),
  });
});

test.each<[string, Pull]>([
  ['that never answers', (_, { abortSignal }) => rejectOnAbort(abortSignal)],
  ['that falls silent', async () => new Readable({ read() {} })],
])('a registry %s is given up', async (_, pull) => {
  await expect(ensureImage(daemon(absent, pull), image, { pullSilenceMs: 20 })).rejects.toThrow(
    'could not be pulled (the registry was silent for 0.02 s)',
  );
});

test('an abort ends the pull with its own reason', async () => {
  const reason = new Error('enough');
  const abort = new AbortController();
  setTimeout(() => abort.abort(reason), 10);
  const pull = async () => new Readable({ read() {} });
  await expect(ensureImage(daemon(absent, pull), image, { signal: abort.signal })).rejects.toBe(reason);
});

test('the hint names a command that brings just this image', () => {
  expect(imageHint('apache/kafka:3.9.1')).toContain('`npm run kafka:image 3.9.1`');
  expect(imageHint('registry.example/kafka:1')).toContain('`docker pull registry.example/kafka:1`');
});

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}
