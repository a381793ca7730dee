/**
 * Shards of one run put together: their results enter, the result that the whole run would have had on one machine
 * leaves, but for how long it took.
 */
import { basename, join } from 'node:path';
import { UsageError } from '../harness/errors.ts';
import { Keeping } from './keeping.ts';
import {
  findingKey,
  inOrder,
  ledgerCauses,
  type ResultAnomaly,
  type RunResult,
  type ScenarioResult,
  traceHashOf,
} from './results.ts';

export interface Merged {
  readonly result: RunResult;
  /** The scenario directories that belong to it, each with where it is to be. */
  readonly directories: readonly { readonly from: string; readonly to: string }[];
  /** What is not there, one sentence each. */
  readonly missing: readonly string[];
}

/**
 * @param runDirectory where the merged run is to be
 * @throws UsageError where they are not shards of the same run
 */
export function mergeShards(shards: readonly RunResult[], runDirectory: string): Merged {
  const [first] = shards;
  if (first === undefined) throw new UsageError('There is nothing to merge.');
  const sorted = shards.toSorted((a, b) => shardOf(a).number - shardOf(b).number);
  refuseStrangers(sorted, first);
  const numbers = sorted.map((one) => shardOf(one).number);
  const missing = Array.from({ length: shardOf(first).of }, (_, index) => index + 1)
    .filter((number) => !numbers.includes(number))
    .map((number) => `Shard ${number}/${shardOf(first).of} is missing.`);
  const results = sorted.flatMap((one) => one.results).toSorted((a, b) => a.index - b.index);
  const anomalies = sorted
    .flatMap((one) => one.anomalies)
    .toSorted((a, b) => a.scenarioIndex - b.scenarioIndex);
  const moves = movesOf(results, anomalies, runDirectory);
  const options = withoutShard(first.options);
  const of = (outcome: ScenarioResult['outcome']): number =>
    results.filter((one) => one.outcome === outcome).length;
  const result = inOrder({
    ...first,
    options,
    runDirectory,
    reportFile: join(runDirectory, 'report.html'),
    startedAt: sorted.map((one) => one.startedAt).sort()[0] ?? first.startedAt,
    scenarios: { run: results.length, valid: of('valid'), invalid: of('invalid'), unknown: of('unknown') },
    traceHash: traceHashOf(results),
    virtualSeconds: toMilliseconds(sum(sorted.map((one) => one.virtualSeconds))),
    cpuSeconds: toMilliseconds(sum(sorted.map((one) => one.cpuSeconds))),
    // Shards run beside each other.
    wallSeconds: Math.max(...sorted.map((one) => one.wallSeconds)),
    anomalies: toldOnce(anomalies).map((one) => moveAnomaly(one, moves)),
    actions: addUp(sorted.map((one) => one.actions)),
    goals: addUp(sorted.map((one) => one.goals)),
    duplicates: {
      total: sum(sorted.map((one) => one.duplicates.total)),
      byCause: inOrderOfCauses(sorted),
    },
    results: results.map((one) => ({ ...one, directory: moves.get(one.index)?.to ?? null })),
    properties: propertiesOf(sorted),
    interrupted: missing.length > 0 || sorted.some((one) => one.interrupted),
  });
  return { result, missing, directories: [...moves.values()] };
}

function shardOf({ options, runDirectory }: RunResult): { number: number; of: number } {
  const match = /^(\d+)\/(\d+)$/.exec(typeof options.shard === 'string' ? options.shard : '');
  if (match === null)
    throw new UsageError(`'${runDirectory}' is no shard of a run, so it cannot be merged.`, {
      hint: 'Shards come from `kafka-trial run --seed S --shard i/n`.',
    });
  return { number: Number(match[1]), of: Number(match[2]) };
}

const withoutShard = (options: RunResult['options']): RunResult['options'] =>
  Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'shard'));

/** What has to be the same in all shards; how many scenarios ran at once need not be. */
function identityOf(result: RunResult): Record<string, unknown> {
  const { 'kafka-trial': harness, commit } = result.versions;
  return {
    command: result.command,
    seed: result.seed,
    world: result.world,
    client: result.client,
    mutant: result.mutant,
    'version of kafka-trial': harness,
    commit,
    options: { ...withoutShard(result.options), jobs: null },
    'number of shards': shardOf(result).of,
    properties: result.properties.map(({ id }) => id),
  };
}

function refuseStrangers(shards: readonly RunResult[], first: RunResult): void {
  const expected = identityOf(first);
  const seen = new Map<number, string | null>();
  for (const one of shards) {
    const own = identityOf(one);
    const key = Object.keys(expected).find(
      (name) => JSON.stringify(own[name]) !== JSON.stringify(expected[name]),
    );
    if (key !== undefined)
      throw new UsageError(
        `'${one.runDirectory}' is no shard of the same run as '${first.runDirectory}': ${key} is ${JSON.stringify(own[key])} there and ${JSON.stringify(expected[key])} here.`,
      );
    const { number, of } = shardOf(one);
    if (seen.has(number))
      throw new UsageError(
        `'${seen.get(number)}' and '${one.runDirectory}' are both shard ${number}/${of}.`,
        { hint: 'Name each shard once.' },
      );
    seen.set(number, one.runDirectory);
  }
}

/** Each shard keeps what the whole run would have kept, and some more, which is left behind. */
function movesOf(
  results: readonly ScenarioResult[],
  anomalies: readonly ResultAnomaly[],
  runDirectory: string,
): Map<number, { from: string; to: string }> {
  const keeping = new Keeping();
  const byScenario = new Map<number, ResultAnomaly[]>();
  for (const anomaly of anomalies)
    byScenario.set(anomaly.scenarioIndex, [...(byScenario.get(anomaly.scenarioIndex) ?? []), anomaly]);
  const moves = new Map<number, { from: string; to: string }>();
  for (const { index, outcome, directory } of results) {
    const wanted = keeping.wants(outcome, byScenario.get(index) ?? []);
    if (wanted && directory !== null)
      moves.set(index, { from: directory, to: join(runDirectory, 'scenarios', basename(directory)) });
  }
  return moves;
}

function moveAnomaly(
  { shrunkFile, ...anomaly }: ResultAnomaly,
  moves: ReturnType<typeof movesOf>,
): ResultAnomaly {
  const to = moves.get(anomaly.scenarioIndex)?.to;
  const moved = (file: string | null): string | null =>
    file === null || to === undefined ? null : join(to, basename(file));
  return {
    ...anomaly,
    scenarioFile: moved(anomaly.scenarioFile),
    historyFile: moved(anomaly.historyFile),
    ...(shrunkFile === undefined || to === undefined ? {} : { shrunkFile: join(to, basename(shrunkFile)) }),
  };
}

/** Each shard tells its first example of a finding; the whole tells one. */
function toldOnce(anomalies: readonly ResultAnomaly[]): ResultAnomaly[] {
  const told = new Set<string>();
  return anomalies.map((anomaly) => {
    const key = findingKey(anomaly);
    if (anomaly.account.length === 0) return anomaly;
    if (told.has(key)) return { ...anomaly, account: [] };
    told.add(key);
    return anomaly;
  });
}

function propertiesOf(shards: readonly RunResult[]): RunResult['properties'] {
  const totals = new Map<string, RunResult['properties'][number]>();
  for (const { properties } of shards)
    for (const one of properties) {
      const total = totals.get(one.id);
      totals.set(one.id, {
        ...one,
        checked: one.checked + (total?.checked ?? 0),
        illegal: one.illegal + (total?.illegal ?? 0),
        observed: one.observed + (total?.observed ?? 0),
      });
    }
  return [...totals.values()];
}

function inOrderOfCauses(shards: readonly RunResult[]): Record<string, number> {
  const added = addUp(shards.map((one) => one.duplicates.byCause));
  return Object.fromEntries(
    ledgerCauses.flatMap((cause) => (added[cause] === undefined ? [] : [[cause, added[cause]] as const])),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const toMilliseconds = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const one of counts)
    for (const [name, number] of Object.entries(one)) total.set(name, (total.get(name) ?? 0) + number);
  return Object.fromEntries(total);
}
