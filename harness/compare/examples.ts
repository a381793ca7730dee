/**
 * The scenarios in which subjects differ most: what was measured enters; they are run again where their histories were
 * not kept, and leave as files, with the command that repeats each.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Comparison } from '../../reports/comparison.ts';
import { quoteForShell } from '../../reports/replay-command.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder, writeHistory } from '../history/writer.ts';
import type { World } from '../world/world.ts';
import { type Example, largestDifferences, pairsOf } from './pairs.ts';
import type { ComparisonRun, Measured } from './run.ts';
import type { ComparedSubject } from './subjects.ts';

export interface KeptExample {
  readonly example: Comparison['examples'][number];
  readonly histories: readonly History[];
}

/**
 * Writes the scenarios that differ most, under the first subject and under the one that differs from it most.
 * @param simulated the world to run them in again; null where their histories were kept
 */
export async function keepExamples(
  run: ComparisonRun,
  subjects: readonly ComparedSubject[],
  folder: string,
  simulated: World | null,
): Promise<KeptExample[]> {
  const other = subjects.length === 2 ? 1 : mostDifferent(run, subjects.length);
  const kept: KeptExample[] = [];
  for (const example of largestDifferences(run.scenarios, other)) {
    const runs: Comparison['examples'][number]['runs'] = [];
    const histories: History[] = [];
    for (const place of [0, other]) {
      const measured = run.scenarios[example.index]?.[place];
      const subject = subjects[place];
      if (measured === undefined || subject === undefined) continue;
      const history = measured.history ?? (await repeat(measured, subject, simulated));
      if (history === null) continue;
      const path = join(folder, 'scenarios', `${String(example.index).padStart(4, '0')}-${place + 1}`);
      const [scenarioFile, historyFile] = [join(path, 'scenario.json'), join(path, 'history.jsonl')];
      await mkdir(path, { recursive: true });
      await writeFileAtomically(scenarioFile, [`${JSON.stringify(measured.scenario, null, 2)}\n`]);
      await writeHistory(historyFile, history);
      histories.push(history);
      runs.push({
        label: subject.label,
        value: place === 0 ? example.a : example.b,
        scenarioFile,
        historyFile,
        command: commandOf(scenarioFile, subject, simulated === null),
      });
    }
    kept.push({ example: exampleOf(example, run, runs), histories });
  }
  return kept;
}

const exampleOf = (
  { index, figure }: Example,
  run: ComparisonRun,
  runs: Comparison['examples'][number]['runs'],
): Comparison['examples'][number] => ({
  scenario: run.scenarios[index]?.[0]?.scenario.name ?? '',
  index,
  figure,
  runs,
});

const commandOf = (scenarioFile: string, { words }: ComparedSubject, isReal: boolean): string =>
  [
    ...['kafka-trial', 'replay', scenarioFile, ...words],
    ...(isReal ? ['--world', 'kafka', '--times', '10'] : []),
  ]
    .map(quoteForShell)
    .join(' ');

/** Of several, the one whose time without owners and duplicates differ most from the first one's, in total. */
function mostDifferent(run: ComparisonRun, subjects: number): number {
  const differenceOf = (b: number): number =>
    ['duplicates', 'ownerless'].reduce((sum, name) => {
      const pairs = pairsOf(run.scenarios, b);
      const total = (side: 'a' | 'b'): number =>
        pairs.reduce((all, pair) => all + (pair[side][name] ?? 0), 0);
      const [a, other] = [total('a'), total('b')];
      return sum + Math.abs(other - a) / Math.max(1, a, other);
    }, 0);
  return Array.from({ length: subjects - 1 }, (_, i) => i + 1).reduce((best, b) =>
    differenceOf(b) > differenceOf(best) ? b : best,
  );
}

async function repeat(
  { scenario }: Measured,
  { subject }: ComparedSubject,
  world: World | null,
): Promise<History | null> {
  if (world === null) return null;
  const recorder = new HistoryRecorder();
  await world.run(scenario, subject, recorder);
  return recorder.finishHistory();
}
