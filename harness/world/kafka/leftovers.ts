/**
 * What a harness that no longer lives (kill -9, a power cut) left behind: nothing enters, the containers, networks
 * and child processes of dead harnesses leave, and are removed on demand. Those of a live harness are never touched.
 */
import { type ContainerRuntimeClient, containerRuntime } from './container-runtime.ts';
import { identityFromArguments, identityFromLabels, isHarnessAlive, labelNames } from './harness-identity.ts';
import { pollUntil } from './poll.ts';
import { listProcesses, type ProcessFacts, readProcess } from './process-list.ts';
import { removeContainer, removeNetwork } from './removal.ts';

export { harnessArguments, harnessLabels } from './harness-identity.ts';

export interface LeftoverResource {
  readonly id: string;
  readonly name: string;
  readonly sessionId: string;
}

export interface LeftoverProcess extends ProcessFacts {
  readonly sessionId: string;
}

export interface Leftovers {
  readonly containers: readonly LeftoverResource[];
  readonly networks: readonly LeftoverResource[];
  readonly processes: readonly LeftoverProcess[];
  /** Why containers and networks could not be looked for, or null where they were. */
  readonly dockerUnavailable: string | null;
}

/** A killed process is gone within milliseconds, unless it hangs in the kernel. */
const KILL_TIMEOUT_MS = 5_000;

export async function findLeftovers(): Promise<Leftovers> {
  const processes = await findProcesses();
  let runtime: ContainerRuntimeClient;
  try {
    runtime = await containerRuntime();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { containers: [], networks: [], processes, dockerUnavailable: reason };
  }
  const { dockerode } = runtime.container;
  const filters = { label: [labelNames.session] };
  const [containers, networks] = await Promise.all([
    dockerode.listContainers({ all: true, filters }),
    dockerode.listNetworks({ filters }),
  ]);
  return {
    containers: await ofDeadHarnesses(
      containers.map(({ Id, Names, Labels }) => ({
        id: Id,
        name: Names[0]?.replace(/^\//, '') ?? Id.slice(0, 12),
        labels: Labels,
      })),
    ),
    networks: await ofDeadHarnesses(
      networks.map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels ?? {} })),
    ),
    processes,
    dockerUnavailable: null,
  };
}

/**
 * Removes what was found, after making sure once more of each process that it still is the one that was found.
 * @throws AggregateError with one error for each thing that could not be removed; the others are removed all the same
 */
export async function removeLeftovers(leftovers: Leftovers): Promise<void> {
  const failures: unknown[] = [];
  const settle = async (removals: Promise<unknown>[]): Promise<void> => {
    for (const result of await Promise.allSettled(removals))
      if (result.status === 'rejected') failures.push(result.reason);
  };
  // Processes first: without them nobody uses the containers, and a network goes only when its containers have.
  await settle(leftovers.processes.map(killProcess));
  if (leftovers.containers.length + leftovers.networks.length > 0) {
    const { dockerode } = (await containerRuntime()).container;
    await settle(leftovers.containers.map(({ id }) => removeContainer(dockerode, id)));
    await settle(leftovers.networks.map(({ id }) => removeNetwork(dockerode, id)));
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} leftovers could not be removed.`);
}

/** One sentence for `doctor` and for the start of a run, or null where there is nothing to tell. */
export function describeLeftovers(leftovers: Leftovers): string | null {
  const counts = [
    [leftovers.containers.length, 'container', 'containers'],
    [leftovers.networks.length, 'network', 'networks'],
    [leftovers.processes.length, 'child process', 'child processes'],
  ] as const;
  const parts = counts.flatMap(([count, one, many]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? one : many}`],
  );
  if (parts.length === 0) return null;
  const list = parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
  return `A harness that no longer runs left ${list} behind.`;
}

async function findProcesses(): Promise<LeftoverProcess[]> {
  const found: LeftoverProcess[] = [];
  for (const facts of await listProcesses()) {
    const owner = identityFromArguments(facts.commandLine);
    if (owner === undefined || (await isHarnessAlive(owner.identity)) !== false) continue;
    found.push({ ...facts, sessionId: owner.sessionId });
  }
  return found;
}

async function ofDeadHarnesses(
  resources: { id: string; name: string; labels: Readonly<Record<string, string>> }[],
): Promise<LeftoverResource[]> {
  const found: LeftoverResource[] = [];
  for (const { id, name, labels } of resources) {
    const owner = identityFromLabels(labels);
    if (owner === undefined || (await isHarnessAlive(owner.identity)) !== false) continue;
    found.push({ id, name, sessionId: owner.sessionId });
  }
  return found;
}

async function killProcess(leftover: LeftoverProcess): Promise<void> {
  const isThere = async () => (await readProcess(leftover.pid))?.started === leftover.started;
  if (!(await isThere())) return;
  try {
    // SIGKILL ends a process that SIGSTOP holds, too.
    process.kill(leftover.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw new Error(`Process ${leftover.pid} could not be killed.`, { cause: error });
  }
  await pollUntil(async () => !(await isThere()), {
    what: `The end of process ${leftover.pid}`,
    timeoutMs: KILL_TIMEOUT_MS,
  });
}
