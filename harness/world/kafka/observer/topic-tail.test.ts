import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterLink } from './cluster-link.ts';
import { Deadline } from './deadline.ts';
import { FakeCluster } from './fake-cluster.testing.ts';
import { DeadlineExceededError } from './kafka-error.ts';
import { FETCH_TIMEOUT_MS, type TailGap, TopicTail } from './topic-tail.ts';

const TOPIC = 'events';
let cluster: FakeCluster;
let link: ClusterLink;
let tail: TopicTail;
let seen: string[];
let gaps: TailGap[];

beforeEach(async () => {
  cluster = await FakeCluster.start(TOPIC, 3, 2);
  cluster.append(0, ['before']);
  link = new ClusterLink(cluster.connection, 'test');
  seen = [];
  gaps = [];
  const listener = {
    batch: (partition: number, batch: { records: readonly { offset: bigint; value: Buffer | null }[] }) => {
      for (const { offset, value } of batch.records) seen.push(`${partition}/${offset} ${String(value)}`);
    },
    gap: (gap: TailGap) => gaps.push(gap),
  };
  tail = await TopicTail.start(TOPIC, link, listener, new Deadline(5_000));
});

afterEach(async () => {
  await tail.stop();
  link.close();
  cluster.stop();
});

const reached = async (partition: number, timeoutMs = 20_000): Promise<void> =>
  await tail.reached(partition, cluster.end(partition), new Deadline(timeoutMs));

describe('a topic tail', () => {
  it('starts at the ends and hands over what is written from then on, in order', async () => {
    cluster.append(0, ['a', 'b']);
    cluster.append(1, ['c']);
    await reached(0);
    await reached(1);
    cluster.append(0, ['d']);
    await reached(0);
    expect(seen.filter((one) => one.startsWith('0/'))).toEqual(['0/1 a', '0/2 b', '0/3 d']);
    expect(seen.filter((one) => one.startsWith('1/'))).toEqual(['1/0 c']);
    expect(gaps).toEqual([]);
  });

  it('counts positions, not records: control batches move it', async () => {
    cluster.append(0, [], {
      records: [{ key: Buffer.from([0, 0, 0, 1]), value: Buffer.alloc(6) }],
      control: true,
    });
    await reached(0);
    expect(seen).toEqual([]);
  });

  it('follows the leader to another broker and loses or doubles nothing', async () => {
    for (let i = 0; i < 30; i++) {
      cluster.append(0, [`v${i}`]);
      if (i % 10 === 5) cluster.move(0, (cluster.partitions[0]?.leader === 1 ? 2 : 1) as number);
      if (i % 7 === 0) await reached(0);
    }
    await reached(0);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => `0/${i + 1} v${i}`));
    expect(gaps).toEqual([]);
  });

  it('goes on where it was after the leader crashed, whether it moved or came back', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    cluster.crash(0);
    cluster.append(0, ['b']);
    cluster.move(0, 1);
    cluster.move(1, 1);
    await reached(0);
    cluster.crash(1);
    cluster.append(0, ['c']);
    await cluster.restart(1);
    await reached(0);
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/3 c']);
    expect(gaps).toEqual([]);
  });

  it('does not wait for ever on a broker that stays silent', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    // Now it is in the middle of a long poll.
    cluster.pause(0);
    cluster.append(0, ['b']);
    cluster.move(0, 2);
    cluster.move(1, 2);
    await reached(0);
    cluster.append(1, ['c']);
    await reached(1);
    expect(seen).toEqual(['0/1 a', '0/2 b', '1/0 c']);
  });

  it('does not believe a former leader that woke up and knows less than we do', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    cluster.move(0, 1);
    cluster.append(0, ['b']);
    await reached(0);
    // The others tell of the past, and the old leader would serve it: its log ends before 'b'.
    for (const id of [0, 2]) cluster.beliefs.set(id, { leader: 0, leaderEpoch: 3, end: 2n });
    cluster.crash(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await cluster.restart(1);
    cluster.append(0, ['c']);
    await reached(0);
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/3 c']);
    expect(gaps).toEqual([]);
  });

  it('is told by the broker itself where it asks a former leader', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    // The leader moves, but the old one serves what it has until it hears of that.
    cluster.beliefs.set(0, { leader: 0, leaderEpoch: 3, end: 2n });
    cluster.move(0, 1);
    cluster.append(0, ['b']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toEqual(['0/1 a']);
    cluster.beliefs.delete(0);
    await reached(0);
    expect(seen).toEqual(['0/1 a', '0/2 b']);
    expect(gaps).toEqual([]);
  });

  it('reads a damaged answer again', async () => {
    let damaged = 0;
    cluster.corrupt = (bytes) => {
      if (++damaged > 3) return bytes;
      const bad = Buffer.from(bytes);
      bad[bad.length - 1] = (bad.at(-1) as number) ^ 1;
      return bad;
    };
    cluster.append(0, ['a']);
    await reached(0);
    expect(seen).toEqual(['0/1 a']);
    expect(damaged).toBeGreaterThan(3);
  });

  it('tells of records that were compacted away, between batches and inside one', async () => {
    await quiet(async () => {
      cluster.append(0, ['a']);
      cluster.append(0, ['b']);
      cluster.append(0, ['c']);
      cluster.append(0, [], {
        lastOffsetDelta: 2,
        records: [{ key: null, value: Buffer.from('e'), offsetDelta: 1 }],
      });
      cluster.remove(0, (batch) => batch.baseOffset === 2n);
    });
    await reached(0);
    expect(seen).toEqual(['0/1 a', '0/3 c', '0/5 e']);
    expect(gaps).toEqual([
      { partition: 0, reason: 'compacted', fromOffset: 2n, toOffset: 3n },
      { partition: 0, reason: 'compacted', fromOffset: 4n, toOffset: 7n },
    ]);
  });

  it('tells of records that were deleted before it read them', async () => {
    await quiet(async () => {
      cluster.append(0, ['a']);
      cluster.append(0, ['b']);
      cluster.remove(0, (batch) => batch.baseOffset < 2n);
      (cluster.partitions[0] as { startOffset: bigint }).startOffset = 2n;
    });
    await reached(0);
    expect(seen).toEqual(['0/2 b']);
    expect(gaps).toEqual([{ partition: 0, reason: 'deleted', fromOffset: 1n, toOffset: 2n }]);
  });

  it('goes on in the middle of a batch where the log starts there now', async () => {
    await quiet(async () => {
      cluster.append(0, ['a', 'b', 'c']);
      cluster.remove(0, (batch) => batch.baseOffset < 1n);
      (cluster.partitions[0] as { startOffset: bigint }).startOffset = 2n;
    });
    await reached(0);
    expect(seen).toEqual(['0/2 b', '0/3 c']);
    expect(gaps).toEqual([{ partition: 0, reason: 'deleted', fromOffset: 1n, toOffset: 2n }]);
  });

  it('passes over what an answer holds from before the position', async () => {
    cluster.generous = true;
    for (const value of ['a', 'b', 'c']) {
      cluster.append(0, [value]);
      await reached(0);
    }
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/3 c']);
    expect(gaps).toEqual([]);
  });

  it('tells of records that it read and that the new leader does not have', async () => {
    cluster.append(0, ['a']);
    cluster.append(0, ['b']);
    await reached(0);
    cluster.remove(0, (batch) => batch.baseOffset === 2n);
    cluster.move(0, 1);
    await gapTold();
    cluster.append(0, ['c']);
    await reached(0);
    expect(gaps).toEqual([{ partition: 0, reason: 'truncated', fromOffset: 2n, toOffset: 3n }]);
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/2 c']);
  });

  it('tells so too where the log has grown beyond the position again', async () => {
    cluster.append(0, ['a']);
    cluster.append(0, ['b']);
    await reached(0);
    await quiet(async () => {
      cluster.remove(0, (batch) => batch.baseOffset === 2n);
      cluster.move(0, 1);
      for (const value of ['x', 'y', 'z']) cluster.append(0, [value]);
    });
    await reached(0);
    expect(gaps).toEqual([{ partition: 0, reason: 'truncated', fromOffset: 2n, toOffset: 3n }]);
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/2 x', '0/3 y', '0/4 z']);
  });

  it('tells so too where the same leader comes back with less', async () => {
    cluster.append(0, ['a']);
    cluster.append(0, ['b']);
    await reached(0);
    await quiet(async () => cluster.remove(0, (batch) => batch.baseOffset === 2n));
    await gapTold();
    cluster.append(0, ['c']);
    await reached(0);
    expect(gaps).toEqual([{ partition: 0, reason: 'truncated', fromOffset: 2n, toOffset: 3n }]);
    expect(seen).toEqual(['0/1 a', '0/2 b', '0/2 c']);
  });

  it('lets nobody wait for offsets that were truncated', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    cluster.crash(0);
    cluster.append(0, ['never read']);
    const waiting = reached(0);
    cluster.remove(0, (batch) => batch.baseOffset >= 1n);
    cluster.move(0, 1);
    await waiting;
    expect(gaps).toEqual([{ partition: 0, reason: 'truncated', fromOffset: 1n, toOffset: 2n }]);
  });

  it('says by the deadline what kept it', async () => {
    cluster.append(0, ['a']);
    cluster.corrupt = (bytes) => bytes.fill(0, 17, 21);
    const failed = reached(0, 700);
    await expect(failed).rejects.toThrow(DeadlineExceededError);
    await expect(failed).rejects.toThrow(
      /following events-0 from 1 to 2: not done within 0.7 s; last: .*checksum/,
    );
  });

  it('stops at once, in the middle of a long poll and with brokers away', async () => {
    cluster.crash(0);
    cluster.pause(1);
    cluster.pause(2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startMs = performance.now();
    await tail.stop();
    // A request to a paused broker would hold it up for its whole timeout.
    expect(performance.now() - startMs).toBeLessThan(FETCH_TIMEOUT_MS - 500);
  });

  it('leaves no connection behind', async () => {
    cluster.append(0, ['a']);
    await reached(0);
    await tail.stop();
    link.close();
    await expect.poll(() => cluster.openConnections).toBe(0);
  });
});

/** Changes that no fetch may see half done: the leader is away meanwhile. */
async function quiet(change: () => Promise<void>): Promise<void> {
  const leader = cluster.partitions[0]?.leader as number;
  cluster.crash(leader);
  await change();
  await cluster.restart(leader);
}

async function gapTold(): Promise<void> {
  const deadline = new Deadline(10_000);
  while (gaps.length === 0 && !deadline.expired) await deadline.sleep(20);
}
