/** The cluster as a library: clients of other people against it, by every way to log in, and its beginning and end. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CompressionTypes, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { type ProfileName, profileNames } from '../cluster/profiles.ts';
import { apiVersionsApi } from '../cluster/protocol/18-api-versions.ts';
import { type RunningCluster, startCluster } from './index.ts';
import { RawClient } from './testing/raw-client.ts';

const clientOf = (cluster: RunningCluster, more: Partial<KafkaConfig> = {}): Kafka =>
  new Kafka({
    clientId: 'tester',
    brokers: [...cluster.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 20 },
    ...more,
  });

async function brokersSeen(kafka: Kafka): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length;
  } finally {
    await admin.disconnect();
  }
}

describe('a running cluster', () => {
  test('serves a producer and a group of consumers', async () => {
    await using cluster = await startCluster({ brokers: 3, topics: [{ name: 'orders', partitions: 2 }] });
    const kafka = clientOf(cluster);
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: 'orders',
      compression: CompressionTypes.GZIP,
      messages: [
        { partition: 0, key: 'a', value: 'one', headers: { h: 'x' } },
        { partition: 1, key: 'b', value: 'two' },
      ],
    });
    await producer.disconnect();
    expect(cluster.inspect.records('orders', 0)).toMatchObject([{ offset: 0n, value: Buffer.from('one') }]);

    const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 50 });
    const seen: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(String(message.value));
        await Promise.resolve();
      },
    });
    await expect.poll(() => [...seen].sort()).toEqual(['one', 'two']);
    expect(cluster.inspect.group('billing')).toMatchObject({
      state: 'Stable',
      members: [{ clientId: 'tester' }],
    });
    expect(cluster.inspect.connections().some(({ clientId }) => clientId === 'tester')).toBe(true);
    await consumer.disconnect();
    expect(cluster.inspect.groups()).toMatchObject([{ group: 'billing', state: 'Empty' }]);
  });

  test('creates a topic that is asked for, unless it is told not to', async () => {
    await using cluster = await startCluster();
    const producer = clientOf(cluster, { retry: { retries: 8, initialRetryTime: 20 } }).producer();
    await producer.connect();
    await producer.send({ topic: 'new', messages: [{ value: 'one' }] });
    await producer.disconnect();
    expect(cluster.inspect.records('new', 0)?.length).toBe(1);

    await using strict = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const refused = clientOf(strict, { retry: { retries: 1, initialRetryTime: 1 } }).producer();
    await refused.connect();
    await expect(refused.send({ topic: 'new', messages: [{ value: 'one' }] })).rejects.toThrow(
      /does not host this topic-partition/,
    );
    await refused.disconnect();
    expect(strict.inspect.topic('new')).toBeNull();
  });

  const produceMax: Record<ProfileName, number> = { '3.9': 11, '4.0': 12, '4.1': 13, '4.2': 13, '4.3': 13 };
  test.each(profileNames)('announces what Kafka %s understands', async (profile) => {
    await using cluster = await startCluster({ profile });
    using client = await RawClient.connect(cluster.bootstrapServers[0] as string);
    const answer = await client.ask(apiVersionsApi, 3, {
      clientSoftwareName: 'raw',
      clientSoftwareVersion: '1',
    });
    const versions = new Map(answer?.apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]));
    expect(versions.get(0)).toBe(produceMax[profile]);
    expect(versions.get(8)).toBe(profile === '4.2' || profile === '4.3' ? 10 : 9);
    expect(await brokersSeen(clientOf(cluster))).toBe(1);
  });

  test('frees its ports when it is closed, even with clients connected', async () => {
    const cluster = await startCluster({ brokers: 2 });
    using client = await RawClient.connect(cluster.bootstrapServers[1] as string);
    await Promise.all([cluster.close(), cluster.close()]);
    expect(await client.closed).toMatch(/ended|ECONNRESET/);
    const ports = cluster.bootstrapServers.map((address) => Number(address.split(':')[1]));
    for (const port of ports)
      await new Promise<void>((resolve, reject) => {
        const server = createServer().once('error', reject);
        server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
      });
  });

  test.each([
    [{ brokers: 6 }, /brokers: /],
    [{ profile: '2.8' }, /profile: /],
    [{ nonsense: 1 }, /nonsense: expected no such key/],
    [{ settings: { 'no.such.setting': 1 } }, /settings\.?.*no\.such\.setting.*simulated cluster obeys/],
    [{ settings: { 'group.max.size': 'many' } }, /expected a whole number/],
    [{ topics: [{ name: 'a b' }] }, /topics/],
    [{ topics: [{ name: 'a', replicationFactor: 2 }] }, /at most the number of brokers \(1\)/],
    [
      { topics: [{ name: 'a', configs: { 'no.such': '1' } }] },
      /Topic 'a' cannot be created: Unknown topic config/,
    ],
    [{ host: '192.0.2.1' }, /cannot listen on 192\.0\.2\.1/],
  ])('refuses %j', async (options, sentence) => {
    await expect(startCluster(options as never)).rejects.toThrow(sentence);
  });

  test('says that a port is taken', async () => {
    await using first = await startCluster();
    const port = Number(first.bootstrapServers[0]?.split(':')[1]);
    await expect(startCluster({ port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('logging in', () => {
  const users = { ada: 'a password, with "signs" =', 'b,o=b': 'other' };
  test.each([
    ['PLAIN', 'plain'],
    ['SCRAM-SHA-256', 'scram-sha-256'],
    ['SCRAM-SHA-512', 'scram-sha-512'],
  ] as const)('by %s', async (mechanism, name) => {
    await using cluster = await startCluster({ sasl: { mechanisms: [mechanism], users } });
    const login = (username: string, password: string) =>
      brokersSeen(
        clientOf(cluster, {
          retry: { retries: 0 },
          sasl: { mechanism: name as 'plain', username, password },
        }),
      );
    expect(await login('ada', users.ada)).toBe(1);
    expect(await login('b,o=b', 'other')).toBe(1);
    await expect(login('ada', 'guess')).rejects.toThrow(/Authentication failed|SASL/);
    await expect(login('nobody', users.ada)).rejects.toThrow(/Authentication failed|SASL/);
    await expect(brokersSeen(clientOf(cluster, { retry: { retries: 0 } }))).rejects.toThrow(
      /[Cc]losed connection|ECONNRESET/,
    );
  });

  test('shows who has logged in', async () => {
    await using cluster = await startCluster({ sasl: { mechanisms: ['SCRAM-SHA-512'], users } });
    const admin = clientOf(cluster, {
      sasl: { mechanism: 'scram-sha-512', username: 'ada', password: users.ada },
    }).admin();
    await admin.connect();
    await admin.listTopics();
    expect(cluster.inspect.connections()).toMatchObject([{ principal: 'ada', clientId: 'tester' }]);
    await admin.disconnect();
  });

  test('over TLS, by the certificate given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kafka-trial-tls-'));
    try {
      const [certificateFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
      const files = ['-keyout', keyFile, '-out', certificateFile];
      await promisify(execFile)('openssl', [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'],
        ...subject,
        ...files,
      ]);
      const certificate = await readFile(certificateFile, 'utf8');
      const key = await readFile(keyFile, 'utf8');
      await using cluster = await startCluster({ tls: { certificate, key } });
      expect(await brokersSeen(clientOf(cluster, { ssl: { ca: [certificate] } }))).toBe(1);
      await expect(brokersSeen(clientOf(cluster, { ssl: true, retry: { retries: 0 } }))).rejects.toThrow(
        /self-signed|self signed/,
      );
      await using picky = await startCluster({
        tls: { certificate, key, clientCertificateAuthority: certificate },
      });
      const withCertificate = { ca: [certificate], cert: certificate, key };
      expect(await brokersSeen(clientOf(picky, { ssl: withCertificate }))).toBe(1);
      await expect(
        brokersSeen(clientOf(picky, { ssl: { ca: [certificate] }, retry: { retries: 0 } })),
      ).rejects.toThrow(/[Cc]losed connection|ECONNRESET|certificate required|socket hang up/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  // RFC 7677, section 3: the example exchange, which says that the formulas are right and not only symmetrical.
  test('computes what the RFC computes', async () => {
    const { ScramExchange, scramCredential } = await import('../cluster/scram.ts');
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    const credential = scramCredential('SCRAM-SHA-256', 'pencil', salt);
    const exchange = new ScramExchange('SCRAM-SHA-256', () => credential, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    expect(exchange.begin('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')).toBe(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    expect(
      exchange.finish(
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      ),
    ).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });
});
