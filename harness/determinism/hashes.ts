/**
 * What `npm run determinism` starts under each version of Node.js: a seed, a range and a profile enter as arguments,
 * one line of JSON per scenario leaves, with the hash of its trace and the hash after each thousand events.
 */
import { generateScenario, type ProfileName } from '../../scenarios/arbitrary.ts';
import { messageOf } from '../errors.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';

export interface ScenarioHash {
  readonly index: number;
  readonly hash: string;
  readonly checkpoints: readonly string[];
  /** Why the world failed at it, or null. */
  readonly failure: string | null;
}

const [seed = '', from = '', to = '', profile = 'default', client = 'kafkajs'] = process.argv.slice(2);

for (let index = Number(from); index < Number(to); index++) {
  const scenario = generateScenario(Number(seed), index, profile as ProfileName);
  const recorder = new HistoryRecorder();
  let failure: string | null = null;
  try {
    await new SimulatedWorld().run(scenario, { client, mutant: null }, recorder);
  } catch (error) {
    failure = messageOf(error);
  }
  const { trace } = recorder;
  if (trace === null) throw new Error(`scenario ${index} has left no trace`);
  const line: ScenarioHash = { index, hash: trace.hash, checkpoints: trace.checkpoints, failure };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
