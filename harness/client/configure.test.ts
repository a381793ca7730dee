/** Configurations on scenarios: each word arrives at the client, on the wire, or is refused by name. */
import { describe, expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { type Configuration, wordsOf } from '../../scenarios/configuration.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { firstRequestsOf } from '../testing/first-requests.ts';
import { clients, refusals } from './clients.ts';
import { configureScenario } from './configure.ts';

const scenario = parseScenario(
  {
    version: 1,
    name: 'one member',
    seed: 5,
    topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
    producers: [
      {
        id: 'producer-1',
        topics: ['orders'],
        acks: 1,
        idempotent: false,
        keys: null,
        records: 4,
        recordsPerSend: 1,
        valueBytes: 10,
        startMs: 500,
        stopMs: 900,
      },
    ],
    groups: [
      {
        id: 'billing',
        topics: ['orders'],
        sessionTimeoutMs: 3_000,
        rebalanceTimeoutMs: 6_000,
        heartbeatIntervalMs: 500,
        autoOffsetReset: 'earliest',
        consumeMode: 'each-message',
        commitMode: { kind: 'per-record' },
        commitOrder: 'commit-then-process',
        handler: { timeMs: { min: 1, max: 5 }, failuresPerThousand: 0, failuresPerRecord: 1 },
        members: [{ id: 'm1' }],
      },
    ],
    actions: [{ kind: 'join', atMs: 0, member: 'm1' }],
    settling: { boundMs: 10_000 },
  },
  'test',
);

const requestsOf = async (configured: Scenario, client: string): Promise<Map<string, unknown>> =>
  await firstRequestsOf(configured, { client, mutant: null });

describe('a configuration arrives at the client', () => {
  const common: Configuration = {
    consumer: {
      'session.timeout.ms': 12_345,
      'fetch.min.bytes': 17,
      'fetch.max.wait.ms': 321,
      'fetch.max.bytes': 54_321,
      'max.partition.fetch.bytes': 9_876,
      'isolation.level': 'read_committed',
    },
    producer: { acks: 'all' },
  };
  const fetch = {
    maxWaitMs: 321,
    minBytes: 17,
    maxBytes: 54_321,
    isolationLevel: 1,
    topics: [{ partitions: [{ partitionMaxBytes: 9_876 }, { partitionMaxBytes: 9_876 }] }],
  };

  it('kafkajs, with its own options beside', async () => {
    const configured = configureScenario(
      scenario,
      {
        ...common,
        consumer: { ...common.consumer, 'rebalance.timeout.ms': 23_456 },
        native: { kafkajs: { consumer: { rackId: 'b' }, send: { timeout: 4_321 } } },
      },
      'kafkajs',
    );
    const requests = await requestsOf(configured, 'kafkajs');
    expect(requests.get('JoinGroup')).toMatchObject({ sessionTimeoutMs: 12_345, rebalanceTimeoutMs: 23_456 });
    expect(requests.get('Fetch')).toMatchObject({ ...fetch, rackId: 'b' });
    expect(requests.get('Produce')).toMatchObject({ acks: -1, timeoutMs: 4_321 });
  });

  it('the reference client', async () => {
    const configured = configureScenario(
      scenario,
      {
        consumer: {
          ...common.consumer,
          'max.poll.interval.ms': 34_567,
          'group.instance.id': '{member}',
          'client.rack': 'b',
        },
        producer: { ...common.producer, 'request.timeout.ms': 4_321 },
      },
      'reference',
    );
    const requests = await requestsOf(configured, 'reference');
    expect(requests.get('JoinGroup')).toMatchObject({
      sessionTimeoutMs: 12_345,
      rebalanceTimeoutMs: 34_567,
      groupInstanceId: 'm1',
    });
    expect(requests.get('Fetch')).toMatchObject({ ...fetch, rackId: 'b' });
    expect(requests.get('Produce')).toMatchObject({ acks: -1, timeoutMs: 4_321 });
  });
});

describe('a configuration is refused by name', () => {
  const refusalOf = (configuration: Configuration, client: string): string => {
    try {
      configureScenario(scenario, configuration, client);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was taken');
  };

  it('where the client cannot do it, with what it can do instead', () => {
    const message = refusalOf(
      {
        consumer: {
          'max.poll.interval.ms': 10_000,
          'max.poll.records': 5,
          'auto.offset.reset': 'none',
          'group.instance.id': '{member}',
          'partition.assignment.strategy': ['range'],
        },
        producer: { 'linger.ms': 5 },
      },
      'kafkajs',
    );
    expect(message.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^ {2}consumer: max\.poll\.interval\.ms: .*heartbeat\(\)/),
      expect.stringMatching(/^ {2}consumer: max\.poll\.records: .*max\.partition\.fetch\.bytes/),
      expect.stringMatching(/^ {2}consumer: auto\.offset\.reset: .*'earliest'/),
      expect.stringMatching(/^ {2}consumer: group\.instance\.id: /),
      expect.stringMatching(/^ {2}consumer: partition\.assignment\.strategy: .*roundrobin/),
      expect.stringMatching(/^ {2}producer: linger\.ms: /),
    ]);
    expect(refusalOf({ consumer: { 'rebalance.timeout.ms': 6_000 } }, 'reference')).toMatch(
      /rebalance\.timeout\.ms: .*max\.poll\.interval\.ms/,
    );
  });

  it('where an own option is unknown, or has a word', () => {
    const consumer = { sessionTimeout: 6_000, sesionTimeout: 1 };
    const message = refusalOf({ native: { kafkajs: { consumer, consume: {} } } }, 'kafkajs');
    expect(message).toMatch(/native\.kafkajs\.consumer\.sessionTimeout: use the word session\.timeout\.ms/);
    expect(message).toMatch(/native\.kafkajs\.consumer\.sesionTimeout: kafkajs has no such option/);
    expect(message).toMatch(/native\.kafkajs\.consume: kafkajs has kafka, consumer, run, producer, send/);
  });

  it('as a scenario with options of another client is', () => {
    const configured = configureScenario(scenario, { consumer: { 'client.rack': 'b' } }, 'kafkajs');
    expect(refusals('kafkajs', configured)).toEqual([]);
    expect(refusals('reference', configured)).toEqual([
      "groups[0].native: these are options of kafkajs; give none of reference's.",
    ]);
  });
});

describe('what a configuration makes of a scenario', () => {
  it('is one that the parser takes, whatever was generated, and actions and work stay', () => {
    for (let index = 0; index < 60; index++) {
      const generated = generateScenario(3, index);
      const configured = configureScenario(
        generated,
        { consumer: { 'session.timeout.ms': 45_000 }, application: { commitMode: 'per-batch' } },
        'kafkajs',
      );
      expect(configured.actions).toEqual(generated.actions);
      expect(configured.producers).toEqual(generated.producers);
      for (const group of configured.groups) {
        expect(group.sessionTimeoutMs).toBe(45_000);
        expect(group.heartbeatIntervalMs).toBeLessThanOrEqual(15_000);
        expect(group.commitMode).toEqual({ kind: 'per-batch' });
        expect(group.consumeMode).not.toBe('each-message');
      }
      expect(configured.settling.boundMs).toBeGreaterThan(45_000);
    }
  });

  it('has Java’s default interval of automatic commits, which go before no processing', () => {
    const configured = configureScenario(scenario, { consumer: { 'enable.auto.commit': true } }, 'reference');
    expect(configured.groups[0]?.commitMode).toEqual({
      kind: 'auto',
      intervalMs: 5_000,
      thresholdRecords: null,
    });
    expect(configured.groups[0]?.commitOrder).toBe('process-then-commit');
  });

  it('is not idempotent without acks all', () => {
    const of = (producer: NonNullable<Configuration['producer']>) =>
      configureScenario(scenario, { producer }, 'reference').producers[0];
    expect(of({ 'enable.idempotence': true })).toMatchObject({ acks: 'all', idempotent: true });
    expect(of({ acks: 0 })).toMatchObject({ acks: 0, idempotent: false });
  });

  it('is known to every client, word by word', () => {
    // The type has it so; this holds it where a client comes in from outside.
    for (const { vocabulary } of Object.values(clients))
      for (const section of ['consumer', 'producer', 'application'] as const)
        expect(Object.keys(vocabulary[section]).sort()).toEqual([...wordsOf(section)].sort());
  });
});
