/** The observer over TLS and SASL, with certificates made here: what is right works, and what is wrong says so at once. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { alterUserScramCredentialsV0, saslScramSha } from '@platformatic/kafka';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../client/protocol.ts';
import { harnessLabels } from '../harness-identity.ts';
import { releaseHostPorts, reserveHostPorts } from '../host-ports.ts';
import { defaultKafkaImage } from '../image-name.ts';
import { type ClusterAdmin, openAdmin } from './admin.ts';
import { ClusterLink } from './cluster-link.ts';
import { startCoordinatorView } from './coordinator-view.ts';
import { BrokerRefusedError, DeadlineExceededError } from './kafka-error.ts';

const run = promisify(execFile);
const USER = 'tester';
const PASSWORD = 'a password, with "signs"';

let folder: string;
let ports: readonly number[];
let container: StartedTestContainer;
let authority: string;
let strangersAuthority: string;
let clientCertificate: string;
let clientKey: string;
const opened: ClusterAdmin[] = [];

/** An authority, and a certificate that it signed. */
async function makeCertificate(name: string, signer: string, subjectAlternativeName: string): Promise<void> {
  const inFolder = (file: string): string => join(folder, file);
  const openssl = async (...args: string[]): Promise<unknown> => await run('openssl', args);
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    inFolder(`${name}.key`),
    '-out',
    inFolder(`${name}.csr`),
  );
  await writeFile(inFolder(`${name}.ext`), `subjectAltName=${subjectAlternativeName}\n`);
  await openssl(
    'x509',
    '-req',
    '-in',
    inFolder(`${name}.csr`),
    '-CA',
    inFolder(`${signer}.crt`),
    '-CAkey',
    inFolder(`${signer}.key`),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    inFolder(`${name}.ext`),
    '-out',
    inFolder(`${name}.crt`),
  );
}

async function makeAuthority(name: string): Promise<string> {
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    join(folder, `${name}.key`),
    '-out',
    join(folder, `${name}.crt`),
  ]);
  return await readFile(join(folder, `${name}.crt`), 'utf8');
}

/** A value for a properties file that travels on one line of the environment. */
const oneLine = (pem: string): string => pem.trim().replaceAll('\n', '\\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observer-security-'));
  authority = await makeAuthority('authority');
  strangersAuthority = await makeAuthority('stranger');
  await makeCertificate('broker', 'authority', 'DNS:localhost,DNS:kafka.example');
  await makeCertificate('client', 'authority', 'DNS:client');
  clientCertificate = await readFile(join(folder, 'client.crt'), 'utf8');
  clientKey = await readFile(join(folder, 'client.key'), 'utf8');
  const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="x" user_${USER}="${PASSWORD.replaceAll('"', '\\\\"')}";`;
  ports = await reserveHostPorts(3);
  const [sasl, tls, saslTls] = ports;
  const keys = {
    SSL_KEYSTORE_TYPE: 'PEM',
    SSL_KEYSTORE_CERTIFICATE_CHAIN: oneLine(await readFile(join(folder, 'broker.crt'), 'utf8')),
    SSL_KEYSTORE_KEY: oneLine(await readFile(join(folder, 'broker.key'), 'utf8')),
    SSL_TRUSTSTORE_TYPE: 'PEM',
    SSL_TRUSTSTORE_CERTIFICATES: oneLine(authority),
  };
  container = await new GenericContainer(defaultKafkaImage())
    .withLabels(harnessLabels(`test-${randomBytes(4).toString('hex')}`))
    .withAutoCleanup(false)
    .withEnvironment({
      ...Object.fromEntries(Object.entries(keys).map(([name, value]) => [`KAFKA_${name}`, value])),
      KAFKA_LISTENER_NAME_TLS_SSL_CLIENT_AUTH: 'required',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_NODE_ID: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENERS: 'SASL://:9094,TLS://:9095,BOTH://:9096,INTERNAL://:19092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `SASL://localhost:${sasl},TLS://localhost:${tls},BOTH://localhost:${saslTls},INTERNAL://localhost:19092`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP:
        'SASL:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_SASL_ENABLED_MECHANISMS: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      KAFKA_LISTENER_NAME_SASL_PLAIN_SASL_JAAS_CONFIG: jaas,
      KAFKA_LISTENER_NAME_BOTH_PLAIN_SASL_JAAS_CONFIG: jaas,
      KAFKA_LISTENER_NAME_SASL_SCRAM___SHA___256_SASL_JAAS_CONFIG:
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      KAFKA_LISTENER_NAME_SASL_SCRAM___SHA___512_SASL_JAAS_CONFIG:
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      KAFKA_LISTENER_NAME_BOTH_SCRAM___SHA___256_SASL_JAAS_CONFIG:
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      KAFKA_LISTENER_NAME_BOTH_SCRAM___SHA___512_SASL_JAAS_CONFIG:
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      KAFKA_LOG_DIRS: '/tmp/kraft-combined-logs',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_HEAP_OPTS: '-Xmx512m',
    })
    .withExposedPorts(
      { container: 9094, host: sasl as number },
      { container: 9095, host: tls as number },
      { container: 9096, host: saslTls as number },
    )
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(90_000)
    .start();
});

afterAll(async () => {
  for (const admin of opened) await admin.close();
  await container?.stop();
  releaseHostPorts(ports ?? []);
  await rm(folder, { recursive: true, force: true });
});

type Mechanism = NonNullable<Connection['sasl']>['mechanism'];
const withSasl = (mechanism: Mechanism, password = PASSWORD): Connection => ({
  bootstrapServers: [`localhost:${ports[0]}`],
  tls: null,
  sasl: { mechanism, username: USER, password },
});
const mutualTls = (): Connection => ({
  bootstrapServers: [`localhost:${ports[1]}`],
  tls: { certificateAuthority: authority, certificate: clientCertificate, key: clientKey },
  sasl: null,
});
const both = (mechanism: Mechanism): Connection => ({
  bootstrapServers: [`localhost:${ports[2]}`],
  tls: { certificateAuthority: authority },
  sasl: { mechanism, username: USER, password: PASSWORD },
});

const open = (connection: Connection): ClusterAdmin => {
  const admin = openAdmin(connection);
  opened.push(admin);
  return admin;
};

/** One of everything: an admin request, a record in and out, and the coordinator's log. */
async function recordsThrough(connection: Connection, topic: string): Promise<number> {
  const admin = open(connection);
  await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
  await admin.produce(topic, 0, 'a|');
  const records = await admin.readPartition(topic, 0, 0n, 1n);
  const view = await startCoordinatorView(connection);
  await view.catchUp(10_000);
  await view.stop();
  await admin.deleteTopics([topic]);
  return records.length;
}

describe('the observer on a guarded cluster', () => {
  it('works with SASL/PLAIN', async () => {
    expect(await recordsThrough(withSasl('PLAIN'), 'plain')).toBe(1);
  });

  it('works with TLS and a certificate of its own', async () => {
    expect(await recordsThrough(mutualTls(), 'mutual')).toBe(1);
  });

  it('works with SCRAM, with and without TLS', async () => {
    await addScramUser(withSasl('PLAIN'));
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      expect(await recordsThrough(withSasl(mechanism), `sasl-${mechanism.toLowerCase()}`)).toBe(1);
      expect(await recordsThrough(both(mechanism), `both-${mechanism.toLowerCase()}`)).toBe(1);
    }
  });

  it('finds a broker under another name than its certificate has, where that name is given', async () => {
    const connection = both('PLAIN');
    const elsewhere = { ...connection, bootstrapServers: [`127.0.0.1:${ports[2]}`] };
    const tls = { certificateAuthority: authority, serverName: 'kafka.example' };
    expect(await open({ ...elsewhere, tls }).kafkaVersion()).toMatch(/^4\./);
    const refused = open(elsewhere).brokers(20_000);
    await expect(refused).rejects.toThrow(BrokerRefusedError);
    await expect(refused).rejects.toThrow(/Hostname\/IP does not match/);
  });

  it('says at once that credentials or certificates are wrong, and keeps the password to itself', async () => {
    const connection = both('PLAIN');
    const cases: [Connection, RegExp][] = [
      [withSasl('PLAIN', 'not-the-password'), /refused the connection: SASL authentication failed/],
      [withSasl('SCRAM-SHA-512', 'not-the-password'), /refused the connection/],
      [
        { ...connection, tls: { certificateAuthority: strangersAuthority } },
        /refused the connection: unable to verify/,
      ],
      [{ ...connection, tls: {} }, /refused the connection: .*certificate/],
      [
        { ...connection, tls: { certificateAuthority: 'no PEM' } },
        /refused the connection|could not be reached/,
      ],
      [
        { ...mutualTls(), tls: { certificateAuthority: authority } },
        /refused the connection: .*certificate required/,
      ],
    ];
    for (const [wrong, sentence] of cases) {
      const startMs = performance.now();
      const failure: unknown = await open(wrong)
        .brokers(15_000)
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(Error);
      expect((failure as Error).message).toMatch(sentence);
      expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain('not-the-password');
      expect(performance.now() - startMs).toBeLessThan(10_000);
    }
  });

  it('gives up by the deadline where TLS and plain text meet', async () => {
    const plain = open({ ...mutualTls(), tls: null });
    await expect(plain.brokers(2_000)).rejects.toThrow(DeadlineExceededError);
  });
});

/** Salted passwords cannot be set while the broker is formatted by the image, so a user of another mechanism sets them. */
async function addScramUser(connection: Connection): Promise<void> {
  const link = new ClusterLink(connection, 'test');
  for (const [mechanism, hash] of [
    [1, 'SHA-256'],
    [2, 'SHA-512'],
  ] as const) {
    const salt = randomBytes(16);
    const iterations = 4_096;
    const saltedPassword = await saslScramSha.hi(
      saslScramSha.ScramAlgorithms[hash],
      PASSWORD,
      salt,
      iterations,
    );
    const answer = await link.requestAny(alterUserScramCredentialsV0.api, [
      [],
      [{ name: USER, mechanism, iterations, salt, saltedPassword }],
    ]);
    expect(answer.results.map((result) => result.errorCode)).toEqual([0]);
  }
  link.close();
}
