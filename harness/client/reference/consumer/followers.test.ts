/** Reading from followers (KIP-392) against the simulated cluster on virtual time: a consumer in each rack, and lags. */
import { describe, expect, it } from 'vitest';
import type { Records } from '../testing/simulation.ts';
import {
  pollUntil,
  type Reference,
  type SimulatedClient,
  type Simulation,
  simulate,
  valuesOf,
} from '../testing/simulation.ts';

const FETCH = 1;
const racks = ['rack-1', 'rack-2', 'rack-3'];
const options = { brokerCount: 3, racks };
const partition = { topic: 'topic', partition: 0 };

/** One partition with the values 0 to 3, the leader and another broker, and the brokers of fetches as they are asked. */
async function begin({ cluster, start }: Simulation) {
  const client = await start('client');
  cluster.createTopic({ name: 'topic', partitions: 1, replicationFactor: 3 });
  await write(client, 0, 4);
  const leader = cluster.leaderOf('topic', 0) as number;
  const follower = (leader % 3) + 1;
  const asked: number[] = [];
  cluster.intercept({
    apiKey: FETCH,
    times: 1,
    match: (_, { broker }) => {
      asked.push(broker.brokerId);
      return false;
    },
  });
  const consumer = client.consumer({
    'client.rack': `rack-${follower}`,
    'auto.offset.reset': 'earliest',
    'fetch.max.wait.ms': 100,
  });
  consumer.assign([partition]);
  return { client, leader, follower, asked, consumer };
}

async function write(client: SimulatedClient, from: number, count: number): Promise<void> {
  const producer = client.producer();
  await Promise.all(
    Array.from({ length: count }, (_, i) => producer.send({ ...partition, value: `${from + i}` })),
  );
  await producer.close();
}

async function pollFor(consumer: Reference.Consumer, timeMs: number): Promise<Records> {
  const records: Records = [];
  for (let leftMs = timeMs; leftMs > 0; leftMs -= 100) records.push(...(await consumer.poll(100)));
  return records;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe('a consumer in the rack of a follower', () => {
  it('asks the leader once, and that follower from then on', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      expect(valuesOf(await pollUntil(consumer, 4))).toEqual(numbers(0, 4));
      await write(client, 4, 4);
      expect(valuesOf(await pollUntil(consumer, 4))).toEqual(numbers(4, 8));
      expect(asked[0]).toBe(leader);
      expect(new Set(asked.slice(1))).toEqual(new Set([follower]));
      await consumer.close();
    }, options);
  });

  it('asks the leader again when metadata.max.age.ms is over', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      await consumer.close();
      const brief = client.consumer({ 'client.rack': `rack-${follower}`, 'metadata.max.age.ms': 2_000 });
      brief.assign([partition]);
      brief.seekToBeginning([partition]);
      await pollFor(brief, 7_000);
      expect(asked.filter((broker) => broker === leader)).toHaveLength(4);
      expect(asked.filter((broker) => broker === follower).length).toBeGreaterThan(8);
      await brief.close();
    }, options);
  });

  it('reads from the leader while the follower is down, and from the follower when it is back', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      await pollUntil(consumer, 4);
      simulation.cluster.crashBroker(follower);
      await write(client, 4, 4);
      expect(valuesOf(await pollUntil(consumer, 4))).toEqual(numbers(4, 8));
      asked.length = 0;
      await pollFor(consumer, 5_000);
      expect(new Set(asked)).toEqual(new Set([leader]));
      simulation.cluster.startBroker(follower);
      await pollFor(consumer, 10_000);
      expect(asked.at(-1)).toBe(follower);
      await consumer.close();
    }, options);
  });

  it('asks the leader about what a follower that is behind calls out of range, and resets nothing', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      await pollUntil(consumer, 4);
      simulation.cluster.isolateBroker(leader, follower);
      await write(client, 4, 4);
      expect(await pollFor(consumer, 1_000), 'it has not got there').toEqual([]);
      consumer.seek(partition, 6);
      expect(valuesOf(await pollFor(consumer, 1_000))).toEqual(numbers(6, 8));
      expect(asked.at(-1)).toBe(leader);
      await consumer.close();
    }, options);
  });

  it('resets where the leader too says out of range', async () => {
    await simulate(async (simulation) => {
      const { follower, asked, consumer } = await begin(simulation);
      await pollUntil(consumer, 4);
      consumer.seek(partition, 100);
      expect(valuesOf(await pollFor(consumer, 1_000))).toEqual(numbers(0, 4));
      expect(asked.at(-1)).toBe(follower);
      await consumer.close();
    }, options);
  });

  it('asks a new leader first when it learns of one', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      await consumer.close();
      const brief = client.consumer({ 'client.rack': `rack-${follower}`, 'metadata.max.age.ms': 2_000 });
      brief.assign([partition]);
      brief.seekToBeginning([partition]);
      brief.pause([partition]);
      await pollFor(brief, 1_500);
      brief.resume([partition]);
      await pollFor(brief, 300);
      expect(asked.at(-1)).toBe(follower);
      // While it asks for nothing, its metadata becomes too old, and the follower is still to be read from.
      brief.pause([partition]);
      const next = 6 - leader - follower;
      simulation.cluster.moveLeader('topic', 0, next);
      await pollFor(brief, 1_000);
      asked.length = 0;
      brief.resume([partition]);
      await pollFor(brief, 300);
      expect(asked[0]).toBe(next);
      expect(asked.at(-1)).toBe(follower);
      await brief.close();
    }, options);
  });

  it('hears from a new leader whom to ask', async () => {
    await simulate(async (simulation) => {
      const { client, leader, follower, asked, consumer } = await begin(simulation);
      await pollUntil(consumer, 4);
      simulation.cluster.moveLeader('topic', 0, 6 - leader - follower);
      await write(client, 4, 4);
      asked.length = 0;
      expect(valuesOf(await pollUntil(consumer, 4))).toEqual(numbers(4, 8));
      await pollFor(consumer, 1_000);
      expect(asked).toContain(6 - leader - follower);
      expect(asked.at(-1)).toBe(follower);
      await consumer.close();
    }, options);
  });
});
