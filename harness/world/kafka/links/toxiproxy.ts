/**
 * Toxiproxy in a container: a session enters, a server leaves whose proxies hold up the bytes between processes and
 * brokers. Its API is four calls of JSON over HTTP, for which a client library would be longer than what is here.
 */
import { messageOf, WorldUnavailableError } from '../../../errors.ts';
import { type ContainerRuntimeClient, containerRuntime, loadTestcontainers } from '../container-runtime.ts';
import { harnessLabels } from '../harness-identity.ts';
import { advertisedHostFor, releaseHostPorts, reserveHostPorts } from '../host-ports.ts';
import { ensureImage } from '../image-presence.ts';
import { pollUntil } from '../poll.ts';
import { removeContainer } from '../removal.ts';
import { defaultToxiproxyImage, toxiproxyHint } from './image-name.ts';

export interface ToxiproxyOptions {
  /** Marks the container as this harness's own. */
  readonly sessionId: string;
  readonly signal: AbortSignal;
  readonly onProgress: (sentence: string) => void;
}

/** `upstream` is the way to the broker, `downstream` the way back. */
export type Stream = 'upstream' | 'downstream';

export interface Toxic {
  readonly name: string;
  readonly type: 'latency' | 'bandwidth' | 'slow_close';
  readonly stream: Stream;
  /** Whole numbers. */
  readonly attributes: Readonly<Record<string, number>>;
}

const START_TIMEOUT_MS = 20_000;
/** Toxiproxy gives up a call of its own after 25 s, when a process that is stalled takes nothing of what waits for it. */
const CALL_TIMEOUT_MS = 30_000;

export class Toxiproxy implements AsyncDisposable {
  readonly #runtime: ContainerRuntimeClient;
  readonly #host: string;
  readonly #port: number;
  readonly #containerId: string;

  private constructor(runtime: ContainerRuntimeClient, host: string, port: number, containerId: string) {
    this.#runtime = runtime;
    this.#host = host;
    this.#port = port;
    this.#containerId = containerId;
  }

  /**
   * In the host's own network, so that it reaches brokers where clients do, whoever started them, and a proxy needs no
   * port that was published beforehand.
   * @throws WorldUnavailableError where it is not to be had; the signal's reason on abort
   */
  static async start({ sessionId, signal, onProgress }: ToxiproxyOptions): Promise<Toxiproxy> {
    signal.throwIfAborted();
    const image = defaultToxiproxyImage();
    const runtime = await containerRuntime();
    await ensureImage(runtime, image, { onProgress, signal, hint: toxiproxyHint(image) });
    const host = await advertisedHostFor(runtime.info.containerRuntime.host);
    const [port] = (await reserveHostPorts(1)) as [number];
    const { GenericContainer, Wait } = await loadTestcontainers();
    const name = `kafka-trial-${sessionId.slice(0, 8)}-toxiproxy`;
    try {
      const started = await new GenericContainer(image)
        .withName(name)
        .withNetworkMode('host')
        .withCommand([`-host=${host}`, `-port=${port}`])
        .withEnvironment({ LOG_LEVEL: 'error' })
        .withLabels(harnessLabels(sessionId))
        .withAutoCleanup(false)
        .withWaitStrategy(Wait.forAll([]))
        .start();
      const server = new Toxiproxy(runtime, host, port, started.getId());
      await pollUntil(async () => (await server.#request('GET', '/version')).ok, {
        what: "Toxiproxy's answer",
        timeoutMs: START_TIMEOUT_MS,
        signal,
      });
      return server;
    } catch (error) {
      releaseHostPorts([port]);
      await removeContainer(runtime.container.dockerode, name).catch(() => {});
      signal.throwIfAborted();
      throw new WorldUnavailableError(`Toxiproxy did not start on ${host}:${port}: ${messageOf(error)}.`, {
        hint: 'It runs in the network of the host: where Docker runs in a machine of its own, as Docker Desktop does, host networking has to be switched on.',
        cause: error,
      });
    }
  }

  /** @returns where the proxy listens */
  async open(name: string, upstream: string): Promise<{ host: string; port: number }> {
    const { listen } = (await this.#call('POST', '/proxies', {
      name,
      listen: `${this.#host}:0`,
      upstream,
      enabled: true,
    })) as { listen: string };
    return { host: this.#host, port: Number(listen.slice(listen.lastIndexOf(':') + 1)) };
  }

  /** At the end of what the stream has already. */
  async addToxic(proxy: string, toxic: Toxic): Promise<void> {
    await this.#call('POST', `/proxies/${proxy}/toxics`, toxic);
  }

  async changeToxic(proxy: string, { name, attributes }: Toxic): Promise<void> {
    await this.#call('POST', `/proxies/${proxy}/toxics/${name}`, { attributes });
  }

  /** Ends the proxy and whatever goes through it. */
  async close(name: string): Promise<void> {
    await this.#call('DELETE', `/proxies/${name}`);
  }

  async stop(): Promise<void> {
    await removeContainer(this.#runtime.container.dockerode, this.#containerId);
    releaseHostPorts([this.#port]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`Toxiproxy answers ${response.status} to ${method} ${path}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    return await fetch(`http://${this.#host}:${this.#port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  }
}
