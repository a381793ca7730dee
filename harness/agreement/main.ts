/**
 * `npm run agreement`: generated scenarios run on real Kafka and in the simulated world; how many agree, and what the
 * two disagree on, leaves on standard output, and every disagreement as a scenario file with the real history.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateScenario, isProfileName } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { defaultJobs, openWorld } from '../cli/worlds.ts';
import { exitCodes, UsageError } from '../errors.ts';
import type { History } from '../history/schema.ts';
import { writeHistory } from '../history/writer.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import { fitToKafka } from '../world/kafka/fit.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { type Agreement, agreementOn } from './agree.ts';
import { inParallel } from './in-parallel.ts';
import { historyOf } from './judged-run.ts';

const values = readOptions({
  runs: { type: 'string', default: '100' },
  seed: { type: 'string', default: '1' },
  from: { type: 'string', default: '0' },
  profile: { type: 'string', default: 'default' },
  client: { type: 'string', default: 'kafkajs' },
  jobs: { type: 'string', default: String(defaultJobs('kafka')) },
  out: { type: 'string', default: 'reports/out/agreement' },
});

async function main(signal: AbortSignal): Promise<number> {
  const runs = wholeNumber('runs', values.runs);
  const seed = wholeNumber('seed', values.seed);
  const from = wholeNumber('from', values.from);
  const jobs = wholeNumber('jobs', values.jobs);
  const { profile, client, out } = values;
  if (!isProfileName(profile)) throw new UsageError(`There is no profile '${profile}'.`);
  const subject = { client, mutant: null };
  const knownIssueOf = await knownIssuesOf(describeSubject(subject), subject.mutant);
  const { world } = await openWorld({
    name: 'kafka',
    connection: null,
    onProgress: (sentence) => console.error(sentence),
    onLog: () => {},
    signal,
  });
  await using kafka = world;
  const scenarios = Array.from({ length: runs }, (_, index) =>
    fitToKafka(generateScenario(seed, from + index, profile)),
  );
  let done = 0;
  const histories = await inParallel(scenarios, jobs, async (scenario) => {
    const history = await historyOf(kafka, scenario, subject, signal);
    console.error(`${++done} of ${runs} scenarios have run on real Kafka.`);
    return history;
  });
  const agreements: Agreement[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const history = histories[index] as History;
    const one = await agreementOn(scenario, subject, knownIssueOf, history, signal);
    agreements.push(one);
    console.log(`${scenario.name}: ${describe(one)}`);
    if (one.disagreements.length > 0) await keep(path.join(out, scenario.name), scenario, history);
  }
  const count = (what: (one: Agreement) => boolean): number => agreements.filter(what).length;
  console.log(
    `${agreements.length} scenarios in both worlds: ${count((one) => one.real.outcome === one.simulated.outcome)} with the same verdict in the first simulated run, ${count((one) => one.equal)} with the same end state in it, ${count((one) => one.disagreements.length === 0)} with an end state that the simulated world allows, ${count((one) => one.disagreements.length > 0)} disagreements.`,
  );
  return count((one) => one.disagreements.length > 0) > 0 ? exitCodes.invalid : exitCodes.valid;
}

function describe(one: Agreement): string {
  if (one.equal) return `equal (${one.real.outcome})`;
  if (one.disagreements.length === 0)
    return `allowed (${one.real.outcome} on real Kafka, ${one.simulated.outcome} in the first of ${one.simulatedRuns} simulated runs)`;
  return `DISAGREE after ${one.simulatedRuns} simulated runs\n${one.disagreements.map((line) => `  ${line}`).join('\n')}`;
}

async function keep(folder: string, scenario: Scenario, history: History): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'scenario.json'), `${JSON.stringify(scenario, null, 2)}\n`);
  await writeHistory(path.join(folder, 'history-kafka.jsonl'), history);
}

await runTool(main);
