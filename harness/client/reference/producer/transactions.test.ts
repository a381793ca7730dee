/** Transactions of the producer against the simulated cluster on virtual time: all of one is seen, or nothing. */
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../../cluster/protocol/errors.ts';
import { type Reference, type Simulation, simulate, valuesOf } from '../testing/simulation.ts';

const PRODUCE = 0;
const partition = { topic: 'topic', partition: 0 };

const create = ({ cluster }: Simulation, name = 'topic'): void =>
  void cluster.createTopic({ name, partitions: 1, replicationFactor: cluster.brokerIds.length });

/** What a consumer sees of the whole topic. */
async function read(
  client: { consumer(options: Partial<Reference.ConsumerOptions>): Reference.Consumer },
  isolation: 'read_committed' | 'read_uncommitted',
): Promise<string[]> {
  const consumer = client.consumer({ 'isolation.level': isolation, 'auto.offset.reset': 'earliest' });
  consumer.assign([partition]);
  const values: string[] = [];
  for (let polls = 0; polls < 10; polls++) values.push(...valuesOf(await consumer.poll(200)));
  await consumer.close();
  return values;
}

describe('a transaction', () => {
  it('is seen by read_committed when it is committed, and never when it is aborted', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      const client = await simulation.start('p');
      const producer = client.producer({ 'transactional.id': 't' });
      await producer.initTransactions();
      producer.beginTransaction();
      await producer.send({ topic: 'topic', value: 'kept' });
      expect(await read(client, 'read_committed')).toEqual([]);
      expect(await read(client, 'read_uncommitted')).toEqual(['kept']);
      await producer.commitTransaction();
      producer.beginTransaction();
      await producer.send({ topic: 'topic', value: 'dropped' });
      await producer.abortTransaction();
      producer.beginTransaction();
      const last = producer.send({ topic: 'topic', value: 'last' });
      await producer.commitTransaction();
      // Two markers are between: of the first transaction and of the second.
      expect(String(await last)).toBe('topic-0@4');
      expect(await read(client, 'read_committed')).toEqual(['kept', 'last']);
      expect(await read(client, 'read_uncommitted')).toEqual(['kept', 'dropped', 'last']);
    });
  });

  it('has the records of sends that nobody has awaited, whatever they still wait for', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      const client = await simulation.start('p');
      const producer = client.producer({ 'transactional.id': 't' });
      await producer.initTransactions();
      producer.beginTransaction();
      // Nothing is known of the topic yet.
      const sent = ['a', 'b'].map((value) => producer.send({ topic: 'topic', value }));
      await producer.commitTransaction();
      producer.beginTransaction();
      const dropped = producer.send({ topic: 'topic', value: 'c' }).catch((error: unknown) => error);
      await producer.abortTransaction();
      expect((await Promise.all(sent)).map(String)).toEqual(['topic-0@0', 'topic-0@1']);
      expect(await dropped).toMatchObject({ message: 'Failing batch since transaction was aborted' });
      expect(await read(client, 'read_committed')).toEqual(['a', 'b']);
    });
  });

  it('commits offsets of a consumer with its records, or not', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      create(simulation, 'output');
      const client = await simulation.start('p');
      const source = client.producer();
      await source.send({ topic: 'topic', value: 'a' });
      const consumer = client.consumer({
        'group.id': 'group',
        'auto.offset.reset': 'earliest',
        'enable.auto.commit': false,
        'isolation.level': 'read_committed',
      });
      consumer.subscribe(['topic']);
      while ((await consumer.poll(100)).length === 0);
      const producer = client.producer({ 'transactional.id': 't' });
      await producer.initTransactions();
      const committed = async () => (await consumer.committed([partition])).get('topic-0')?.offset;
      for (const [offset, end, expected] of [
        [1, 'abort', undefined],
        [1, 'commit', 1],
      ] as const) {
        producer.beginTransaction();
        await producer.send({ topic: 'output', value: 'b' });
        await producer.sendOffsetsToTransaction([{ ...partition, offset }], consumer.groupMetadata());
        await (end === 'commit' ? producer.commitTransaction() : producer.abortTransaction());
        await simulation.sleep(500);
        expect(await committed()).toBe(expected);
      }
      producer.beginTransaction();
      const stale = { ...consumer.groupMetadata(), generationId: 77 };
      await expect(
        producer.sendOffsetsToTransaction([{ ...partition, offset: 1 }], stale),
      ).rejects.toMatchObject({ name: 'CommitFailedException', cause: { type: 'ILLEGAL_GENERATION' } });
      await expect(producer.commitTransaction()).rejects.toThrow(/can only be aborted/);
      await producer.abortTransaction();
      producer.beginTransaction();
      await producer.commitTransaction();
    });
  });

  it('of a producer that another one has fenced cannot be committed', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      const client = await simulation.start('p');
      const [zombie, heir] = [0, 1].map(() => client.producer({ 'transactional.id': 't' })) as [
        Reference.Producer,
        Reference.Producer,
      ];
      await zombie.initTransactions();
      zombie.beginTransaction();
      await zombie.send({ topic: 'topic', value: 'of the zombie' });
      await heir.initTransactions();
      await expect(zombie.commitTransaction()).rejects.toMatchObject({ name: 'ProducerFencedException' });
      await expect(zombie.abortTransaction()).rejects.toMatchObject({ name: 'ProducerFencedException' });
      heir.beginTransaction();
      await heir.send({ topic: 'topic', value: 'of the heir' });
      await heir.commitTransaction();
      expect(await read(client, 'read_committed')).toEqual(['of the heir']);
    });
  });

  it('in which a record was given up can only be aborted, and the next one goes on', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      const client = await simulation.start('p');
      const producer = client.producer({ 'transactional.id': 't', 'delivery.timeout.ms': 40_000 });
      await producer.initTransactions();
      producer.beginTransaction();
      await producer.send({ topic: 'topic', value: 'a' });
      simulation.cluster.intercept({ apiKey: PRODUCE, times: 1, errorCode: errorCode('INVALID_RECORD') });
      await expect(producer.send({ topic: 'topic', value: 'b' })).rejects.toMatchObject({
        type: 'INVALID_RECORD',
      });
      await expect(producer.commitTransaction()).rejects.toMatchObject({ cause: { type: 'INVALID_RECORD' } });
      await expect(producer.send({ topic: 'topic', value: 'c' })).rejects.toThrow(/can only be aborted/);
      await producer.abortTransaction();
      producer.beginTransaction();
      await producer.send({ topic: 'topic', value: 'd' });
      await producer.commitTransaction();
      expect(await read(client, 'read_committed')).toEqual(['d']);
    });
  });

  it('outlives its coordinator', async () => {
    await simulate(
      async (simulation) => {
        const { cluster } = simulation;
        create(simulation);
        const client = await simulation.start('p');
        const producer = client.producer({ 'transactional.id': 't' });
        await producer.initTransactions();
        producer.beginTransaction();
        await producer.send({ topic: 'topic', value: 'a' });
        cluster.stopBroker(cluster.leaderOf('__transaction_state', 0) ?? 1);
        await producer.send({ topic: 'topic', value: 'b' });
        await producer.commitTransaction();
        expect(await read(client, 'read_committed')).toEqual(['a', 'b']);
      },
      { brokerCount: 3 },
    );
  });
});

describe('calls out of order', () => {
  it('are refused', async () => {
    await simulate(async (simulation) => {
      create(simulation);
      const client = await simulation.start('p');
      const plain = client.producer();
      expect(() => plain.beginTransaction()).toThrow(/need a transactional.id/);
      const producer = client.producer({ 'transactional.id': 't' });
      expect(() => producer.beginTransaction()).toThrow(/uninitialized/);
      await producer.initTransactions();
      await expect(producer.send({ topic: 'topic', value: 'a' })).rejects.toThrow(/no open transaction/);
      await expect(producer.commitTransaction()).rejects.toThrow(/no open transaction/);
      await expect(producer.initTransactions()).rejects.toMatchObject({ name: 'IllegalStateException' });
    });
  });
});
