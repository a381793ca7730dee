/**
 * For tests: a simulated cluster on virtual time and processes in which the reference client runs as it does on trial; a
 * script enters and runs to its end within moments of real time, whatever it waits for.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { addGroupCoordinators } from '../../../cluster/group/part.ts';
import { kafka43 } from '../../../cluster/profiles.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../../../cluster/simulated-cluster.ts';
import { addTransactionCoordinators } from '../../../cluster/transaction/part.ts';
import { Network } from '../../../world/simulated/network.ts';
import { compileBundle } from '../../../world/simulated/process/client-bundle.ts';
import { NO_SKEW, VIRTUAL_EPOCH_MS } from '../../../world/simulated/process/clock.ts';
import { SimulatedProcess } from '../../../world/simulated/process/simulated-process.ts';
import { RandomStreams } from '../../../world/simulated/random.ts';
import { Scheduler } from '../../../world/simulated/scheduler.ts';
import { label, Trace } from '../../../world/simulated/trace.ts';
import { VirtualEnvironment } from '../../../world/simulated/virtual-environment.ts';
import type { Adapter } from '../../child-process.ts';
import type { Application } from '../../host.ts';
import type { StartCommand } from '../../protocol.ts';
import type * as Reference from '../index.ts';

export type { Reference };

/** A process and the client's code in it. */
export interface SimulatedClient {
  readonly name: string;
  readonly reference: typeof Reference;
  readonly process: SimulatedProcess;
  readonly consumer: (options: Partial<Reference.ConsumerOptions>) => Reference.Consumer;
  readonly producer: (options?: Partial<Reference.ProducerOptions>) => Reference.Producer;
}

export interface Simulation {
  readonly cluster: SimulatedCluster;
  readonly network: Network;
  readonly log: readonly string[];
  readonly nowMs: () => number;
  readonly sleep: (timeMs: number) => Promise<void>;
  /** Resolves when the condition holds, looked at every few milliseconds. */
  readonly until: (condition: () => boolean, boundMs?: number) => Promise<void>;
  readonly start: (name: string) => Promise<SimulatedClient>;
}

export interface SimulationOptions {
  readonly brokerCount?: number;
  readonly seed?: number;
  /** `broker.rack` of each broker; consumers may then read from followers in theirs. */
  readonly racks?: readonly string[];
}

const WARM_UP_MS = 500;
const step = label('test');

const bundled = build({
  entryPoints: [fileURLToPath(new URL('../index.ts', import.meta.url))],
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
});

const startCommand = (process: string, bootstrapServers: string[]): StartCommand => ({
  command: 'start',
  protocol: 1,
  process,
  connection: { bootstrapServers, tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: VIRTUAL_EPOCH_MS,
  mutant: null,
  role: 'producer',
  producer: {
    id: 'unused',
    topics: ['unused'],
    acks: 'all',
    idempotent: false,
    keys: null,
    records: 1,
    recordsPerSend: 1,
    valueBytes: 1,
    startMs: 0,
    stopMs: 0,
  },
});

export async function simulate(
  script: (simulation: Simulation) => Promise<void>,
  { brokerCount = 1, seed = 1, racks = [] }: SimulationOptions = {},
): Promise<void> {
  const code = (await bundled).outputFiles[0]?.text ?? '';
  const compiled = compileBundle(code, 'reference.cjs', 'process');
  const trace = new Trace(null);
  const scheduler = new Scheduler({ trace });
  const streams = new RandomStreams(seed);
  const network = new Network(scheduler, streams);
  const environment = new VirtualEnvironment(scheduler, streams, () => {});
  const cluster = createSimulatedCluster({
    brokerCount,
    profile: kafka43,
    environment,
    settings: {
      offsetsTopicNumPartitions: 1,
      offsetsTopicReplicationFactor: brokerCount,
      transactionStateLogNumPartitions: 1,
      transactionStateLogReplicationFactor: brokerCount,
      defaultReplicationFactor: brokerCount,
      rackAwareReplicaSelector: racks.length > 0,
      racks: Object.fromEntries(racks.map((rack, index) => [index + 1, rack])),
      extra: { 'group.min.session.timeout.ms': '500', 'group.initial.rebalance.delay.ms': '100' },
    },
    parts: [(core) => addTransactionCoordinators(core, addGroupCoordinators(core))],
  });
  const brokers = new Map<string, number>();
  for (const id of cluster.brokerIds) {
    const { host, port } = cluster.address(id);
    brokers.set(`${host}:${port}`, id);
    network.attach(id, {
      get owner() {
        return environment.owner(id);
      },
      get listens() {
        return cluster.core.broker(id).listens;
      },
      accept(sender) {
        const connection = cluster.connect(id, {
          onData: (bytes) => sender.send(bytes, true),
          onClose: (reset) => (reset ? sender.reset() : sender.end()),
        });
        if (connection === null) sender.reset();
        return {
          data: (bytes) => connection?.receive(bytes),
          ended() {
            connection?.ended();
            sender.end();
          },
          failed: () => connection?.close(),
        };
      },
    });
  }
  const sleep = (timeMs: number): Promise<void> =>
    new Promise((resolve) => void scheduler.after(scheduler.harness, timeMs * 1_000, step, resolve));
  const log: string[] = [];
  let pids = 0;
  const nowMs = (): number => scheduler.nowUs / 1_000;

  const start = (name: string): Promise<SimulatedClient> =>
    new Promise((resolve) => {
      const bootstrapServers = [...brokers.keys()];
      const common = { 'bootstrap.servers': bootstrapServers, 'client.id': name };
      const transport = { tls: null, sasl: null };
      const process: SimulatedProcess = new SimulatedProcess(
        {
          start: startCommand(name, bootstrapServers),
          id: name,
          scheduler,
          network,
          streams,
          bundle: {
            load: (parts): Adapter => {
              const reference = compiled.load(parts) as unknown as typeof Reference;
              const started = (): Application => {
                resolve({
                  name,
                  reference,
                  process,
                  consumer: (options) => new reference.Consumer({ ...common, ...options }, transport),
                  producer: (options) => new reference.Producer({ ...common, ...options }, transport),
                });
                return { close: async () => {} };
              };
              return { startMember: started, startProducer: started };
            },
          },
          resolve: (host, port) => brokers.get(`${host}:${port}`) ?? null,
          onEvent: (event) => log.push(JSON.stringify(event)),
          onLog: (line) => log.push(line),
          timeOriginUs: 0,
          skew: NO_SKEW,
        },
        ++pids,
      );
      // Without it a test would wait for what a dead process never does.
      void process.exited.then(({ code }) => {
        if (code !== null && code !== 0) scheduler.fail(new Error(`${name} has ended:\n${log.join('\n')}`));
      });
    });

  await scheduler.run(async () => {
    await sleep(WARM_UP_MS);
    await script({
      cluster,
      network,
      log,
      nowMs,
      sleep,
      start,
      until: async (condition, boundMs = 60_000) => {
        const endMs = nowMs() + boundMs;
        while (!condition()) {
          if (nowMs() > endMs) throw new Error(`not reached in ${boundMs} ms:\n${log.join('\n')}`);
          await sleep(5);
        }
      },
    });
  });
}

/** The values of the records, as text. */
export const valuesOf = (records: readonly { readonly value: Uint8Array | null }[]): string[] =>
  records.map(({ value }) => Buffer.from(value ?? []).toString('utf8'));

export type Records = Awaited<ReturnType<Reference.Consumer['poll']>>;

/** Polls until there are so many records, or a long time has passed. */
export async function pollUntil(consumer: Reference.Consumer, count: number): Promise<Records> {
  const records: Records = [];
  for (let polls = 0; records.length < count && polls < 200; polls++)
    records.push(...(await consumer.poll(100)));
  return records;
}
