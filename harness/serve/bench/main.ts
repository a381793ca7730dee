/**
 * `npm run bench:serve`: throughput of the simulated cluster on its socket beside a real broker, with the same client in
 * one run, and how soon the first answer comes. Options enter, a table or one JSON document leaves; slowness is never an
 * error, since machines differ.
 */
import { randomUUID } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { Command } from 'commander';
import { type Spread, spreadOf } from '../../bench/statistics.ts';
import { wholeNumber } from '../../cli/options.ts';
import { HarnessError } from '../../errors.ts';
import { endWith } from '../../tool.ts';
import { startClusterSet } from '../../world/kafka/cluster-set.ts';
import { measureCommand, measureLibrary, type StartUp, serve } from './start-up.ts';
import { type Load, measureThroughput, type Seconds } from './throughput.ts';

interface Options {
  readonly repeats: number;
  readonly records: number;
  readonly valueBytes: number;
  /** Of commander's `--no-kafka`. */
  readonly kafka: boolean;
  readonly json?: boolean;
}

interface ClusterResult {
  readonly name: string;
  /** Records a second. */
  readonly produce: Spread;
  readonly fetch: Spread;
}

interface StartUpResult {
  readonly name: string;
  readonly readyMs: Spread;
  readonly answerMs: Spread;
}

const ANSWER_TARGET_MS = 100;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const loadOf = ({ records, valueBytes }: Options): Load => ({
  partitions: 4,
  records,
  recordsPerSend: 100,
  valueBytes,
  sendsAtOnce: 4,
});

/** By turns, so that what else the machine does meets all of them alike; the first turn of each does not count. */
async function throughputOf(
  clusters: readonly { readonly name: string; readonly bootstrapServers: readonly string[] }[],
  options: Options,
): Promise<ClusterResult[]> {
  const load = loadOf(options);
  const measured = clusters.map((): Seconds[] => []);
  for (let turn = 0; turn <= options.repeats; turn++)
    for (const [index, { name, bootstrapServers }] of clusters.entries()) {
      say(`throughput of ${name}, ${turn === 0 ? 'warm-up' : `${turn} of ${options.repeats}`}`);
      const seconds = await measureThroughput(bootstrapServers, load);
      if (turn > 0) measured[index]?.push(seconds);
    }
  return clusters.map(({ name }, index) => {
    const all = measured[index] ?? [];
    return {
      name,
      produce: spreadOf(all.map(({ produce }) => load.records / produce)),
      fetch: spreadOf(all.map(({ fetch }) => load.records / fetch)),
    };
  });
}

async function startUpOf(
  name: string,
  once: () => Promise<StartUp>,
  repeats: number,
): Promise<StartUpResult> {
  say(`start-up of ${name}`);
  const measured: StartUp[] = [];
  for (let turn = 0; turn < repeats; turn++) measured.push(await once());
  return {
    name,
    readyMs: spreadOf(measured.map(({ readyMs }) => readyMs)),
    answerMs: spreadOf(measured.map(({ answerMs }) => answerMs)),
  };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const range = ({ median, min, max }: Spread): string => `${whole(median)} (${whole(min)} to ${whole(max)})`;
const inMs = ({ median, min, max }: Spread): string =>
  `${median.toFixed(1)} ms (${min.toFixed(1)} to ${max.toFixed(1)})`;

function render(
  clusters: readonly ClusterResult[],
  starts: readonly StartUpResult[],
  options: Options,
): string {
  const lines = [
    `Node ${process.versions.node}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, load average ${(loadavg()[0] ?? 0).toFixed(2)}`,
    `Records a second by @platformatic/kafka: ${whole(options.records)} records of ${options.valueBytes} bytes, 100 in a send, acks all; median of ${options.repeats} (least to most)`,
    ...clusters.map(
      ({ name, produce, fetch }) => `  ${name}: produce ${range(produce)}, fetch ${range(fetch)}`,
    ),
    `Start-up: until the address is known, and from then to the first answer (wanted within ${ANSWER_TARGET_MS} ms)`,
    ...starts.map(
      ({ name, readyMs, answerMs }) =>
        `  ${name}: ready after ${inMs(readyMs)}, answered after ${inMs(answerMs)}`,
    ),
  ];
  return lines.join('\n');
}

async function bench(options: Options): Promise<void> {
  const starts = [
    await startUpOf('kafka-trial serve', measureCommand, options.repeats),
    await startUpOf('startCluster()', measureLibrary, options.repeats),
  ];
  await using simulated = await serve();
  await using kafka = options.kafka
    ? await startClusterSet({ brokerCount: 1, sessionId: randomUUID(), onProgress: say })
    : null;
  const clusters = [
    { name: 'simulated cluster', bootstrapServers: simulated.bootstrapServers },
    ...(kafka === null
      ? []
      : [{ name: `Kafka ${kafka.kafkaVersion}`, bootstrapServers: kafka.bootstrapServers }]),
  ];
  const results = await throughputOf(clusters, options);
  const document = {
    schema: 1,
    load: loadOf(options),
    repeats: options.repeats,
    clusters: results,
    startUp: starts,
  };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(document, null, 2)}\n`
      : `${render(results, starts, options)}\n`,
  );
}

try {
  await new Command('bench:serve')
    .exitOverride(endWith)
    .description('Measure the simulated cluster on its socket beside a real broker.')
    .option('--repeats <n>', 'measurements, after one that does not count', wholeNumber(1, 1_000), 5)
    .option('--records <n>', 'records of one measurement', wholeNumber(100, 10_000_000), 50_000)
    .option('--value-bytes <n>', 'bytes of a value', wholeNumber(1, 100_000), 100)
    .option('--no-kafka', 'the simulated cluster alone')
    .option('--json', 'print one JSON document')
    .action(bench)
    .parseAsync();
} catch (error) {
  if (!(error instanceof HarnessError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
