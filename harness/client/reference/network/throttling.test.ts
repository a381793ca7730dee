/** Client quotas against the simulated cluster on virtual time: what a broker tells the client to wait, it waits. */
import { expect, it } from 'vitest';
import { type Simulation, simulate } from '../testing/simulation.ts';
import { throttleMsOf } from './throttling.ts';

const PRODUCE = 0;
const FETCH = 1;
const HEARTBEAT = 12;
const MIN_WAIT_MS = 1_000;

const limit = ({ cluster }: Simulation, client: string, name: string, value: number | null): void => {
  const entity = new Map([['client-id', client]]);
  expect(cluster.alterClientQuotas([{ entity, values: [[name, value]] }])).toMatchObject([{ refusal: null }]);
};

/** When requests of an API were taken up by a broker. */
function watch({ cluster, nowMs }: Simulation, apiKey: number): number[] {
  const times: number[] = [];
  cluster.intercept({
    apiKey,
    times: 1,
    match: () => {
      times.push(nowMs());
      return false;
    },
  });
  return times;
}

it('a producer keeps its records until it may send again, and puts them into few requests', async () => {
  await simulate(async (simulation) => {
    const { cluster, start, nowMs, sleep } = simulation;
    cluster.createTopic({ name: 'topic', partitions: 1, replicationFactor: 1 });
    limit(simulation, 'p', 'producer_byte_rate', 1_000);
    const producer = (await start('p')).producer({ 'batch.size': 1_000_000 });
    await producer.send({ topic: 'topic', value: 'x'.repeat(12_000) });
    const produced = watch(simulation, PRODUCE);
    const beganMs = nowMs();
    const sent: Promise<unknown>[] = [];
    for (let record = 0; record < 10; record++) {
      sent.push(producer.send({ topic: 'topic', value: 'y' }));
      await sleep(50);
    }
    await Promise.all(sent);
    expect(produced).toHaveLength(1);
    expect((produced[0] as number) - beganMs).toBeGreaterThan(2_000);
    expect((produced[0] as number) - beganMs).toBeLessThan(2_200);
    expect(cluster.readPartition('topic', 0)?.records).toHaveLength(11);
  });
});

it('a consumer that is throttled where it reads keeps its place in the group', async () => {
  await simulate(async (simulation) => {
    const { cluster, start, nowMs } = simulation;
    cluster.createTopic({ name: 'topic', partitions: 1, replicationFactor: 1 });
    const producer = (await start('p')).producer();
    for (let batch = 0; batch < 6; batch++) await producer.send({ topic: 'topic', value: 'x'.repeat(2_000) });
    limit(simulation, 'c', 'consumer_byte_rate', 500);
    const consumer = (await start('c')).consumer({
      'group.id': 'group',
      'auto.offset.reset': 'earliest',
      'session.timeout.ms': 2_000,
      'heartbeat.interval.ms': 300,
      'max.partition.fetch.bytes': 4_500,
    });
    consumer.subscribe(['topic']);
    const beats = watch(simulation, HEARTBEAT);
    const fetches = watch(simulation, FETCH);
    let received = 0;
    while (received < 6) received += (await consumer.poll(100)).length;
    const gaps = (times: readonly number[]): number[] =>
      times.slice(1).map((time, index) => time - (times[index] as number));
    expect(Math.max(...gaps(fetches))).toBeGreaterThan(MIN_WAIT_MS);
    // The coordinator has a connection of its own.
    expect(Math.max(...gaps(beats))).toBeLessThan(MIN_WAIT_MS);
    expect(beats.length).toBeGreaterThan(10);
    expect(nowMs()).toBeLessThan(60_000);
    await consumer.close();
  });
});

it('a request that cannot be sent in time fails by itself, and the connection stays', async () => {
  await simulate(async (simulation) => {
    const { cluster, start, sleep } = simulation;
    cluster.createTopic({ name: 'topic', partitions: 1, replicationFactor: 1 });
    limit(simulation, 'c', 'consumer_byte_rate', 1);
    const producer = (await start('p')).producer();
    await producer.send({ topic: 'topic', value: 'x'.repeat(60) });
    const { consumer: create } = await start('c');
    const consumer = create({
      'group.id': 'group',
      'auto.offset.reset': 'earliest',
      'request.timeout.ms': 5_000,
      'enable.auto.commit': false,
    });
    consumer.assign([{ topic: 'topic', partition: 0 }]);
    const fetches = watch(simulation, FETCH);
    // Over a hundred bytes at one a second.
    for (let polls = 0; polls < 100; polls++) await consumer.poll(100);
    expect(fetches).toHaveLength(1);
    limit(simulation, 'c', 'consumer_byte_rate', null);
    await sleep(200_000);
    expect(await consumer.poll(10_000)).toHaveLength(1);
    await consumer.close();
  });
});

it('goes by the version: before it the broker alone makes the client wait', () => {
  const answer = { throttleTimeMs: 70 };
  expect([7, 8].map((version) => throttleMsOf({ key: FETCH }, version, answer))).toEqual([0, 70]);
  expect([5, 6].map((version) => throttleMsOf({ key: PRODUCE }, version, answer))).toEqual([0, 70]);
  expect(throttleMsOf({ key: 17 }, 1, answer)).toBe(0);
});
