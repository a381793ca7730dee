/** Real clusters: brokers are broken and brought back in every way there is, and a client's view of it is checked. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka';
import { build } from 'esbuild';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WorldUnavailableError } from '../../errors.ts';
import { coordinatorPartition, knownBrokers, partitionStates, withBroker } from './broker-probe.ts';
import { BROKER_SESSION_TIMEOUT_MS } from './broker-settings.ts';
import { type ClusterSet, type ClusterSetOptions, startClusterSet } from './cluster-set.ts';
import { reserveHostPorts } from './host-ports.ts';
import { defaultKafkaImage } from './image-name.ts';
import { findLeftovers, removeLeftovers } from './leftovers.ts';
import { pollUntil } from './poll.ts';

const run = promisify(execFile);

/** Everything that carries the session's label, running or not. */
async function whatIsThere(sessionId: string): Promise<string[]> {
  const filter = ['--filter', `label=kafka-trial.session=${sessionId}`];
  const outputs = await Promise.all([
    run('docker', ['ps', '--all', '--format', '{{.Names}}', ...filter]),
    run('docker', ['network', 'ls', '--format', '{{.Name}}', ...filter]),
  ]);
  return outputs.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''));
}

/** How the only container of the session ended. */
async function exitCode(sessionId: string): Promise<number> {
  const [name = ''] = await whatIsThere(sessionId);
  return Number((await run('docker', ['inspect', '--format', '{{.State.ExitCode}}', name])).stdout);
}

function clientOf(set: ClusterSet): Kafka {
  return new Kafka({
    brokers: [...set.bootstrapServers],
    clientId: 'test',
    logLevel: logLevel.NOTHING,
    requestTimeout: 3_000,
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 500 },
  });
}

async function createTopic(set: ClusterSet, topic: string): Promise<void> {
  const admin = clientOf(set).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
  await admin.disconnect();
}

async function produce(set: ClusterSet, topic: string, value: string): Promise<void> {
  const producer = clientOf(set).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ value }] });
  await producer.disconnect();
}

async function consume(
  set: ClusterSet,
  topic: string,
  groupId: string,
): Promise<{ consumer: Consumer; seen: string[] }> {
  const seen: string[] = [];
  const consumer = clientOf(set).consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    // A consumer disconnects only when its last fetch has been answered.
    maxWaitTimeInMs: 200,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
  return { consumer, seen };
}

/** Consumers deliver at least once, so what was seen is compared as a set. */
const soon = { timeout: 60_000, interval: 50 };

describe('one broker', () => {
  const sessionId = randomUUID();
  const told: string[] = [];
  let set: ClusterSet;
  beforeAll(async () => {
    set = await startClusterSet({
      brokerCount: 1,
      sessionId,
      groupInitialRebalanceDelayMs: 123,
      extraSettings: { 'log.retention.ms': '7200000' },
      onProgress: (sentence) => told.push(sentence),
    });
  });
  afterAll(() => set.stop());

  test('says what it is', () => {
    expect(set.brokerIds).toEqual([1]);
    expect(set.brokerState(1)).toBe('running');
    expect(set.image).toBe(defaultKafkaImage());
    expect(set.kafkaVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(told.at(-1)).toMatch(/^Kafka \S+ is ready after [\d.]+ s\.$/);
    expect(() => set.brokerState(2)).toThrow('there is no broker 2');
  });

  test('runs with the settings of a trial', async () => {
    const resource = { resourceType: ConfigResourceTypes.BROKER, resourceName: '1', configurationKeys: null };
    const [broker] = await pollUntil(
      () =>
        withBroker(address(set, 1), (connection) =>
          describeConfigsV4.api.async(connection, [resource], false, false),
        ).then(({ results }) => results),
      { what: 'An answer', timeoutMs: 60_000 },
    );
    const settings = new Map(broker?.configs.map(({ name, value }) => [name, value]));
    expect(Object.fromEntries(settings)).toMatchObject({
      'group.initial.rebalance.delay.ms': '123',
      'group.min.session.timeout.ms': '500',
      'auto.create.topics.enable': 'false',
      'log.retention.ms': '7200000',
    });
  });

  test('listens on this machine only', async () => {
    const { stdout } = await run('docker', [
      'ps',
      '--format',
      '{{.Ports}}',
      '--filter',
      `label=kafka-trial.session=${sessionId}`,
    ]);
    expect(stdout).toContain(`${set.bootstrapServers[0]}->9092/tcp`);
    expect(stdout).not.toContain('0.0.0.0');
  });

  test('knows its group coordinator from the start, and kafkajs produces and consumes', async () => {
    const admin = clientOf(set).admin();
    await admin.connect();
    expect(await admin.listTopics()).toContain('__consumer_offsets');
    await admin.disconnect();
    await createTopic(set, 'plain');
    await produce(set, 'plain', 'one');
    const { consumer, seen } = await consume(set, 'plain', 'plain');
    await expect.poll(() => [...new Set(seen)], soon).toEqual(['one']);
    await consumer.disconnect();
  });

  test('a crash keeps what was written, and so does a clean stop', async () => {
    await createTopic(set, 'durable');
    await produce(set, 'durable', 'before');
    await set.crashBroker(1);
    expect(set.brokerState(1)).toBe('stopped');
    await expect(partitionStates(address(set, 1), 'all')).rejects.toThrow('Connection to');
    expect(await exitCode(sessionId), 'SIGKILL').toBe(137);
    await set.startBroker(1);
    // Asked once, without a retry: it is there.
    expect(await partitionStates(address(set, 1), ['durable'])).toMatchObject([{ leader: 1 }]);
    await produce(set, 'durable', 'between');
    await set.stopBroker(1);
    expect(await exitCode(sessionId), 'SIGTERM').toBe(143);
    await set.startBroker(1);
    expect(set.brokerState(1)).toBe('running');
    const { consumer, seen } = await consume(set, 'durable', 'durable');
    await expect.poll(() => [...new Set(seen)], soon).toEqual(['before', 'between']);
    await consumer.disconnect();
    const tail = (await set.tailLogs(1, 3)).trimEnd().split('\n');
    expect(tail).toHaveLength(3);
    expect(tail[2]).toContain('Group durable');
  });

  test('a paused broker keeps its connections and answers later', async () => {
    await set.pauseBroker(1);
    expect(set.brokerState(1)).toBe('paused');
    const answer = partitionStates(address(set, 1), 'all').then(
      () => 'answered',
      () => 'failed',
    );
    expect(await Promise.race([answer, once(AbortSignal.timeout(300), 'abort')])).not.toBe('answered');
    await set.unpauseBroker(1);
    expect(await answer).toBe('answered');
  });

  test('a paused broker can be crashed', async () => {
    await set.pauseBroker(1);
    await set.crashBroker(1);
    await set.startBroker(1);
    expect(set.brokerState(1)).toBe('running');
    await set.awaitHealthy();
  });

  test('a broker that was ended from outside is told', async () => {
    expect(await set.unexpectedStates()).toEqual([]);
    const [name = ''] = await whatIsThere(sessionId);
    await run('docker', ['kill', name]);
    await expect
      .poll(() => set.unexpectedStates(), soon)
      .toEqual(['Broker 1 was running and now is stopped (exit code 137).']);
  });

  test('stopping removes everything, twice as well as once', async () => {
    expect(await whatIsThere(sessionId)).toHaveLength(1);
    await Promise.all([set.stop(), set.stop()]);
    await set.stop();
    expect(await whatIsThere(sessionId)).toEqual([]);
    await expect(set.startBroker(1)).rejects.toThrow('has been stopped');
  });
});

describe('three brokers', () => {
  const sessionId = randomUUID();
  let set: ClusterSet;
  beforeAll(async () => {
    set = await startClusterSet({ brokerCount: 3, sessionId });
  });
  afterAll(() => set.stop());

  test('a group goes on without its coordinator, which then comes back', async () => {
    await createTopic(set, 'watched');
    const { consumer, seen } = await consume(set, 'watched', 'survivors');
    try {
      await produce(set, 'watched', 'one');
      await expect.poll(() => seen, soon).toContain('one');

      const offsets = await partitionStates(address(set, 1), ['__consumer_offsets']);
      expect(offsets).toHaveLength(3);
      const partition = coordinatorPartition('survivors', 3);
      const coordinator = offsets.find((state) => state.partition === partition)?.leader ?? 0;
      await set.crashBroker(coordinator);

      await produce(set, 'watched', 'two');
      await expect.poll(() => seen, soon).toContain('two');
      const survivor = set.brokerIds.find((id) => id !== coordinator) as number;
      const moved = await partitionStates(address(set, survivor), ['__consumer_offsets']);
      expect(moved.find((state) => state.partition === partition)?.leader).not.toBe(coordinator);

      expect(await describeMembers(set, 'survivors')).toHaveLength(1);

      await expect(set.awaitHealthy()).rejects.toThrow(`broker ${coordinator} does not run`);
      await set.startBroker(coordinator);
      await set.awaitHealthy();
      for (const state of await partitionStates(address(set, coordinator), 'all'))
        expect(state.inSyncReplicas, `${state.topic}-${state.partition}`).toEqual(
          expect.arrayContaining([...state.replicas]),
        );
    } finally {
      await consumer.disconnect();
    }
  });

  test('two of them gone, no majority of controllers decides anything until one is back', async () => {
    await createTopic(set, 'ruled');
    const gone = (await partitionStates(address(set, 1), ['ruled']))[0]?.leader as number;
    const [left, back] = set.brokerIds.filter((id) => id !== gone) as [number, number];
    const seen = async () => await partitionStates(address(set, left), 'all');
    const before = await seen();
    await Promise.all([back, gone].map((id) => set.crashBroker(id)));
    // Where one of three is gone, as above, its leaderships have moved after a session, and the vote for a controller.
    const watchedUntilMs = performance.now() + 2 * BROKER_SESSION_TIMEOUT_MS + 3_000;
    while (performance.now() < watchedUntilMs) {
      expect(await seen()).toEqual(before);
      expect(await knownBrokers(address(set, left))).toEqual(set.brokerIds);
      await new Promise((next) => setTimeout(next, 500));
    }
    await set.startBroker(back);
    await expect.poll(() => knownBrokers(address(set, left)), soon).toEqual([left, back]);
    expect((await seen()).map(({ leader }) => leader)).not.toContain(gone);
    await set.startBroker(gone);
    await set.awaitHealthy();
  });

  test('all of them can crash and be started together', async () => {
    await createTopic(set, 'kept');
    await produce(set, 'kept', 'one');
    await Promise.all(set.brokerIds.map((id) => set.crashBroker(id)));
    await Promise.all(set.brokerIds.map((id) => set.startBroker(id)));
    await set.awaitHealthy();
    const { consumer, seen } = await consume(set, 'kept', 'kept');
    await expect.poll(() => [...new Set(seen)], soon).toEqual(['one']);
    await consumer.disconnect();
  });

  test('stopping removes them and their network', async () => {
    expect(await whatIsThere(sessionId)).toHaveLength(4);
    await set.stop();
    expect(await whatIsThere(sessionId)).toEqual([]);
  });
});

describe('a start that cannot succeed says why and leaves nothing', () => {
  async function failedStart(options: Partial<ClusterSetOptions>): Promise<unknown> {
    const sessionId = randomUUID();
    const failure = await startClusterSet({ brokerCount: 1, sessionId, ...options }).then(
      async (set) => {
        await set.stop();
        return 'started';
      },
      (error: unknown) => error,
    );
    expect(await whatIsThere(sessionId)).toEqual([]);
    return failure;
  }

  test('a port that is taken', async () => {
    const hostPorts = await reserveHostPorts(3);
    const taken = hostPorts[1] as number;
    const server = createServer().listen(taken, '127.0.0.1');
    await once(server, 'listening');
    try {
      const failure = await failedStart({ brokerCount: 3, hostPorts });
      expect(failure).toBeInstanceOf(WorldUnavailableError);
      expect(failure).toMatchObject({
        message: `Port ${taken} of this machine is taken, so broker 2 cannot start.`,
        hint: expect.stringContaining('ss -ltnp'),
      });
    } finally {
      server.close();
    }
  });

  test('an image that is not to be had', async () => {
    const image = 'registry.invalid/kafka:1.0.0';
    const failure = await failedStart({ image });
    expect(failure).toBeInstanceOf(WorldUnavailableError);
    expect(failure).toMatchObject({
      message: expect.stringContaining(`The image ${image} is not on this machine and could not be pulled`),
      hint: expect.stringContaining('npm run kafka:image'),
    });
  });

  test('a setting that Kafka refuses', async () => {
    const failure = await failedStart({ extraSettings: { 'log.retention.ms': 'a while' } });
    expect(failure).toBeInstanceOf(WorldUnavailableError);
    expect(failure).toMatchObject({
      message: 'Broker 1 ended while it started, with exit code 1.',
      hint: expect.stringContaining('log.retention.ms'),
    });
  });

  // The first falls into the making of containers, the second into the wait for brokers that run already.
  test.each([0, 3])('an abort with %i brokers running', async (running) => {
    const sessionId = randomUUID();
    const abort = new AbortController();
    const reason = new Error('enough');
    const start = startClusterSet({ brokerCount: 3, sessionId, signal: abort.signal });
    const filters = ['--filter', 'status=running', '--filter', `label=kafka-trial.session=${sessionId}`];
    await pollUntil(
      async () => (await run('docker', ['ps', '--quiet', ...filters])).stdout.split('\n').length > running,
      { what: 'The start of the containers', timeoutMs: 60_000 },
    );
    const abortedMs = performance.now();
    abort.abort(reason);
    await expect(start).rejects.toBe(reason);
    expect(performance.now() - abortedMs).toBeLessThan(20_000);
    expect(await whatIsThere(sessionId)).toEqual([]);
  });
});

test('what a harness leaves that was killed is found and removed, and not before', async () => {
  const sessionId = randomUUID();
  const folder = fileURLToPath(new URL('../../../node_modules/.cache/kafka-trial', import.meta.url));
  await mkdir(folder, { recursive: true });
  const program = join(folder, `${sessionId}.mjs`);
  await build({
    stdin: {
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      contents: `
        import { startClusterSet } from './cluster-set.ts';
        await startClusterSet({ brokerCount: 3, sessionId: '${sessionId}' });
        process.stdout.write('ready');
        setInterval(() => {}, 1_000);`,
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outfile: program,
  });
  const harness = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(harness.stdout, 'data');
    const ofSession = async () => {
      const found = await findLeftovers();
      const own = <Thing extends { sessionId: string }>(things: readonly Thing[]) =>
        things.filter((thing) => thing.sessionId === sessionId);
      return { ...found, containers: own(found.containers), networks: own(found.networks), processes: [] };
    };
    expect(await whatIsThere(sessionId)).toHaveLength(4);
    expect((await ofSession()).containers, 'while the harness lives').toEqual([]);

    harness.kill('SIGKILL');
    await once(harness, 'exit');
    const found = await ofSession();
    expect(found.containers).toHaveLength(3);
    expect(found.networks).toHaveLength(1);
    await removeLeftovers(found);
    expect(await whatIsThere(sessionId)).toEqual([]);
  } finally {
    harness.kill('SIGKILL');
    await rm(program);
  }
});

function address(set: ClusterSet, id: number): { host: string; port: number } {
  const [host = '', port = ''] = (set.bootstrapServers[set.brokerIds.indexOf(id)] ?? '').split(':');
  return { host, port: Number(port) };
}

async function describeMembers(set: ClusterSet, groupId: string): Promise<unknown[]> {
  const admin = clientOf(set).admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([groupId]);
    return groups[0]?.state === 'Stable' ? groups[0].members : [];
  } finally {
    await admin.disconnect();
  }
}
