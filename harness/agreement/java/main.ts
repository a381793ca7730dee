/**
 * `npm run agreement:java`: lessons and generated scenarios run on real Kafka with Apache's own Java client and with the
 * reference client; a table of where the two agree leaves on standard output, and every difference as a file.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodes, HarnessError, UsageError } from '../../errors.ts';
import { writeHistory } from '../../history/writer.ts';
import { KafkaWorld } from '../../world/kafka/kafka-world.ts';
import { findLeftovers, removeLeftovers } from '../../world/kafka/leftovers.ts';
import { inParallel } from '../in-parallel.ts';
import { type JavaAgreement, javaAgreementOn } from './agree.ts';
import type { Aspect } from './compare.ts';
import { compileJava, openJavaDriver } from './program.ts';
import { generatedTrials, lessonTrials, type Trial } from './trials.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '4' },
    only: { type: 'string' },
    out: { type: 'string', default: 'reports/out/agreement-java' },
  },
});

function wholeNumber(name: 'runs' | 'seed' | 'from' | 'jobs'): number {
  if (!/^\d+$/.test(values[name]))
    throw new UsageError(`--${name} takes a whole number, not '${values[name]}'.`);
  return Number(values[name]);
}

/** Lessons first, then generated ones, or those of these names. */
async function* trials(runs: number): AsyncGenerator<Trial> {
  const names = values.only?.split(',');
  let left = runs;
  const isWanted = ({ scenario }: Trial): boolean => names?.includes(scenario.name) ?? true;
  for (const lesson of (await lessonTrials()).filter(isWanted)) if (left-- > 0) yield lesson;
  if (names !== undefined) return;
  for (const generated of generatedTrials(wholeNumber('seed'), wholeNumber('from'))) {
    if (left-- <= 0) return;
    yield generated;
  }
}

const aspects: readonly Aspect[] = ['end state', 'resets', 'errors', 'assignments'];
const row = (cells: readonly string[]): string =>
  cells.map((cell, i) => cell.padEnd(i === 0 ? 30 : 13)).join(' ');

function describe(one: JavaAgreement): string {
  const { scenario, java, reference, differences, lessonDifferences, simulatedRuns } = one;
  const cells = [
    scenario.name,
    java.verdict.outcome,
    reference.verdict.outcome,
    ...aspects.map((aspect) => {
      if (differences.some((difference) => difference.aspect === aspect)) return 'DIFFER';
      return aspect === 'assignments' ? `${one.comparedGenerations} of ${one.generations}` : 'agree';
    }),
    lessonDifferences.length > 0 ? 'DIFFERS' : one.isTooSlow ? 'too slow for it' : 'as it says',
    String(simulatedRuns),
  ];
  const sentences = [
    ...differences.map(({ aspect, sentence }) => `  ${aspect}: ${sentence}`),
    ...lessonDifferences.map((sentence) => `  lesson: ${sentence}`),
  ];
  return [row(cells), ...sentences].join('\n');
}

async function keep(folder: string, { scenario, java, reference }: JavaAgreement): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'scenario.json'), `${JSON.stringify(scenario, null, 2)}\n`);
  await writeHistory(path.join(folder, 'history-java.jsonl'), java.history);
  await writeHistory(path.join(folder, 'history-reference.jsonl'), reference.history);
}

async function main(): Promise<number> {
  const [runs, jobs] = [wholeNumber('runs'), wholeNumber('jobs')];
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
  await removeLeftovers(await findLeftovers());
  await using java = await compileJava();
  const driver = await openJavaDriver(java);
  await using kafka = new KafkaWorld({
    connection: null,
    onProgress: (sentence) => console.error(sentence),
    onLog: (origin, line) => console.error(`${origin}: ${line}`),
    sessionId: randomUUID(),
    signal: interruption.signal,
  });
  const agreements: JavaAgreement[] = [];
  console.log(row(['scenario', 'Java', 'reference', ...aspects, 'lesson', 'simulated runs']));
  await inParallel(
    trials(runs),
    jobs,
    ({ scenario, expectation }) => javaAgreementOn(scenario, expectation, kafka, driver, interruption.signal),
    async (one) => {
      agreements.push(one);
      console.log(describe(one));
      if (one.differences.length + one.lessonDifferences.length > 0)
        await keep(path.join(values.out, one.scenario.name), one);
    },
  );
  const differing = agreements.filter(
    (one) => one.differences.length + one.lessonDifferences.length > 0,
  ).length;
  const sum = (of: (one: JavaAgreement) => number): number =>
    agreements.reduce((all, one) => all + of(one), 0);
  console.log(
    `${agreements.length} scenarios with kafka-clients ${java.version} and with the reference client: ${agreements.length - differing} agree, ${differing} differ; ${sum((one) => one.comparedGenerations)} of ${sum((one) => one.generations)} assignments of Java's were made by the reference client too.`,
  );
  return differing > 0 ? exitCodes.invalid : exitCodes.valid;
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof HarnessError)) throw error;
  console.error(error.message);
  return error.exitCode;
});
