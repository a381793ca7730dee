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

/** testcontainers does not say why it found no daemon; the usual socket does. */
async function pingErrorCode(): Promise<string | undefined> {
  const address = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  if (!address.startsWith('unix://')) return undefined;
  const socketPath = address.slice('unix://'.length);
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume();
      resolve(undefined);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    ping.end();
  });
}
