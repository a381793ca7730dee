/** What the client takes for a partition's leader, as answers of brokers and epochs that they name beside offsets come in. */
import { expect, it } from 'vitest';
import { Signal } from '../clock.ts';
import type { NetworkClient } from './client.ts';
import { Metadata } from './metadata.ts';

const ORDERS = { topic: 'orders', partition: 0 };
type Answer = { leaderId: number; leaderEpoch: number; topicId?: string };
const PARTS = { errorCode: 0, replicaNodes: [1, 2], isrNodes: [1, 2], offlineReplicas: [] };

/** A metadata of which each answer is what `answers` says next, the last of them again and again. */
async function told(answers: Answer[]) {
  const network = {
    isClosed: false,
    config: { 'retry.backoff.ms': 0, 'retry.backoff.max.ms': 0, 'metadata.max.age.ms': 300_000 },
    setBrokers: () => {},
    requestAny: async () => {
      const { topicId = 'a', ...leader } = (answers.length > 1 ? answers.shift() : answers[0]) as Answer;
      const partitions = [{ ...PARTS, partitionIndex: 0, ...leader }];
      const topics = [{ name: 'orders', topicId, isInternal: false, errorCode: 0, partitions }];
      return await Promise.resolve({ brokers: [{ nodeId: 1 }, { nodeId: 2 }], topics });
    },
  };
  const metadata = new Metadata(network as unknown as NetworkClient, new Signal(), false);
  const until = async (version: number): Promise<void> => {
    while (metadata.version < version) await new Promise((resolve) => setImmediate(resolve));
  };
  metadata.setInterest(['orders']);
  await until(1);
  return { metadata, until };
}

it('asks no leader of an older epoch than one that a broker has named beside an offset', async () => {
  const old = { leaderId: 1, leaderEpoch: 0 };
  const { metadata, until } = await told([old, old, { leaderId: 2, leaderEpoch: 1 }]);
  metadata.hasEpoch(ORDERS, 0);
  expect(metadata.leader(ORDERS)?.brokerId).toBe(1);
  metadata.hasEpoch(ORDERS, 1);
  expect(metadata.leader(ORDERS)).toBeNull();
  // A broker that is cut off tells of the old one once more.
  await until(2);
  expect(metadata.leader(ORDERS)).toBeNull();
  metadata.requestUpdate();
  await until(3);
  expect(metadata.leader(ORDERS)).toMatchObject({ brokerId: 2, epoch: 1 });
  metadata.close();
});

it('takes the leader of a topic that was created again, whose epochs begin anew', async () => {
  const { metadata, until } = await told([
    { leaderId: 1, leaderEpoch: 4 },
    { leaderId: 2, leaderEpoch: 0, topicId: 'b' },
  ]);
  metadata.hasEpoch(ORDERS, 5);
  await until(2);
  expect(metadata.leader(ORDERS)).toMatchObject({ brokerId: 2, epoch: 0 });
  metadata.close();
});
