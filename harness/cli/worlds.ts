/** Opens the world that a command names: its name and the options enter, a world and what reports say of it leave. */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Scenario } from '../../scenarios/schema.ts';
import { findMutant, needsSimulatedCluster } from '../client/mutants.ts';
import type { Connection } from '../client/protocol.ts';
import { UsageError } from '../errors.ts';
import type { Subject, World } from '../world/world.ts';

export type WorldName = 'sim' | 'kafka';

export interface WorldOptions {
  readonly name: WorldName;
  /** A cluster that the user named, or null. */
  readonly connection: Connection | null;
  readonly onProgress: (sentence: string) => void;
  readonly onLog: (origin: string, line: string) => void;
  readonly signal: AbortSignal;
}

export interface OpenedWorld {
  readonly world: World;
  /** What took part, for the result. */
  readonly versions: Record<string, string>;
}

/**
 * Starts nothing yet: containers come with the first scenario. What a world does not need is not even loaded.
 * @throws WorldUnavailableError where leftovers of a killed harness cannot be removed
 */
export async function openWorld(options: WorldOptions): Promise<OpenedWorld> {
  if (options.name === 'sim') {
    const { SimulatedWorld } = await import('../world/simulated/simulated-world.ts');
    return { world: new SimulatedWorld({ onLog: options.onLog }), versions: {} };
  }
  const [{ KafkaWorld }, { findLeftovers, removeLeftovers }, { defaultKafkaImage }] = await Promise.all([
    import('../world/kafka/kafka-world.ts'),
    import('../world/kafka/leftovers.ts'),
    import('../world/kafka/image-name.ts'),
  ]);
  await removeLeftovers(await findLeftovers());
  return {
    world: new KafkaWorld({ ...options, sessionId: randomUUID() }),
    versions: options.connection === null ? { image: defaultKafkaImage() } : {},
  };
}

/** @throws UsageError that names what the world or the client cannot do of a scenario that the user wrote */
export async function refuse(
  name: WorldName,
  scenarios: readonly Scenario[],
  subject: Subject,
  ownCluster: boolean,
): Promise<void> {
  const mutant = subject.mutant === null ? undefined : findMutant(subject.mutant);
  if (name === 'kafka' && mutant !== undefined && needsSimulatedCluster(mutant))
    throw new UsageError(
      `The mutant '${mutant.id}' breaks a ${mutant.breaks}, which only the simulated cluster lets itself be broken in: use --world sim.`,
    );
  if (scenarios.length === 0) return;
  const { refusalsOf } =
    name === 'sim'
      ? await import('../world/simulated/simulated-world.ts')
      : await import('../world/kafka/kafka-world.ts');
  for (const scenario of scenarios) {
    const refusals = refusalsOf(scenario, subject, ownCluster);
    if (refusals.length > 0)
      throw new UsageError(
        `${scenario.name} cannot be run here:\n${refusals.map((one) => `  ${one}`).join('\n')}`,
      );
  }
}

/**
 * Scenarios at once: a simulated one needs a processor for itself; on real Kafka two processors carry three, since most
 * of a scenario is waiting.
 */
export const defaultJobs = (name: WorldName): number =>
  name === 'sim' ? availableParallelism() : Math.min(8, availableParallelism() + 1);
