/** The producer against the simulated cluster on virtual time: what is sent is in the log, and the answers are true. */
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../../cluster/protocol/errors.ts';
import { simulate, valuesOf } from '../testing/simulation.ts';
import { murmur2 } from './partitioner.ts';

const PRODUCE = 0;
const INIT_PRODUCER_ID = 22;
const topic = (name = 'topic', partitions = 1, replicationFactor = 1) => ({
  name,
  partitions,
  replicationFactor,
});

describe('acks', () => {
  it.each([
    ['all', 'topic-0@0', 'topic-0@1'],
    [1, 'topic-0@0', 'topic-0@1'],
    [0, 'topic-0@-1', 'topic-0@-1'],
  ] as const)('%s answers where the record is', async (acks, first, second) => {
    await simulate(async ({ cluster, start, until }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({ acks });
      expect(String(await producer.send({ topic: 'topic', value: 'a' }))).toBe(first);
      expect(String(await producer.send({ topic: 'topic', value: 'b' }))).toBe(second);
      await until(() => cluster.readPartition('topic', 0)?.records.length === 2);
    });
  });
});

describe('linger.ms and batch.size', () => {
  const sendFive = async (linger: number, size: number) => {
    let offsets: string[] = [];
    let tookMs = 0;
    await simulate(async ({ cluster, start, nowMs }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({ 'linger.ms': linger, 'batch.size': size });
      await producer.send({ topic: 'topic', value: 'first' });
      const startMs = nowMs();
      const sent = Array.from({ length: 5 }, () => producer.send({ topic: 'topic', value: 'x'.repeat(100) }));
      offsets = (await Promise.all(sent)).map(String);
      tookMs = nowMs() - startMs;
    });
    return { offsets, tookMs };
  };

  it('waits for more records for as long as linger.ms', async () => {
    const { offsets, tookMs } = await sendFive(500, 16_384);
    expect(offsets).toEqual([1, 2, 3, 4, 5].map((offset) => `topic-0@${offset}`));
    expect(tookMs).toBeGreaterThan(499);
  });

  it('waits no longer where batch.size is reached', async () => {
    const { tookMs } = await sendFive(500, 200);
    // All but the last batch are full.
    expect(tookMs).toBeLessThan(520);
    const { tookMs: allFullMs } = await sendFive(10_000, 100);
    expect(allFullMs).toBeLessThan(1_000);
  });
});

describe('close and flush', () => {
  it('flush sends what lingers', async () => {
    await simulate(async ({ cluster, start, nowMs, sleep }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({ 'linger.ms': 60_000, 'delivery.timeout.ms': 120_000 });
      const sent = producer.send({ topic: 'topic', value: 'a' });
      const startMs = nowMs();
      await sleep(1_000);
      await producer.flush();
      expect(nowMs() - startMs).toBeLessThan(2_000);
      expect((await sent).offset).toBe(0);
    });
  });

  it.each(['flush', 'close'] as const)('%s waits for a send that waits for its topic', async (call) => {
    await simulate(async ({ cluster, start, nowMs }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({ 'linger.ms': 60_000, 'delivery.timeout.ms': 120_000 });
      const startMs = nowMs();
      const sent = ['a', 'b'].map((value) => producer.send({ topic: 'topic', value }));
      await producer[call]();
      expect((await Promise.all(sent)).map(String)).toEqual(['topic-0@0', 'topic-0@1']);
      expect(nowMs() - startMs).toBeLessThan(2_000);
    });
  });

  it('close sends what is buffered, and close without time loses it', async () => {
    await simulate(async ({ cluster, start, sleep }) => {
      cluster.createTopic(topic());
      const client = await start('p');
      const options = { 'linger.ms': 30_000 };
      const patient = client.producer(options);
      const warm = patient.send({ topic: 'topic', value: 'warm' });
      const kept = patient.send({ topic: 'topic', value: 'kept' });
      await sleep(1_000);
      await patient.close();
      expect([await warm, await kept].map(String)).toEqual(['topic-0@0', 'topic-0@1']);
      const hasty = client.producer(options);
      const lost = hasty.send({ topic: 'topic', value: 'lost' });
      const outcome = lost.catch((error: unknown) => error);
      await sleep(1_000);
      await hasty.close(0);
      expect(await outcome).toMatchObject({
        message: 'Producer is closed forcefully.',
        fate: 'failed',
      });
      await sleep(5_000);
      expect(valuesOf(cluster.readPartition('topic', 0)?.records ?? [])).toEqual(['warm', 'kept']);
    });
  });
});

describe('retries', () => {
  const refuse = { apiKey: PRODUCE, errorCode: errorCode('NOT_ENOUGH_REPLICAS') };

  it('sends again until it is confirmed', async () => {
    await simulate(async ({ cluster, start }) => {
      cluster.createTopic(topic());
      cluster.intercept({ ...refuse, times: 3 });
      const producer = (await start('p')).producer();
      expect(String(await producer.send({ topic: 'topic', value: 'a' }))).toBe('topic-0@0');
    });
  });

  it('asks again for its producer id', async () => {
    await simulate(async ({ cluster, start, nowMs }) => {
      cluster.createTopic(topic());
      const loading = errorCode('COORDINATOR_LOAD_IN_PROGRESS');
      cluster.intercept({ apiKey: INIT_PRODUCER_ID, times: 2, errorCode: loading });
      const producer = (await start('p')).producer();
      const startMs = nowMs();
      expect(String(await producer.send({ topic: 'topic', value: 'a' }))).toBe('topic-0@0');
      expect(nowMs() - startMs).toBeLessThan(1_000);
    });
  });

  it('gives up after retries, with the name of the last error', async () => {
    await simulate(async ({ cluster, start }) => {
      cluster.createTopic(topic());
      cluster.intercept({ ...refuse, times: 3 });
      const producer = (await start('p')).producer({ retries: 2, 'enable.idempotence': false });
      await expect(producer.send({ topic: 'topic', value: 'a' })).rejects.toMatchObject({
        type: 'NOT_ENOUGH_REPLICAS',
        fate: 'failed',
      });
    });
  });

  it('gives up after delivery.timeout.ms, and does not know whether the record is there', async () => {
    await simulate(async ({ cluster, start, nowMs }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({
        'request.timeout.ms': 1_000,
        'delivery.timeout.ms': 3_500,
        'linger.ms': 0,
      });
      await producer.send({ topic: 'topic', value: 'a' });
      const end = cluster.intercept({ apiKey: PRODUCE, times: 100, drop: true });
      const startMs = nowMs();
      await expect(producer.send({ topic: 'topic', value: 'b' })).rejects.toMatchObject({
        name: 'TimeoutException',
        fate: 'unknown',
      });
      expect(nowMs() - startMs).toBeGreaterThan(3_499);
      expect(nowMs() - startMs).toBeLessThan(3_600);
      expect(end()).toBeGreaterThan(1);
      // The numbers go on under a new producer id.
      expect(String(await producer.send({ topic: 'topic', value: 'c' }))).toBe('topic-0@1');
    });
  });

  it.each([
    [true, ['a', 'b']],
    [false, ['a', 'a', 'b']],
  ])('an answer that is lost makes a duplicate unless idempotence is %s', async (idempotence, expected) => {
    await simulate(async ({ cluster, network, start, sleep }) => {
      cluster.createTopic(topic());
      const producer = (await start('p')).producer({
        'enable.idempotence': idempotence,
        'linger.ms': 0,
        'request.timeout.ms': 1_000,
      });
      await producer.send({ topic: 'topic', value: 'before' });
      cluster.deleteRecords('topic', 0, 1n);
      network.cut('p', 1, 'to-process');
      const again = producer.send({ topic: 'topic', value: 'a' });
      await sleep(900);
      network.heal('p', 1, 'to-process');
      network.reset('p', 1);
      await again;
      await producer.send({ topic: 'topic', value: 'b' });
      expect(valuesOf(cluster.readPartition('topic', 0)?.records ?? [])).toEqual(expected);
    });
  });

  it('finds the leader again where it has moved', async () => {
    await simulate(
      async ({ cluster, start }) => {
        cluster.createTopic(topic('topic', 1, 3));
        const producer = (await start('p')).producer();
        await producer.send({ topic: 'topic', value: 'a' });
        const leader = cluster.leaderOf('topic', 0);
        const next = cluster.brokerIds.find((id) => id !== leader) ?? 1;
        cluster.moveLeader('topic', 0, next);
        expect(String(await producer.send({ topic: 'topic', value: 'b' }))).toBe('topic-0@1');
        expect(cluster.leaderOf('topic', 0)).toBe(next);
      },
      { brokerCount: 3 },
    );
  });
});

describe('what is refused', () => {
  it('is a topic that is not there after max.block.ms, a record that is too large, and a wrong configuration', async () => {
    await simulate(async ({ cluster, start }) => {
      cluster.createTopic(topic());
      const { producer } = await start('p');
      const one = producer({ 'max.request.size': 100, 'max.block.ms': 500 });
      await expect(one.send({ topic: 'topic', value: 'x'.repeat(100) })).rejects.toMatchObject({
        name: 'RecordTooLargeException',
      });
      cluster.core.interceptions.add({ apiKey: 3, times: 100, drop: true });
      await expect(producer({ 'max.block.ms': 500 }).send({ topic: 'topic', value: 'a' })).rejects.toThrow(
        /topic not present in metadata after 500 ms/,
      );
      expect(() => producer({ acks: 1, 'enable.idempotence': true })).toThrow(
        /enable.idempotence needs acks all/,
      );
      expect(() => producer({ 'delivery.timeout.ms': 10 })).toThrow(/delivery.timeout.ms/);
      expect(() => producer({ 'no.such.option': 1 } as object)).toThrow(/no\.such\.option/);
    });
  });
});

describe('murmur2', () => {
  // The values of Kafka's own UtilsTest, without the sign bit.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is that of the Java client', (text, expected) => {
    expect(murmur2(Buffer.from(text))).toBe(expected & 0x7fffffff);
  });
});
