/**
 * `npm run determinism`: generated scenarios run in the simulated world once in a process of each version of Node.js
 * that is asked for (one version may be named twice); how many traces differ, and where first, leaves on standard
 * output. Versions that are not this one come from npm's `node-<platform>-<architecture>` packages.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isProfileName } from '../../scenarios/arbitrary.ts';
import { exitCodes, UsageError, WorldUnavailableError } from '../errors.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import type { ScenarioHash } from './hashes.ts';

const values = readOptions({
  runs: { type: 'string', default: '100' },
  seed: { type: 'string', default: '1' },
  from: { type: 'string', default: '0' },
  profile: { type: 'string', default: 'default' },
  client: { type: 'string', default: 'kafkajs' },
  node: { type: 'string', default: 'this,22,24' },
});

const PROGRESS_EVERY = 100;

const script = fileURLToPath(new URL('./hashes.js', import.meta.url));

/** The hashes of a run under a version of Node.js: `this`, or a version such as `22` that npm has. */
async function* hashesUnder(version: string): AsyncGenerator<ScenarioHash> {
  const { seed, profile, client } = values;
  const from = wholeNumber('from', values.from);
  const own = [script, seed, String(from), String(from + wholeNumber('runs', values.runs)), profile, client];
  const [command, commandArguments]: [string, string[]] =
    version === 'this'
      ? [process.execPath, own]
      : ['npx', ['--yes', '-p', `node-${process.platform}-${process.arch}@${version}`, '--', 'node', ...own]];
  const child = spawn(command, commandArguments, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as ScenarioHash;
    const code = await ended;
    if (code !== 0)
      throw new WorldUnavailableError(`The run under Node.js ${version} ended with exit code ${code}.`);
  } finally {
    child.kill();
  }
}

async function main(signal: AbortSignal): Promise<number> {
  if (!isProfileName(values.profile)) throw new UsageError(`There is no profile '${values.profile}'.`);
  wholeNumber('seed', values.seed);
  const versions = values.node.split(',');
  if (versions.length < 2)
    throw new UsageError('--node takes two versions or more to compare, such as this,this.');
  const runs = versions.map((version) => hashesUnder(version));
  let [compared, different, failed] = [0, 0, 0];
  try {
    for (;;) {
      signal.throwIfAborted();
      const results = await Promise.all(runs.map((run) => run.next()));
      const hashes = results.flatMap((result) => (result.done === true ? [] : [result.value]));
      const [first] = hashes;
      if (first === undefined) break;
      if (++compared % PROGRESS_EVERY === 0)
        console.error(`${compared} scenarios compared, ${different} of them different.`);
      if (first.failure !== null) {
        failed++;
        console.log(`Scenario ${values.seed}:${first.index} has failed: ${first.failure}`);
      }
      const other = hashes.findIndex(({ hash }) => hash !== first.hash);
      if (other === -1) continue;
      different++;
      console.log(
        `Scenario ${values.seed}:${first.index} is another under Node.js ${versions[other]} than under ${versions[0]}: ${describeDifference(first, hashes[other] as ScenarioHash)}`,
      );
    }
  } finally {
    // Where one run failed, the others are not left running.
    await Promise.all(runs.map((run) => run.return(undefined)));
  }
  console.log(
    `${compared} scenarios under Node.js ${versions.join(', ')}: ${different} with traces that differ, ${failed} failed.`,
  );
  return different + failed > 0 ? exitCodes.unknown : exitCodes.valid;
}

function describeDifference(one: ScenarioHash, other: ScenarioHash): string {
  const thousands = one.checkpoints.findIndex((checkpoint, index) => checkpoint !== other.checkpoints[index]);
  return thousands === -1
    ? 'they differ after their last full thousand events.'
    : `they differ between events ${thousands * 1_000} and ${(thousands + 1) * 1_000}.`;
}

await runTool(main);
