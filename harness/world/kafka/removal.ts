/** Removes containers and networks: their ids enter, and the promise resolves when they are truly gone. */
import type { ContainerRuntimeClient } from './container-runtime.ts';
import { pollUntil } from './poll.ts';

type Dockerode = ContainerRuntimeClient['container']['dockerode'];
type DockerError = { readonly statusCode?: number; readonly message?: string };

const REMOVAL_TIMEOUT_MS = 30_000;

/** Kills the container if it runs, and removes it together with its anonymous volumes. */
export async function removeContainer(dockerode: Dockerode, id: string): Promise<void> {
  const container = dockerode.getContainer(id);
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (isNotFound(error)) return;
    if (!isBeingRemoved(error)) throw error;
    // Somebody else is at it; as long as they are, a network that the container is in cannot go.
    await pollUntil(() => container.inspect().then(() => false, isNotFound), {
      what: `The removal of container ${id.slice(0, 12)}`,
      timeoutMs: REMOVAL_TIMEOUT_MS,
    });
  }
}

export async function removeNetwork(dockerode: Dockerode, id: string): Promise<void> {
  try {
    await dockerode.getNetwork(id).remove();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

const isNotFound = (error: unknown): boolean => (error as DockerError).statusCode === 404;

const isBeingRemoved = (error: unknown): boolean => {
  const { statusCode, message } = error as DockerError;
  return statusCode === 409 && message?.includes('already in progress') === true;
};
