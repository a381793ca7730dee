/**
 * What `npm run determinism` starts under each version of Node.js: a seed, a range and a profile enter as arguments,
 * one line of JSON per scenario leaves, with the hash of its trace and the hash after each thousand events.
 */
import { generateScenario, type ProfileName } from '../../scenarios/arbitrary.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';

export interface ScenarioHash {
  readonly index: number;
  readonly hash: string;
  readonly checkpoints: readonly string[];
}

const [seed = '', from = '', to = '', profile = 'default', client = 'kafkajs'] = process.argv.slice(2);

for (let index = Number(from); index < Number(to); index++) {
  const scenario = generateScenario(Number(seed), index, profile as ProfileName);
  const recorder = new HistoryRecorder();
  await new SimulatedWorld().run(scenario, { client, mutant: null }, recorder);
  const { trace } = recorder;
  if (trace === null) throw new Error(`scenario ${index} has left no trace`);
  const line: ScenarioHash = { index, hash: trace.hash, checkpoints: trace.checkpoints };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
