/**
 * `npm run bench`: how fast the simulated world is, whose the time is, and that it keeps no memory. Options enter, a table
 * or one JSON document leaves; slowness is never an error, since machines differ.
 */
import { cpus, loadavg } from 'node:os';
import { Command } from 'commander';
import { wholeNumber } from '../cli/options.ts';
import { endWith } from '../tool.ts';
import { clientShare, type Part, parts, type Share } from './attribution.ts';
import { type BenchCase, benchScenario, cases } from './cases.ts';
import { type Measurement, measure, profile } from './measure.ts';
import { type HeapSample, measureMemory } from './memory.ts';
import { type Spread, spreadOf } from './statistics.ts';

interface Options {
  readonly repeats: number;
  readonly memoryScenarios: number;
  readonly cases?: string;
  readonly seed: number;
  readonly json?: boolean;
}

interface CaseResult {
  readonly name: string;
  /** Virtual seconds per CPU second. */
  readonly target: number;
  readonly runsPerRepeat: number;
  readonly together: Spread;
  readonly simulation: Spread;
  readonly judging: Spread;
  readonly cpuMicrosecondsPerRequest: Spread;
  readonly virtualSeconds: number;
  readonly requests: number;
  readonly events: number;
  readonly outcome: string;
  readonly profile: Record<Part, Share>;
}

interface Result {
  readonly schema: 1;
  readonly node: string;
  readonly processor: string;
  readonly repeats: number;
  readonly loadAverage: { readonly before: number; readonly after: number };
  readonly cases: readonly CaseResult[];
  readonly memory: readonly HeapSample[];
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Until what runs over and over is compiled: a trial runs many scenarios, so this is the speed that counts. */
const WARM_UP_CPU_SECONDS = 10;
/** A measurement is made of as many runs as it takes, since the clock of the CPU time is coarse. */
const REPEAT_CPU_SECONDS = 1;

const together = ({ simulationCpuSeconds, judgingCpuSeconds }: Measurement): number =>
  simulationCpuSeconds + judgingCpuSeconds;

async function runCase(one: BenchCase, { repeats, seed }: Options): Promise<CaseResult> {
  const scenario = benchScenario(one, seed);
  let last = await measure(one.client, scenario);
  for (let spent = together(last); spent < WARM_UP_CPU_SECONDS; spent += together(last))
    last = await measure(one.client, scenario);
  const runs = Math.ceil(REPEAT_CPU_SECONDS / together(last));
  const measured: Measurement[] = [];
  for (let i = 0; i < repeats; i++) measured.push(await measure(one.client, scenario, runs));
  const of = (figure: (one: Measurement) => number): Spread => spreadOf(measured.map(figure));
  const { virtualSeconds, requests, events, outcome } = last;
  return {
    name: one.name,
    target: one.target,
    runsPerRepeat: runs,
    together: of((m) => m.virtualSeconds / together(m)),
    simulation: of((m) => m.virtualSeconds / m.simulationCpuSeconds),
    judging: of((m) => m.virtualSeconds / m.judgingCpuSeconds),
    cpuMicrosecondsPerRequest: of((m) => (m.simulationCpuSeconds * 1_000_000) / m.requests),
    virtualSeconds,
    requests,
    events,
    outcome,
    profile: await profile(one.client, scenario, runs),
  };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const percent = (value: number): string => `${Math.round(value * 100)} %`;
const range = ({ median, min, max }: Spread): string => `${whole(median)} (${whole(min)} to ${whole(max)})`;

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
        )
        .join('  '),
    )
    .join('\n');
}

function render({ cases: results, memory, loadAverage, node, processor, repeats }: Result): string {
  const speed = table([
    [
      'case',
      'together',
      'target',
      'simulation',
      'client alone',
      'judging',
      'µs per request',
      'requests',
      'events',
      'outcome',
    ],
    ...results.map((one) => [
      one.name,
      range(one.together),
      whole(one.target),
      range(one.simulation),
      whole(one.simulation.median / clientShare(one.profile)),
      range(one.judging),
      one.cpuMicrosecondsPerRequest.median.toFixed(1),
      whole(one.requests),
      whole(one.events),
      one.outcome,
    ]),
  ]);
  const shares = table([
    ['case', 'client in all', ...parts],
    ...results.map((one) => [
      one.name,
      percent(clientShare(one.profile)),
      ...parts.map((part) => percent(one.profile[part].share)),
    ]),
  ]);
  const heap = table([
    ['scenarios', 'heap after garbage collection'],
    ...memory.map(({ scenarios, heapBytes }) => [
      whole(scenarios),
      `${(heapBytes / 1_000_000).toFixed(1)} MB`,
    ]),
  ]);
  return [
    `Node ${node}, ${processor}, load average ${loadAverage.before.toFixed(2)} before and ${loadAverage.after.toFixed(2)} after`,
    `Virtual seconds per CPU second: median of ${repeats} (least to most); "client alone" is what the client's own CPU time would allow if all else cost nothing`,
    speed,
    'Whose CPU time the simulation is',
    shares,
    ...(memory.length === 0 ? [] : [heap]),
  ].join('\n\n');
}

function chosen(names: string | undefined): readonly BenchCase[] {
  if (names === undefined) return cases;
  const wanted = names.split(';').map((name) => name.trim());
  return cases.filter(({ name }) => wanted.includes(name));
}

async function bench(options: Options): Promise<void> {
  const before = loadavg()[0] as number;
  const results: CaseResult[] = [];
  for (const one of chosen(options.cases)) {
    say(`${one.name} ...`);
    results.push(await runCase(one, options));
  }
  const memory =
    options.memoryScenarios === 0
      ? []
      : await measureMemory(options.memoryScenarios, options.seed, ({ scenarios, heapBytes }) =>
          say(`${scenarios} scenarios: ${Math.round(heapBytes / 1_000_000)} MB`),
        );
  const result: Result = {
    schema: 1,
    node: process.versions.node,
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    repeats: options.repeats,
    loadAverage: { before, after: loadavg()[0] as number },
    cases: results,
    memory,
  };
  process.stdout.write(
    options.json === true ? `${JSON.stringify(result, null, 2)}\n` : `${render(result)}\n`,
  );
}

await new Command('bench')
  .exitOverride(endWith)
  .description('Measure the simulated world: speed, whose CPU time it is, and memory.')
  .option(
    '--repeats <n>',
    'measurements of each case, after one that does not count',
    wholeNumber(1, 1_000),
    5,
  )
  .option(
    '--memory-scenarios <n>',
    'generated scenarios over which the heap is watched',
    wholeNumber(0, 1_000_000),
    300,
  )
  .option(
    '--cases <names>',
    `only these, separated by semicolons: ${cases.map(({ name }) => name).join('; ')}`,
  )
  .option('--seed <n>', 'seed of the scenarios', wholeNumber(0, 0xffff_ffff), 1)
  .option('--json', 'print one JSON document on standard output')
  .action(bench)
  .parseAsync();
