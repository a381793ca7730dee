/** What the simulated cluster is asked for, while a transaction has not quite ended or a follower is behind. */
import { expect, it } from 'vitest';
import type { FetchedGroup, FetchGroupRequest } from '../../cluster/group/fetch-offsets.ts';
import type { GroupPart } from '../../cluster/group/part.ts';
import { errorCode } from '../../cluster/protocol/errors.ts';
import type { SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import { SimulatedAdministration } from './simulated-administration.ts';

/** Time passes as soon as somebody waits for it. */
function virtualContext(): ConstructorParameters<typeof SimulatedAdministration>[2] {
  let now = 0;
  return {
    now: () => now,
    after: (delayMs, callback) => {
      queueMicrotask(() => {
        now += delayMs;
        callback();
      });
      return () => {};
    },
    signal: new AbortController().signal,
  };
}

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
  const admin = new SimulatedAdministration(
    { core: { brokers: new Map([[1, broker]]) }, leaderOf: () => 1 } as unknown as SimulatedCluster,
    { of: () => coordinator } as unknown as GroupPart,
    virtualContext(),
  );
  const found = await admin.committedOffsets('billing', 1_000, [{ topic: 'orders', partitions: [0] }]);
  expect(found).toEqual([{ topic: 'orders', partition: 0, offset: 300n }]);
  expect(requests).toHaveLength(2);
  expect(requests[0]?.topics).toEqual([{ name: 'orders', topicId: '0'.repeat(32), partitionIndexes: [0] }]);
});

it('deletes records again where another leader may have them still', async () => {
  // The first leader is cut off from a follower, which leads then.
  const answers = [
    { start: 155n, low: 0n },
    { start: 155n, low: 155n },
  ];
  const asked: bigint[] = [];
  const admin = new SimulatedAdministration(
    {
      deleteRecords: (_topic: string, _partition: number, before: bigint) => {
        asked.push(before);
        return answers[0]?.start ?? null;
      },
      lowWatermark: () => answers.shift()?.low ?? null,
    } as unknown as SimulatedCluster,
    {} as GroupPart,
    virtualContext(),
  );
  expect(await admin.deleteRecords('orders', 0, 155n, 1_000)).toBe(155n);
  expect(asked).toEqual([155n, 155n]);
});
