/** Makes sure of the Kafka image: its name enters, its presence on the Docker daemon or a clear error leaves. */
import { WorldUnavailableError } from '../../errors.ts';
import type { ContainerRuntimeClient } from './container-runtime.ts';

export interface PullOptions {
  readonly onProgress?: ((sentence: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly pullSilenceMs?: number;
  /** What a person can do where the image cannot be had; by default, for an image of Kafka. */
  readonly hint?: string;
}

/** A pull of which nothing has been heard for this long is given up: the registry is out of reach. */
const PULL_SILENCE_MS = 20_000;
/** Even a slow line brings the image in this time; after it a person can pull by hand and see why it takes so long. */
const PULL_TOTAL_MS = 300_000;
const PROGRESS_EVERY_MS = 2_000;

export async function isImagePresent(runtime: ContainerRuntimeClient, image: string): Promise<boolean> {
  try {
    await runtime.container.dockerode.getImage(image).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/**
 * Pulls the image unless it is there.
 * @throws WorldUnavailableError where it cannot be had, with what to do; the signal's reason when it aborts
 */
export async function ensureImage(
  runtime: ContainerRuntimeClient,
  image: string,
  options: PullOptions = {},
): Promise<void> {
  if (await isImagePresent(runtime, image)) return;
  options.onProgress?.(`The image ${image} is not on this machine; pulling it.`);
  try {
    await pull(runtime, image, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw imageMissing(image, error, options.hint);
  }
}

/** The sentence for an image that is neither here nor to be had. */
export function imageMissing(image: string, cause?: unknown, hint = imageHint(image)): WorldUnavailableError {
  const reason = cause instanceof Error ? ` (${firstLine(cause.message)})` : '';
  return new WorldUnavailableError(
    `The image ${image} is not on this machine and could not be pulled${reason}.`,
    { hint, cause },
  );
}

export function imageHint(image: string): string {
  const version = /^apache\/kafka:(\d+\.\d+\.\d+)$/.exec(image)?.[1];
  if (version !== undefined)
    return `Run \`npm run kafka:image ${version}\` to build it here, or \`docker pull ${image}\` where a registry can be reached.`;
  return `Run \`docker pull ${image}\`, or unset KAFKA_TRIAL_IMAGE and run \`npm run kafka:image\` to build the default one.`;
}

async function pull(runtime: ContainerRuntimeClient, image: string, options: PullOptions): Promise<void> {
  const giveUp = new AbortController();
  const limits = [giveUp.signal, AbortSignal.timeout(PULL_TOTAL_MS)];
  const signal = AbortSignal.any(options.signal ? [...limits, options.signal] : limits);
  const silenceMs = options.pullSilenceMs ?? PULL_SILENCE_MS;
  const silence = setTimeout(
    () => giveUp.abort(new Error(`the registry was silent for ${silenceMs / 1_000} s`)),
    silenceMs,
  );
  try {
    const progress = createProgress(image, options.onProgress);
    const stream = await runtime.container.dockerode.pull(image, { abortSignal: signal });
    // The body of the answer is a line of JSON for each step; an error is one of them, after a status of 200.
    await followJsonLines(stream, signal, (step) => {
      silence.refresh();
      if (typeof step.error === 'string') throw new Error(step.error);
      progress(step);
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(silence);
  }
}

interface PullStep {
  readonly id?: string;
  readonly error?: unknown;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

async function followJsonLines(
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
  onStep: (step: PullStep) => void,
): Promise<void> {
  const destroy = () => (stream as unknown as { destroy(): void }).destroy();
  signal.addEventListener('abort', destroy, { once: true });
  try {
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onStep(JSON.parse(line) as PullStep);
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', destroy);
    destroy();
  }
}

function createProgress(image: string, onProgress: PullOptions['onProgress']): (step: PullStep) => void {
  const layers = new Map<string, { current: number; total: number }>();
  let toldMs = performance.now();
  return ({ id, progressDetail }) => {
    if (id && progressDetail?.total)
      layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    const sum = (key: 'current' | 'total') =>
      Math.round([...layers.values()].reduce((bytes, layer) => bytes + layer[key], 0) / 1e6);
    onProgress?.(`Pulling ${image}: ${sum('current')} of ${sum('total')} MB.`);
  };
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replace(/\.$/, '');
