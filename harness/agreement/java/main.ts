/**
 * `npm run agreement:java`: lessons and generated scenarios run on real Kafka with Apache's own Java client and with the
 * reference client; a table of where the two agree leaves on standard output, and every difference as a file.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { defaultJobs, openWorld } from '../../cli/worlds.ts';
import { exitCodes } from '../../errors.ts';
import { writeHistory } from '../../history/writer.ts';
import { readOptions, runTool, wholeNumber } from '../../tool.ts';
import { inParallel } from '../in-parallel.ts';
import { type JavaAgreement, javaAgreementOn, type RealRuns, runBoth } from './agree.ts';
import type { Aspect } from './compare.ts';
import { compileJava, openJavaDriver } from './program.ts';
import { generatedTrials, lessonTrials, type Trial } from './trials.ts';

const values = readOptions({
  runs: { type: 'string', default: '50' },
  seed: { type: 'string', default: '1' },
  from: { type: 'string', default: '0' },
  jobs: { type: 'string', default: String(defaultJobs('kafka')) },
  only: { type: 'string' },
  out: { type: 'string', default: 'reports/out/agreement-java' },
});

/** Lessons first, then generated ones, or those of these names. */
async function chooseTrials(): Promise<Trial[]> {
  const runs = wholeNumber('runs', values.runs);
  const names = values.only?.split(',');
  const lessons = await lessonTrials();
  if (names !== undefined) return lessons.filter(({ scenario }) => names.includes(scenario.name));
  const chosen = lessons.slice(0, runs);
  for (const one of generatedTrials(wholeNumber('seed', values.seed), wholeNumber('from', values.from))) {
    if (chosen.length === runs) break;
    chosen.push(one);
  }
  return chosen;
}

const aspects: readonly Aspect[] = ['end state', 'resets', 'errors', 'assignments'];
const row = (cells: readonly string[]): string =>
  cells.map((cell, i) => cell.padEnd(i === 0 ? 30 : 13)).join(' ');

function describe(one: JavaAgreement): string {
  const { scenario, expectation, java, reference, differences, lessonDifferences, simulatedRuns } = one;
  if (one.stoodStill)
    return row([scenario.name, java.verdict.outcome, reference.verdict.outcome, 'the machine stood still']);
  const lesson = lessonDifferences.length > 0 ? 'DIFFERS' : one.isTooSlow ? 'too slow for it' : 'as it says';
  const cells = [
    scenario.name,
    java.verdict.outcome,
    reference.verdict.outcome,
    ...aspects.map((aspect) => {
      if (differences.some((difference) => difference.aspect === aspect)) return 'DIFFER';
      return aspect === 'assignments' ? `${one.comparedGenerations} of ${one.generations}` : 'agree';
    }),
    expectation === null ? '' : lesson,
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

/** How often a scenario is run until the machine does not stand still in it. */
const ATTEMPTS_MAX = 3;

const isDifferent = ({ differences, lessonDifferences }: JavaAgreement): boolean =>
  differences.length + lessonDifferences.length > 0;

async function main(signal: AbortSignal): Promise<number> {
  const jobs = wholeNumber('jobs', values.jobs);
  const trials = await chooseTrials();
  await using java = await compileJava();
  const driver = await openJavaDriver(java);
  const { world } = await openWorld({
    name: 'kafka',
    connection: null,
    onProgress: (sentence) => console.error(sentence),
    onLog: (origin, line) => console.error(`${origin}: ${line}`),
    signal,
  });
  await using kafka = world;
  const agreements: JavaAgreement[] = [];
  console.log(row(['scenario', 'Java', 'reference', ...aspects, 'lesson', 'simulated runs']));
  let left = trials;
  for (let attempt = 1; left.length > 0; attempt++) {
    const again: Trial[] = [];
    // Those that are made again have the machine to themselves.
    const all = await inParallel(left, attempt === 1 ? jobs : 1, async (trial) => {
      const runs = await runBoth(trial, kafka, driver, signal);
      console.error(`${trial.scenario.name} has run on real Kafka with both clients.`);
      return runs;
    });
    for (const [index, trial] of left.entries()) {
      const one = await javaAgreementOn(trial, all[index] as RealRuns, signal);
      if (one.stoodStill && attempt < ATTEMPTS_MAX) again.push(trial);
      else {
        agreements.push(one);
        console.log(describe(one));
        if (isDifferent(one)) await keep(path.join(values.out, one.scenario.name), one);
      }
    }
    left = again;
  }
  const count = (is: (one: JavaAgreement) => boolean): number => agreements.filter(is).length;
  const sum = (of: (one: JavaAgreement) => number): number =>
    agreements.reduce((total, one) => total + of(one), 0);
  const differing = count(isDifferent);
  const still = count(({ stoodStill }) => stoodStill);
  console.log(
    `${agreements.length} scenarios with kafka-clients ${java.version} and with the reference client: ${agreements.length - differing - still} agree, ${differing} differ, and in ${still} the machine stood still; ${sum((one) => one.comparedGenerations)} of ${sum((one) => one.generations)} assignments of Java's were made by the reference client too.`,
  );
  return differing > 0 ? exitCodes.invalid : exitCodes.valid;
}

await runTool(main);
