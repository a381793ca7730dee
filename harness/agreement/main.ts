/**
 * `npm run agreement`: generated scenarios run on real Kafka and in the simulated world; how many agree, and what the
 * two disagree on, leaves on standard output, and every disagreement as a scenario file with the real history.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { generateScenario, isProfileName } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { exitCodes, HarnessError, UsageError } from '../errors.ts';
import type { History } from '../history/schema.ts';
import { writeHistory } from '../history/writer.ts';
import { KafkaWorld } from '../world/kafka/kafka-world.ts';
import { findLeftovers, removeLeftovers } from '../world/kafka/leftovers.ts';
import { type Agreement, agreementOn, historyOf } from './agree.ts';
import { inParallel } from './in-parallel.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    profile: { type: 'string', default: 'default' },
    client: { type: 'string', default: 'kafkajs' },
    jobs: { type: 'string', default: String(Math.min(8, availableParallelism() + 1)) },
    out: { type: 'string', default: 'reports/out/agreement' },
  },
});

function wholeNumber(name: 'runs' | 'seed' | 'from' | 'jobs'): number {
  if (!/^\d+$/.test(values[name]))
    throw new UsageError(`--${name} takes a whole number, not '${values[name]}'.`);
  return Number(values[name]);
}

async function main(): Promise<number> {
  const [runs, seed, from, jobs] = [
    wholeNumber('runs'),
    wholeNumber('seed'),
    wholeNumber('from'),
    wholeNumber('jobs'),
  ];
  const { profile, client, out } = values;
  if (!isProfileName(profile)) throw new UsageError(`There is no profile '${profile}'.`);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
  await removeLeftovers(await findLeftovers());
  await using kafka = new KafkaWorld({
    connection: null,
    onProgress: (sentence) => console.error(sentence),
    onLog: () => {},
    sessionId: randomUUID(),
    signal: interruption.signal,
  });
  const subject = { client, mutant: null };
  const { signal } = interruption;
  const ran: (readonly [Scenario, History])[] = [];
  const scenarios = function* (): Generator<Scenario> {
    for (let index = from; index < from + runs && !interruption.signal.aborted; index++)
      yield generateScenario(seed, index, profile);
  };
  await inParallel(
    scenarios(),
    jobs,
    async (scenario) => [scenario, await historyOf(kafka, scenario, subject, signal)] as const,
    (one) => {
      ran.push(one);
      console.error(`${ran.length} of ${runs} scenarios have run on real Kafka.`);
    },
  );
  const agreements: Agreement[] = [];
  for (const [scenario, history] of ran) {
    const one = await agreementOn(scenario, subject, history, signal);
    agreements.push(one);
    console.log(`${scenario.name}: ${describe(one)}`);
    if (one.disagreements.length > 0) await keep(path.join(out, scenario.name), one);
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

async function keep(folder: string, { scenario, realHistory }: Agreement): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'scenario.json'), `${JSON.stringify(scenario, null, 2)}\n`);
  await writeHistory(path.join(folder, 'history-kafka.jsonl'), realHistory);
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof HarnessError)) throw error;
  console.error(error.message);
  return error.exitCode;
});
