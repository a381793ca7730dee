/** What the simulated cluster is asked for when a run is over, while a transaction has not quite ended. */
import { expect, it } from 'vitest';
import type { FetchedGroup, FetchGroupRequest } from '../../cluster/group/fetch-offsets.ts';
import type { GroupPart } from '../../cluster/group/part.ts';
import { errorCode } from '../../cluster/protocol/errors.ts';
import type { SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import { SimulatedAdministration } from './simulated-administration.ts';

it('waits for the end of the transaction that an offset is committed in', async () => {
  const answered = (error: number, committedOffset: bigint): FetchedGroup => ({
    errorCode: 0,
    topics: [
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, metadata: '', errorCode: error },
        ],
      },
    ],
  });
  const answers = [answered(errorCode('UNSTABLE_OFFSET_COMMIT'), -1n), answered(0, 300n)];
  const requests: FetchGroupRequest[] = [];
  const broker = { brokerId: 1, listens: true, isPaused: false };
  const coordinator = {
    partitionOf: () => 0,
    fetchOffsets: (request: FetchGroupRequest, _stable: boolean, respond: (one: FetchedGroup) => void) => {
      requests.push(request);
      respond(answers.shift() as FetchedGroup);
    },
  };
  let now = 0;
  const admin = new SimulatedAdministration(
    { core: { brokers: new Map([[1, broker]]) }, leaderOf: () => 1 } as unknown as SimulatedCluster,
    { of: () => coordinator } as unknown as GroupPart,
    {
      now: () => now,
      after: (delayMs, callback) => {
        queueMicrotask(() => {
          now += delayMs;
          callback();
        });
        return () => {};
      },
      signal: new AbortController().signal,
    },
  );
  const found = await admin.committedOffsets('billing', 1_000, [{ topic: 'orders', partitions: [0] }]);
  expect(found).toEqual([{ topic: 'orders', partition: 0, offset: 300n }]);
  expect(requests).toHaveLength(2);
  expect(requests[0]?.topics).toEqual([{ name: 'orders', topicId: '0'.repeat(32), partitionIndexes: [0] }]);
});
