import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterLink, LinkClosedError, REQUEST_TIMEOUT_MS, withRetries } from './cluster-link.ts';
import { Deadline } from './deadline.ts';
import { FakeCluster } from './fake-cluster.testing.ts';
import { BrokerUnreachableError, DeadlineExceededError, KafkaRequestError } from './kafka-error.ts';

const passing = new KafkaRequestError('looking', 'NOT_COORDINATOR');
const lasting = new KafkaRequestError('looking', 'INVALID_TOPIC_EXCEPTION');

describe('attempts', () => {
  it('are repeated while errors are of the passing kind, and tell their number', async () => {
    const numbers: number[] = [];
    const result = await withRetries('looking', new Deadline(5_000), async (number) => {
      numbers.push(number);
      if (number < 3) throw passing;
      return 'found';
    });
    expect(result).toBe('found');
    expect(numbers).toEqual([0, 1, 2, 3]);
  });

  it('end at once with any other error', async () => {
    let attempts = 0;
    const failed = withRetries('looking', new Deadline(5_000), async () => {
      attempts++;
      throw lasting;
    });
    await expect(failed).rejects.toBe(lasting);
    expect(attempts).toBe(1);
  });

  it('end at the deadline with the last passing error', async () => {
    const failed = withRetries('looking', new Deadline(200), async () => {
      throw passing;
    });
    await expect(failed).rejects.toThrow(DeadlineExceededError);
    await expect(failed).rejects.toThrow(
      'looking: not done within 0.2 s; last: looking: Kafka answered NOT_COORDINATOR',
    );
    await expect(failed).rejects.toMatchObject({ cause: passing });
  });

  it('are not waited for beyond the deadline', async () => {
    const failed = withRetries('looking', new Deadline(100), async () => await new Promise<never>(() => {}));
    await expect(failed).rejects.toThrow('looking: not done within 0.1 s; last: no answer yet');
  });

  it('end with the reason of an abort', async () => {
    const abort = new AbortController();
    const failed = withRetries('looking', new Deadline(10_000, abort.signal), async () => {
      throw passing;
    });
    setTimeout(() => abort.abort(new Error('told to stop')), 50);
    await expect(failed).rejects.toThrow('told to stop');
    const hanging = withRetries(
      'looking',
      new Deadline(10_000, abort.signal),
      async () => await new Promise<never>(() => {}),
    );
    await expect(hanging).rejects.toThrow('told to stop');
  });
});

describe('a link to a cluster', () => {
  let cluster: FakeCluster;
  let link: ClusterLink;

  beforeEach(async () => {
    cluster = await FakeCluster.start('t', 3, 1);
    link = new ClusterLink(cluster.connection, 'test');
  });
  afterEach(() => {
    link.close();
    cluster.stop();
  });

  it('asks any broker that answers, dead and silent ones passed over', async () => {
    cluster.crash(0);
    cluster.pause(1);
    const metadata = await link.metadata(['t']);
    expect(metadata.brokers.map((broker) => broker.nodeId)).toEqual([1, 2]);
    expect(metadata.topics[0]).toMatchObject({ name: 't', partitions: [{ partition: 0, leader: 0 }] });
    // The one that answered is asked first from now on.
    const startMs = performance.now();
    await link.metadata(['t']);
    expect(performance.now() - startMs).toBeLessThan(REQUEST_TIMEOUT_MS);
  });

  it('connects again after a broker was away', async () => {
    await link.metadata(['t']);
    for (let id = 0; id < 3; id++) cluster.crash(id);
    await expect(link.metadata(['t'])).rejects.toThrow(BrokerUnreachableError);
    await expect(link.metadata(['t'])).rejects.toThrow(/none of .* answered: .*ECONNREFUSED/);
    for (let id = 0; id < 3; id++) await cluster.restart(id);
    expect((await link.metadata(['t'])).brokers).toHaveLength(3);
  });

  it('shares one connection among requests at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, async () => await link.metadata(['t'])));
    expect(cluster.openConnections).toBe(1);
  });

  it('ends requests under way when it is closed, and takes no more', async () => {
    for (let id = 0; id < 3; id++) cluster.pause(id);
    const pending = link.metadata(['t']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    link.close();
    await expect(pending).rejects.toThrow(/closed/);
    await expect(link.metadata(['t'])).rejects.toThrow(LinkClosedError);
  });

  it('reads bracketed IPv6 addresses', async () => {
    const away = new ClusterLink({ bootstrapServers: ['[::1]:1'], tls: null, sasl: null }, 'test');
    await expect(away.metadata([])).rejects.toThrow(/^::1:1 could not be reached/);
    away.close();
  });
});
