/** The reference client against real Kafka: what the simulated cluster's tests show has to hold there too. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterSet, startClusterSet } from '../../world/kafka/cluster-set.ts';
import { openAdmin } from '../../world/kafka/observer/admin.ts';
import { Consumer, type ConsumerOptions, Producer, type ProducerOptions } from './index.ts';

const transport = { tls: null, sasl: null };
let cluster: ClusterSet;
let admin: ReturnType<typeof openAdmin>;
const open: (Consumer | Producer)[] = [];

beforeAll(async () => {
  cluster = await startClusterSet({
    brokerCount: 1,
    groupInitialRebalanceDelayMs: 0,
    sessionId: `reference-test-${process.pid}`,
  });
  admin = openAdmin({ bootstrapServers: [...cluster.bootstrapServers], tls: null, sasl: null });
});
afterAll(async () => {
  for (const one of open) await one.close(1_000);
  await admin?.close();
  await cluster?.stop();
});

const common = () => ({ 'bootstrap.servers': [...cluster.bootstrapServers], 'client.id': 'reference' });

function consumer(options: Partial<ConsumerOptions>): Consumer {
  const made = new Consumer({ ...common(), 'auto.offset.reset': 'earliest', ...options }, transport);
  open.push(made);
  return made;
}

function producer(options: Partial<ProducerOptions> = {}): Producer {
  const made = new Producer({ ...common(), ...options }, transport);
  open.push(made);
  return made;
}

async function pollUntil(one: Consumer, count: number): Promise<string[]> {
  const values: string[] = [];
  for (let polls = 0; values.length < count && polls < 100; polls++)
    values.push(...(await one.poll(200)).map(({ value }) => String(value)));
  return values;
}

describe('the reference client against Apache Kafka', () => {
  it('answers where records are for every acks', async () => {
    await admin.createTopics([{ name: 'acks', partitions: 1, replicationFactor: 1 }]);
    for (const [acks, expected] of [
      ['all', 'acks-0@0'],
      [1, 'acks-0@1'],
      [0, 'acks-0@-1'],
    ] as const)
      expect(String(await producer({ acks }).send({ topic: 'acks', value: 'x' }))).toBe(expected);
  });

  it.each(['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const)(
    'shares a group by %s',
    async (strategy) => {
      const topic = `group-${strategy}`;
      await admin.createTopics([{ name: topic, partitions: 4, replicationFactor: 1 }]);
      const options = { 'group.id': topic, 'partition.assignment.strategy': [strategy] };
      const [a, b] = [consumer(options), consumer(options)];
      a.subscribe([topic]);
      b.subscribe([topic]);
      for (let polls = 0; polls < 100 && a.assignment().length * b.assignment().length !== 4; polls++)
        await Promise.all([a.poll(100), b.poll(100)]);
      expect([a.assignment().length, b.assignment().length]).toEqual([2, 2]);
      const writer = producer();
      await Promise.all([0, 1, 2, 3].map((partition) => writer.send({ topic, value: 'x', partition })));
      expect(await Promise.all([pollUntil(a, 2), pollUntil(b, 2)])).toEqual([
        ['x', 'x'],
        ['x', 'x'],
      ]);
      await Promise.all([a.close(), b.close()]);
      const heir = consumer(options);
      const committed = await heir.committed([{ topic, partition: 3 }]);
      expect(committed.get(`${topic}-3`)?.offset).toBe(1);
    },
  );

  it('leaves after max.poll.interval.ms, and its commit is refused', async () => {
    await admin.createTopics([{ name: 'slow', partitions: 1, replicationFactor: 1 }]);
    const one = consumer({ 'group.id': 'slow', 'enable.auto.commit': false, 'max.poll.interval.ms': 1_000 });
    one.subscribe(['slow']);
    await producer().send({ topic: 'slow', value: 'x' });
    expect(await pollUntil(one, 1)).toEqual(['x']);
    await expect
      .poll(async () => (await admin.describeGroup('slow')).members.length, { timeout: 10_000 })
      .toBe(0);
    await expect(one.commitSync()).rejects.toMatchObject({ name: 'CommitFailedException' });
  });

  it('commits and aborts transactions with offsets', async () => {
    await admin.createTopics(
      ['input', 'output'].map((name) => ({ name, partitions: 1, replicationFactor: 1 })),
    );
    await producer().send({ topic: 'input', value: 'a' });
    const source = consumer({ 'group.id': 'copy', 'enable.auto.commit': false });
    source.subscribe(['input']);
    await pollUntil(source, 1);
    const copier = producer({ 'transactional.id': 'copier' });
    await copier.initTransactions();
    const offsets = [{ topic: 'input', partition: 0, offset: 1 }];
    for (const end of ['abort', 'commit'] as const) {
      copier.beginTransaction();
      await copier.send({ topic: 'output', value: end });
      await copier.sendOffsetsToTransaction(offsets, source.groupMetadata());
      await (end === 'commit' ? copier.commitTransaction() : copier.abortTransaction());
    }
    const reader = consumer({ 'isolation.level': 'read_committed', 'group.id': 'copy' });
    reader.assign([{ topic: 'output', partition: 0 }]);
    expect(await pollUntil(reader, 1)).toEqual(['commit']);
    expect((await source.committed([{ topic: 'input', partition: 0 }])).get('input-0')?.offset).toBe(1);
    const heir = producer({ 'transactional.id': 'copier' });
    await heir.initTransactions();
    copier.beginTransaction();
    await expect(
      copier.send({ topic: 'output', value: 'zombie' }).then(() => copier.commitTransaction()),
    ).rejects.toThrow(/same transactional\.id|can only be aborted|INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
    await expect(copier.abortTransaction()).rejects.toMatchObject({ name: 'ProducerFencedException' });
  });

  it('fences a static member whose id another one has taken', async () => {
    await admin.createTopics([{ name: 'static', partitions: 1, replicationFactor: 1 }]);
    await producer().send({ topic: 'static', value: 'x' });
    const options = { 'group.id': 'static', 'group.instance.id': 'one', 'enable.auto.commit': false };
    const first = consumer(options);
    first.subscribe(['static']);
    await pollUntil(first, 1);
    const second = consumer(options);
    second.subscribe(['static']);
    expect(await pollUntil(second, 1)).toEqual(['x']);
    await expect(first.commitSync()).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
  });
});
