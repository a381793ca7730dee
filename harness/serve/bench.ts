/**
 * `npm run bench:serve`: produce and fetch throughput of the simulated cluster on real sockets beside real Kafka, with
 * the same client in one run, and how soon `serve` answers; figures leave, and slowness is never an error.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Kafka, logLevel } from 'kafkajs';
import { packageRoot } from '../version.ts';
import { startClusterSet } from '../world/kafka/cluster-set.ts';
import { startCluster } from './index.ts';

const BATCHES = 200;
const RECORDS = 500;
const VALUE = Buffer.alloc(100, 'x');
const TOPIC = 'bench';
const STARTS = 5;

interface Figures {
  readonly producePerSecond: number;
  readonly fetchPerSecond: number;
}

async function measure(bootstrapServers: readonly string[]): Promise<Figures> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...bootstrapServers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: RECORDS }, () => ({ value: VALUE, partition: 0 }));
  await producer.send({ topic: TOPIC, messages });
  const producing = performance.now();
  for (let batch = 1; batch < BATCHES; batch++) await producer.send({ topic: TOPIC, messages });
  const produceMs = performance.now() - producing;
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: 'bench', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  let seen = 0;
  let fetching = 0;
  const total = BATCHES * RECORDS;
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachBatch: async ({ batch }) => {
          // From the first batch on, so that joining the group does not count.
          if (fetching === 0) fetching = performance.now();
          seen += batch.messages.length;
          if (seen >= total) resolve();
          await Promise.resolve();
        },
      })
      .catch(reject);
  });
  const fetchMs = performance.now() - fetching;
  await consumer.disconnect();
  return {
    producePerSecond: ((BATCHES - 1) * RECORDS * 1_000) / produceMs,
    fetchPerSecond: (total * 1_000) / fetchMs,
  };
}

/** From the printed address to the first answer. */
async function firstAnswerMs(): Promise<number> {
  const main = join(packageRoot, 'dist/harness/cli/main.js');
  const child = spawn(process.execPath, [main, 'serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const admin = new Kafka({ brokers: line.split(','), logLevel: logLevel.NOTHING }).admin();
  const started = performance.now();
  await admin.connect();
  const took = performance.now() - started;
  await admin.disconnect();
  child.kill('SIGTERM');
  await ended;
  return took;
}

const perSecond = (value: number): string => `${Math.round(value / 1_000)} thousand records a second`;
const say = (what: string, { producePerSecond, fetchPerSecond }: Figures): void => {
  process.stdout.write(
    `${what}: produce ${perSecond(producePerSecond)}, fetch ${perSecond(fetchPerSecond)}\n`,
  );
};

const answers: number[] = [];
for (let start = 0; start < STARTS; start++) answers.push(await firstAnswerMs());
answers.sort((left, right) => left - right);
process.stdout.write(
  `serve: first answer ${answers.map((ms) => ms.toFixed(0)).join(', ')} ms after its address (wanted: within 100 ms)\n`,
);
process.stdout.write(
  `kafkajs, batches of ${RECORDS} records of ${VALUE.length} bytes, one at a time, acks all:\n`,
);
{
  await using cluster = await startCluster();
  say('  simulated', await measure(cluster.bootstrapServers));
}
{
  await using set = await startClusterSet({
    brokerCount: 1,
    sessionId: randomUUID(),
    groupInitialRebalanceDelayMs: 0,
  });
  say(`  Kafka ${set.kafkaVersion}`, await measure(set.bootstrapServers));
}
