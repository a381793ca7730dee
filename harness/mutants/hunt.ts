/**
 * Puts one mutant on trial: generated scenarios are run with it, one after another, until a property that has to catch it
 * does; what that took leaves.
 */
import { catalogue, type JudgedAnomaly, judge, type Property } from '../../properties/index.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { Mutant } from '../client/mutants.ts';
import { WorldUnavailableError } from '../errors.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';
import type { Kill } from './result.ts';

export interface HuntOptions {
  readonly seed: number;
  /** At most so many scenarios. */
  readonly runs: number;
  readonly signal?: AbortSignal;
}

/** The illegal anomalies of one scenario. */
async function illegal(
  world: SimulatedWorld,
  scenario: Scenario,
  subject: Subject,
  properties: readonly Property[],
  signal: AbortSignal | undefined,
): Promise<JudgedAnomaly[]> {
  const recorder = new HistoryRecorder();
  try {
    await world.run(scenario, subject, recorder, signal);
  } catch (error) {
    signal?.throwIfAborted();
    // A mutant may break so much that the world gives up; that is no property's doing.
    if (!(error instanceof WorldUnavailableError)) throw error;
    return [];
  }
  return judge(recorder.finishHistory(), properties).anomalies.filter(({ policy }) => policy === 'illegal');
}

/** Illegal anomalies count, and no others: an observed one would not fail anybody's run. */
export async function hunt(mutant: Mutant, { seed, runs, signal }: HuntOptions): Promise<Kill> {
  const { id, description, breaks, caughtBy, client = 'kafkajs', profile = 'default' } = mutant;
  const properties = catalogue.filter((property) => caughtBy.includes(property.id));
  const kill = { mutant: id, description, breaks, client, profile, expected: [...caughtBy] };
  const world = new SimulatedWorld();
  const subject = { client, mutant: id };
  let ran = 0;
  for (let index = 0; ran < runs; index++) {
    const scenario = generateScenario(seed, index, profile);
    if (world.refusals(scenario, subject).length > 0) continue;
    ran += 1;
    const found = await illegal(world, scenario, subject, properties, signal);
    if (found.length === 0) continue;
    // What the same scenario shows without the mutant is the client's own, and proves nothing.
    const own = await illegal(world, scenario, { client, mutant: null }, properties, signal);
    const isOwn = ({ property, signature }: JudgedAnomaly): boolean =>
      own.some((one) => one.property === property && one.signature === signature);
    const caught = found.find((anomaly) => !isOwn(anomaly));
    if (caught === undefined) continue;
    const target = `${seed}:${index}${profile === 'default' ? '' : `:${profile}`}`;
    const replay = `kafka-trial replay ${target} --client ${client} --mutant ${id}`;
    return { ...kill, property: caught.property, message: caught.message, scenarios: ran, replay };
  }
  return { ...kill, property: null, message: null, scenarios: ran, replay: null };
}
