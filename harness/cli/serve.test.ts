/** `kafka-trial serve` as a person runs it: what it prints, how it ends, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { metadataApi } from '../cluster/protocol/03-metadata.ts';
import { startCluster } from '../serve/index.ts';
import { RawClient } from '../serve/testing/raw-client.ts';
import { type RunningCommand, runCommand, startCommand } from '../testing/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts it and waits until it listens. */
async function serve(...more: string[]): Promise<RunningCommand> {
  const command = startCommand(['serve', '--port', '0', ...more]);
  await command.said(/listens/);
  return command;
}

describe('kafka-trial serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and prints one line', async (signal) => {
    const command = await serve('--brokers', '2', '--topic', 'orders:3:2', '--topic', 'other:1');
    const [, control] = await command.said(/Control channel: (\S+)/);
    expect(await (await fetch(`${control}/brokers`)).json()).toMatchObject([
      { phase: 'running' },
      { phase: 'running' },
    ]);
    command.child.kill(signal);
    const ending = await command.ended;
    expect(ending.code).toBe(0);
    expect(ending.stdout).toMatch(/^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\n$/);
  });

  test('answers a client, with open connections when it ends', async () => {
    const command = await serve('--topic', 'orders:3', '--no-control', '--json');
    const document = JSON.parse((await command.printed(/^.*\n$/))[0]) as {
      bootstrapServers: string[];
      control: null;
    };
    expect(document).toMatchObject({
      schema: 1,
      command: 'serve',
      control: null,
      topics: [{ name: 'orders', partitions: 3 }],
    });
    using client = await RawClient.connect(document.bootstrapServers[0] as string);
    const answer = await client.ask(metadataApi, 12, { topics: [{ name: 'orders' }] });
    expect(answer?.topics[0]?.partitions).toHaveLength(3);
    command.child.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
    expect(await client.closed).toMatch(/ended|ECONNRESET/);
  });

  test('reads a configuration file, and hides its secrets', async () => {
    const file = join(folder, 'cluster.json');
    const sasl = { mechanisms: ['SCRAM-SHA-256'], users: { ada: 'secret-of-ada' } };
    writeFileSync(file, JSON.stringify({ brokers: 2, profile: '3.9', sasl, topics: [{ name: 'a' }] }));
    const command = await serve('--config', file, '--brokers', '1', '--topic', 'b:2', '--json');
    const document = JSON.parse((await command.printed(/^.*\n$/))[0]) as { bootstrapServers: string[] };
    expect(document).toMatchObject({ profile: '3.9', topics: [{ name: 'a' }, { name: 'b' }] });
    expect(document.bootstrapServers).toHaveLength(1);
    const admin = new Kafka({
      brokers: document.bootstrapServers,
      logLevel: logLevel.NOTHING,
      sasl: { mechanism: 'scram-sha-256', username: 'ada', password: 'secret-of-ada' },
    }).admin();
    await admin.connect();
    expect((await admin.listTopics()).sort()).toEqual(['__consumer_offsets', 'a', 'b']);
    await admin.disconnect();
    command.child.kill('SIGTERM');
    const { stdout, stderr } = await command.ended;
    expect(stdout + stderr).not.toContain('secret-of-ada');

    writeFileSync(file, '{"sasl": {"users": {"ada": "secret-of-ada"}');
    const broken = await runCommand(['serve', '--config', file]);
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).toMatch(/is not JSON/);
    expect(broken.stderr).not.toContain('secret-of-ada');
  });

  test('warns where everyone can use it', async () => {
    const command = await serve('--host', '0.0.0.0', '--advertised-host', 'localhost');
    command.child.kill('SIGTERM');
    const { stdout, stderr } = await command.ended;
    expect(stdout).toMatch(/^localhost:\d+\n$/);
    expect(stderr).toMatch(/Warning: everyone .* no authentication \(SASL\) and no encryption \(TLS\)/);
  });

  test.each([
    [['--brokers', '6'], /whole number from 1 to 5/],
    [['--profile', '2.8'], /Allowed choices are 3\.9, 4\.0, 4\.1, 4\.2, 4\.3/],
    [['--topic', 'orders'], /Expected name:partitions/],
    [['--topic', 'orders:0'], /Expected name:partitions/],
    [['--topic', 'orders:1:2'], /replicationFactor: expected at most the number of brokers/],
    [['--port', '70000'], /whole number/],
    [['--config', join(tmpdir(), 'no-such-file.json')], /Cannot read the configuration file .* ENOENT/],
    [['--nonsense'], /unknown option/],
  ])('refuses %j with exit code 2', async (commandArguments, sentence) => {
    const { code, stdout, stderr } = await runCommand(['serve', ...commandArguments]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  test('refuses a port that is taken', async () => {
    await using taken = await startCluster();
    const port = taken.bootstrapServers[0]?.split(':')[1] as string;
    const { code, stderr } = await runCommand(['serve', '--port', port]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1: .*EADDRINUSE/);
  });
});
