/** The connection to Docker: nothing enters but the environment, testcontainers' client or a clear error leaves. */
import { request } from 'node:http';
import type { ContainerRuntimeClient, GenericContainer } from 'testcontainers';
import { WorldUnavailableError } from '../../errors.ts';

export type { ContainerRuntimeClient };
export type Testcontainers = { GenericContainer: typeof GenericContainer };

const startDockerHint =
  'Start it (for example `systemctl start docker`, or `dockerd`) and check with `docker info`. The simulated world needs no Docker.';

/**
 * testcontainers, loaded on first use, because the commands that need no Docker are not to wait for it.
 * Its reaper is switched off: its image cannot be pulled everywhere, and what it would do is done by label
 * (`leftovers.ts`).
 */
export async function loadTestcontainers(): Promise<typeof import('testcontainers')> {
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  return import('testcontainers');
}

/** @throws WorldUnavailableError where no Docker daemon answers */
export async function containerRuntime(): Promise<ContainerRuntimeClient> {
  // testcontainers falls back to the usual socket where DOCKER_HOST does not answer; whoever named a daemon does not
  // want containers on another one.
  const named = process.env.DOCKER_HOST;
  if (named !== undefined && (await pingErrorCode()) !== undefined)
    throw new WorldUnavailableError(`No Docker daemon answers at ${named}, which DOCKER_HOST names.`, {
      hint: 'Start it there, or unset DOCKER_HOST.',
    });
  const { getContainerRuntimeClient } = await loadTestcontainers();
  try {
    const runtime = await getContainerRuntimeClient();
    // The client is kept for the life of the process; the daemon need not be.
    await runtime.container.dockerode.ping();
    return runtime;
  } catch (error) {
    throw await dockerUnavailable(error);
  }
}

export async function dockerUnavailable(cause: unknown): Promise<WorldUnavailableError> {
  if ((await pingErrorCode()) === 'EACCES') {
    return new WorldUnavailableError('This user may not use the Docker daemon.', {
      hint: 'Join the group docker (`sudo usermod -aG docker $USER`, then log in again), or run as root.',
      cause,
    });
  }
  return new WorldUnavailableError('No Docker daemon answers.', { hint: startDockerHint, cause });
}

/** Undefined where only testcontainers knows how to get there: TLS, SSH, named pipes. */
function pingTarget(address: string): { socketPath: string } | { host: string; port: string } | undefined {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) };
  if (!address.startsWith('tcp://') || process.env.DOCKER_TLS_VERIFY) return undefined;
  const { hostname, port } = new URL(address);
  return { host: hostname, port: port || '2375' };
}

/** The code of the error with which the daemon's address answers, undefined where it answers or cannot be asked. */
async function pingErrorCode(): Promise<string | undefined> {
  const address = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  const target = pingTarget(address);
  if (target === undefined) return undefined;
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume();
      resolve(undefined);
    });
    ping.on('timeout', () => ping.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    ping.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    ping.end();
  });
}
