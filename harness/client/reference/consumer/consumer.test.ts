/** The consumer against the simulated cluster on virtual time: each behaviour that Kafka's documentation promises. */
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../../cluster/protocol/errors.ts';
import {
  pollUntil,
  type Records,
  type Reference,
  type SimulatedClient,
  type Simulation,
  simulate,
  valuesOf,
} from '../testing/simulation.ts';

const FETCH = 1;
const METADATA = 3;
const OFFSET_COMMIT = 8;
const FIND_COORDINATOR = 10;
const JOIN_GROUP = 11;
const HEARTBEAT = 12;

const loading = { apiKey: OFFSET_COMMIT, errorCode: errorCode('COORDINATOR_LOAD_IN_PROGRESS') };

/** A topic whose partition p holds the values p-0, p-1, and so on. */
async function fill(
  { cluster, start }: Simulation,
  partitions: number,
  each: number,
): Promise<SimulatedClient> {
  const client = await start('writer');
  const replicationFactor = cluster.brokerIds.length;
  cluster.createTopic({ name: 'topic', partitions, replicationFactor });
  await write(client, partitions, 0, each);
  return client;
}

async function write(
  client: SimulatedClient,
  partitions: number,
  from: number,
  count: number,
): Promise<void> {
  const producer = client.producer();
  const sent = Array.from({ length: partitions * count }, (_, i) => {
    const partition = i % partitions;
    const value = `${partition}-${from + Math.floor(i / partitions)}`;
    return producer.send({ topic: 'topic', partition, value });
  });
  await Promise.all(sent);
  await producer.close();
}

const group = { 'group.id': 'group', 'auto.offset.reset': 'earliest' } as const;
const byHand = { ...group, 'enable.auto.commit': false } as const;

/** A static member that has been handed a record, and a second one that has taken its place and been handed it too. */
async function takenOver(
  simulation: Simulation,
  writer: SimulatedClient,
  options: Parameters<SimulatedClient['consumer']>[0],
) {
  const first = writer.consumer(options);
  first.subscribe(['topic']);
  await pollUntil(first, 1);
  const second = (await simulation.start('second')).consumer(options);
  second.subscribe(['topic']);
  await pollUntil(second, 1);
  return { first, second };
}

/** Polls again and again until it is told to stop. */
function keepPolling(consumer: Reference.Consumer) {
  let goesOn = true;
  const records: Records = [];
  const done = (async () => {
    while (goesOn) records.push(...(await consumer.poll(100)));
  })();
  return {
    records,
    stop: async () => {
      goesOn = false;
      await done;
    },
  };
}

const committedOf = async (consumer: Reference.Consumer, partition = 0): Promise<number | undefined> =>
  (await consumer.committed([{ topic: 'topic', partition }])).get(`topic-${partition}`)?.offset;

const names = (partitions: readonly { topic: string; partition: number }[]): string[] =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`);

/** What a listener was told, in order. */
function listen(log: string[], name = '') {
  const note =
    (what: string) =>
    (partitions: readonly { topic: string; partition: number }[]): void =>
      void log.push(`${name}${what} ${names(partitions).join(',')}`);
  return {
    onPartitionsAssigned: note('assigned'),
    onPartitionsRevoked: note('revoked'),
    onPartitionsLost: note('lost'),
  };
}

describe('poll', () => {
  it('hands over the records of all partitions in their order, at most max.poll.records at once', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 3, 10);
      const consumer = client.consumer({ ...group, 'max.poll.records': 4 });
      consumer.subscribe(['topic']);
      const sizes: number[] = [];
      const records: Records = [];
      while (records.length < 30) {
        const polled = await consumer.poll(1_000);
        if (polled.length > 0) sizes.push(polled.length);
        records.push(...polled);
      }
      expect(Math.max(...sizes)).toBe(4);
      for (const partition of [0, 1, 2])
        expect(valuesOf(records.filter((record) => record.partition === partition))).toEqual(
          Array.from({ length: 10 }, (_, i) => `${partition}-${i}`),
        );
      await consumer.close();
    });
  });

  it('reads ahead: a second poll needs no broker', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 10);
      const consumer = client.consumer({ ...group, 'max.poll.records': 5 });
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 5);
      simulation.cluster.intercept({ apiKey: FETCH, times: 1_000, drop: true });
      expect(await consumer.poll(0)).toHaveLength(5);
      expect(await consumer.poll(100)).toEqual([]);
    });
  });

  it('finds the topics of a pattern, and new ones', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 2);
      const consumer = client.consumer({ ...group, 'metadata.max.age.ms': 1_000 });
      consumer.subscribe(/^top/);
      expect(await pollUntil(consumer, 2)).toHaveLength(2);
      simulation.cluster.createTopic({ name: 'topmost', partitions: 1, replicationFactor: 1 });
      simulation.cluster.createTopic({ name: 'other', partitions: 1, replicationFactor: 1 });
      const polling = keepPolling(consumer);
      await simulation.until(() => consumer.assignment().length === 2);
      await polling.stop();
      expect(names(consumer.assignment())).toEqual(['topic-0', 'topmost-0']);
    });
  });

  it('waits for fetch.min.bytes no longer than fetch.max.wait.ms', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer({ 'fetch.min.bytes': 100_000, 'fetch.max.wait.ms': 3_000 });
      consumer.assign([{ topic: 'topic', partition: 0 }]);
      consumer.seekToBeginning(consumer.assignment());
      const startMs = simulation.nowMs();
      expect(await consumer.poll(10_000)).toHaveLength(1);
      expect(simulation.nowMs() - startMs).toBeGreaterThan(3_000);
      expect(simulation.nowMs() - startMs).toBeLessThan(3_500);
    });
  });

  it('is refused while another call is under way, and without a subscription', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(byHand);
      await expect(consumer.poll(1)).rejects.toMatchObject({ name: 'IllegalStateException' });
      consumer.subscribe(['topic']);
      const polling = consumer.poll(1_000);
      await expect(consumer.poll(1)).rejects.toMatchObject({ name: 'ConcurrentModificationException' });
      expect(() => consumer.assign([])).toThrow(/not safe for calls at the same time/);
      await polling;
      expect(() => consumer.assign([])).toThrow(/mutually exclusive/);
    });
  });
});

describe('max.poll.interval.ms', () => {
  it('exceeded: the member leaves, its next commit is refused, and its partitions are lost', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 5);
      const log: string[] = [];
      const consumer = client.consumer({ ...byHand, 'max.poll.interval.ms': 5_000 });
      consumer.subscribe(['topic'], listen(log));
      expect(await pollUntil(consumer, 5)).toHaveLength(5);
      await simulation.sleep(4_500);
      await consumer.commitSync();
      await simulation.sleep(1_000);
      await expect(consumer.commitSync()).rejects.toMatchObject({ name: 'CommitFailedException' });
      expect(simulation.log.join()).toMatch(/leaving group, no call of poll in 5000 ms/);
      await pollUntil(consumer, 1);
      expect(log).toEqual(['assigned topic-0', 'lost topic-0', 'assigned topic-0']);
      expect(await committedOf(consumer)).toBe(5);
    });
  });
});

describe('heartbeats', () => {
  it('keep the membership while the application works on its records, and stop with a crash', async () => {
    await simulate(async (simulation) => {
      const writer = await fill(simulation, 2, 5);
      const options = { ...byHand, 'session.timeout.ms': 3_000, 'heartbeat.interval.ms': 500 };
      const first = await simulation.start('first');
      const consumer = first.consumer(options);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 10);
      // Ten sessions without a poll.
      await simulation.sleep(30_000);
      await consumer.commitSync();
      first.process.signal('SIGKILL');
      const second = writer.consumer(options);
      second.subscribe(['topic']);
      const startMs = simulation.nowMs();
      const polling = keepPolling(second);
      await simulation.until(() => second.assignment().length === 2);
      await polling.stop();
      expect(simulation.nowMs() - startMs).toBeGreaterThan(2_000);
      expect(simulation.nowMs() - startMs).toBeLessThan(5_000);
    });
  });

  it('that call to a rebalance are a sign of life of the coordinator too', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const timeouts = { 'session.timeout.ms': 1_000, 'heartbeat.interval.ms': 200 };
      const first = client.consumer({ ...byHand, ...timeouts });
      first.subscribe(['topic']);
      await pollUntil(first, 1);
      const second = (await simulation.start('second')).consumer(group);
      second.subscribe(['topic']);
      const joining = keepPolling(second);
      await simulation.sleep(1_000);
      const looksUp = simulation.cluster.intercept({
        apiKey: FIND_COORDINATOR,
        times: 1,
        match: (_request, { clientId }) => clientId === 'writer',
      });
      await simulation.sleep(5_000);
      expect(looksUp()).toBe(0);
      await first.close();
      await joining.stop();
    });
  });

  it('are checked against session.timeout.ms', async () => {
    await simulate(async ({ start, log }) => {
      const { consumer } = await start('c');
      const sized = (heartbeat: number) => () =>
        consumer({ ...group, 'session.timeout.ms': 3_000, 'heartbeat.interval.ms': heartbeat });
      expect(sized(3_000)).toThrow(/heartbeat.interval.ms \(3000\) must be lower than session.timeout.ms/);
      sized(1_000)();
      expect(log).toEqual([]);
      sized(1_001)();
      expect(log.join()).toMatch(/above a third/);
    });
  });

  it('tell of a group that has gone on without the member', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const log: string[] = [];
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic'], listen(log));
      await pollUntil(consumer, 1);
      simulation.cluster.intercept({
        apiKey: HEARTBEAT,
        times: 1,
        errorCode: errorCode('UNKNOWN_MEMBER_ID'),
      });
      const polling = keepPolling(consumer);
      await simulation.until(() => log.length >= 3);
      await polling.stop();
      expect(log).toEqual(['assigned topic-0', 'lost topic-0', 'assigned topic-0']);
    });
  });
});

describe('commits', () => {
  it('enable.auto.commit commits in poll what the poll before handed over, at its interval, and on close', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 10);
      const consumer = client.consumer({ ...group, 'max.poll.records': 5, 'auto.commit.interval.ms': 1_000 });
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 5);
      await simulation.sleep(5_000);
      // Nobody has polled, so nothing is committed, although the interval is over.
      expect(await committedOf(consumer)).toBeUndefined();
      expect(await consumer.poll(100)).toHaveLength(5);
      await simulation.sleep(100);
      expect(await committedOf(consumer)).toBe(5);
      await consumer.close();
      const reader = client.consumer(group);
      expect(await committedOf(reader)).toBe(10);
    });
  });

  it('commitSync commits all that was handed over, or the offsets that it is given', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 2, 3);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 6);
      await consumer.commitSync([{ topic: 'topic', partition: 1, offset: 2, metadata: 'why' }]);
      const partition = { topic: 'topic', partition: 1 };
      expect((await consumer.committed([partition])).get('topic-1')).toMatchObject({
        offset: 2,
        metadata: 'why',
      });
      expect(await committedOf(consumer, 0)).toBeUndefined();
      await consumer.commitSync();
      expect([await committedOf(consumer, 0), await committedOf(consumer, 1)]).toEqual([3, 3]);
    });
  });

  it('commitSync tries again what passes, until its time is over', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 1);
      simulation.cluster.intercept({ ...loading, times: 3 });
      await consumer.commitSync();
      expect(await committedOf(consumer)).toBe(1);
      const end = simulation.cluster.intercept({ ...loading, times: 1_000 });
      await expect(consumer.commitSync(undefined, 1_000)).rejects.toMatchObject({ name: 'TimeoutException' });
      expect(end()).toBeGreaterThan(5);
    });
  });

  it('commitAsync is not tried again, and a later one overtakes it', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 5);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 5);
      const end = simulation.cluster.intercept({ ...loading, times: 1 });
      const answers: string[] = [];
      const at = (offset: number) => [{ topic: 'topic', partition: 0, offset }];
      for (const offset of [1, 2])
        consumer.commitAsync(at(offset), (offsets, error) =>
          answers.push(`${offsets[0]?.offset} ${error?.name ?? 'ok'}`),
        );
      consumer.commitAsync(at(3));
      await simulation.sleep(1_000);
      // Callbacks are called inside calls of the application, as in Java.
      expect(answers).toEqual([]);
      await consumer.poll(0);
      expect(answers).toEqual(['1 RetriableCommitFailedException', '2 ok']);
      await simulation.sleep(5_000);
      expect(end()).toBe(1);
      expect(await committedOf(consumer)).toBe(3);
    });
  });

  it('before a rebalance is tried again by the next poll, and by nothing else', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 2, 1);
      const options = { ...group, 'auto.commit.interval.ms': 600_000, 'heartbeat.interval.ms': 500 };
      const first = client.consumer(options);
      first.subscribe(['topic']);
      await pollUntil(first, 2);
      const second = (await simulation.start('second')).consumer(options);
      second.subscribe(['topic']);
      const joining = keepPolling(second);
      await simulation.sleep(1_000);
      const end = simulation.cluster.intercept({ ...loading, times: 1_000 });
      await first.poll(0);
      await simulation.sleep(2_000);
      await first.poll(0);
      await simulation.sleep(2_000);
      // Else it would take back what a later commit has said, such as that of close.
      expect(end()).toBe(2);
      await first.close();
      await joining.stop();
      expect(await committedOf(second)).toBe(1);
    });
  });

  it.each([
    ['range', []],
    ['cooperative-sticky', ['0-1']],
  ] as const)(
    'before a rebalance let nothing of what is given up be handed over: %s',
    async (assignor, handed) => {
      await simulate(async (simulation) => {
        const client = await fill(simulation, 1, 3);
        const strategy = { 'partition.assignment.strategy': [assignor] };
        const options = { ...group, ...strategy, 'max.poll.records': 1, 'heartbeat.interval.ms': 500 };
        const first = client.consumer({ ...options, 'auto.commit.interval.ms': 600_000 });
        first.subscribe(['topic']);
        await pollUntil(first, 1);
        const second = (await simulation.start('second')).consumer(options);
        second.subscribe(['topic']);
        const joining = keepPolling(second);
        await simulation.sleep(1_000);
        const end = simulation.cluster.intercept({ ...loading, times: 1_000 });
        expect(valuesOf(await first.poll(0))).toEqual(handed);
        end();
        await first.close();
        await joining.stop();
      });
    },
  );

  it('of a generation that is over are refused', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 1);
      simulation.cluster.intercept({
        apiKey: OFFSET_COMMIT,
        times: 1,
        errorCode: errorCode('ILLEGAL_GENERATION'),
      });
      await expect(consumer.commitSync()).rejects.toMatchObject({
        name: 'CommitFailedException',
        cause: { type: 'ILLEGAL_GENERATION' },
      });
    });
  });
});

describe('rebalances', () => {
  it('divide the partitions, revoke all of them first, and hand over from the committed offsets', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 4, 2);
      const log: string[] = [];
      const [a, b] = [client.consumer(group), (await simulation.start('b')).consumer(group)];
      a.subscribe(['topic'], listen(log, 'a '));
      await pollUntil(a, 8);
      b.subscribe(['topic'], listen(log, 'b '));
      const polling = [keepPolling(a), keepPolling(b)];
      await simulation.until(() => b.assignment().length === 2 && a.assignment().length === 2);
      await write(client, 4, 2, 1);
      await simulation.until(() => polling.flatMap(({ records }) => records).length === 4);
      for (const one of polling) await one.stop();
      const all = 'topic-0,topic-1,topic-2,topic-3';
      expect(log.slice(0, 2)).toEqual([`a assigned ${all}`, `a revoked ${all}`]);
      expect(log.slice(2).map((line) => line.slice(2, 10))).toEqual(['assigned', 'assigned']);
      expect(valuesOf(polling.flatMap(({ records }) => records)).sort()).toEqual([
        '0-2',
        '1-2',
        '2-2',
        '3-2',
      ]);
      await b.close();
      const alone = keepPolling(a);
      await simulation.until(() => a.assignment().length === 4);
      await alone.stop();
    });
  });

  it.each(['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const)(
    'divide the partitions by %s, and again when a member leaves',
    async (strategy) => {
      await simulate(async (simulation) => {
        const client = await fill(simulation, 4, 1);
        const options = { ...group, 'partition.assignment.strategy': [strategy] };
        const [a, b] = [client.consumer(options), (await simulation.start('b')).consumer(options)];
        const polling = [a, b].map((one) => {
          one.subscribe(['topic']);
          return keepPolling(one);
        });
        await simulation.until(() => a.assignment().length === 2 && b.assignment().length === 2);
        expect(new Set(names([...a.assignment(), ...b.assignment()])).size).toBe(4);
        expect(a.groupRole.protocol).toBe(strategy);
        await polling[1]?.stop();
        await b.close();
        await simulation.until(() => a.assignment().length === 4);
        await polling[0]?.stop();
      });
    },
  );

  it('by cooperative-sticky take away only what another member is given', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 4, 2);
      const log: string[] = [];
      const options = { ...group, 'partition.assignment.strategy': ['cooperative-sticky' as const] };
      const a = client.consumer(options);
      a.subscribe(['topic'], listen(log, 'a '));
      await pollUntil(a, 8);
      const kept = [0, 1].map((partition) => ({ topic: 'topic', partition }));
      a.pause(kept.slice(0, 1));
      const b = (await simulation.start('b')).consumer(options);
      b.subscribe(['topic'], listen(log, 'b '));
      const polling = [keepPolling(a), keepPolling(b)];
      await simulation.until(() => b.assignment().length === 2);
      for (const one of polling) await one.stop();
      const of = (name: string): string[] => log.filter((line) => line.startsWith(name));
      expect(of('a').slice(0, 3)).toEqual([
        'a assigned topic-0,topic-1,topic-2,topic-3',
        'a revoked topic-2,topic-3',
        'a assigned ',
      ]);
      expect(of('b')).toEqual(['b assigned ', 'b assigned topic-2,topic-3']);
      expect(names(a.assignment())).toEqual(['topic-0', 'topic-1']);
      expect(names(b.assignment())).toEqual(['topic-2', 'topic-3']);
      // What was not taken away is as it was: the position, and that it is paused.
      expect(names(a.paused())).toEqual(['topic-0']);
      expect(polling.flatMap(({ records }) => records)).toEqual([]);
    });
  });

  it('follow new partitions', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer({ ...group, 'metadata.max.age.ms': 1_000 });
      consumer.subscribe(['topic']);
      const polling = keepPolling(consumer);
      await simulation.until(() => consumer.assignment().length === 1);
      simulation.cluster.addPartitions('topic', 3);
      await simulation.until(() => consumer.assignment().length === 3, 5_000);
      await polling.stop();
      expect(names(consumer.assignment())).toEqual(['topic-0', 'topic-1', 'topic-2']);
    });
  });

  it('are not needed for a static member that comes back within its session', async () => {
    await simulate(async (simulation) => {
      const writer = await fill(simulation, 2, 1);
      const log: string[] = [];
      const other = writer.consumer({ ...group, 'group.instance.id': 'one' });
      other.subscribe(['topic'], listen(log));
      const polling = keepPolling(other);
      const first = (await simulation.start('first')).consumer({ ...group, 'group.instance.id': 'two' });
      first.subscribe(['topic']);
      const before = keepPolling(first);
      await simulation.until(() => first.assignment().length === 1 && other.assignment().length === 1);
      await before.stop();
      const { generationId, memberId } = first.groupMetadata();
      const [owned] = first.assignment();
      await first.close();
      log.length = 0;
      const again = (await simulation.start('again')).consumer({ ...group, 'group.instance.id': 'two' });
      again.subscribe(['topic']);
      const after = keepPolling(again);
      await simulation.until(() => again.assignment().length === 1);
      await after.stop();
      await polling.stop();
      expect(again.assignment()).toEqual([owned]);
      expect(again.groupMetadata().generationId).toBe(generationId);
      expect(again.groupMetadata().memberId).not.toBe(memberId);
      expect(log).toEqual([]);
    });
  });

  it('give a static leader that is back the partitions that are added later', async () => {
    await simulate(async (simulation) => {
      const writer = await fill(simulation, 1, 1);
      const options = { ...group, 'group.instance.id': 'one', 'metadata.max.age.ms': 500 };
      const first = writer.consumer(options);
      first.subscribe(['topic']);
      await pollUntil(first, 1);
      await first.close();
      const again = (await simulation.start('again')).consumer(options);
      again.subscribe(['topic']);
      const polling = keepPolling(again);
      await simulation.until(() => again.assignment().length === 1);
      simulation.cluster.addPartitions('topic', 3);
      await simulation.until(() => again.assignment().length === 3);
      await polling.stop();
      expect(
        again
          .assignment()
          .map(({ partition }) => partition)
          .sort((a, b) => a - b),
      ).toEqual([0, 1, 2]);
    });
  });

  it('fence a static member whose id another one has taken', async () => {
    await simulate(async (simulation) => {
      const writer = await fill(simulation, 1, 1);
      const options = { ...byHand, 'group.instance.id': 'one' };
      const { first, second } = await takenOver(simulation, writer, options);
      const { memberId } = second.groupMetadata();
      await expect(first.commitSync()).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
      // It does not take the place back, but hears of it again in its next heartbeat.
      await expect(pollUntil(first, 1)).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
      await write(writer, 1, 1, 1);
      expect(valuesOf(await pollUntil(second, 1))).toEqual(['0-1']);
      await second.commitSync();
      expect(second.groupMetadata().memberId).toBe(memberId);
    });
  });

  it('fence a static member that commits in the background in the next call, and from then on', async () => {
    await simulate(async (simulation) => {
      const writer = await fill(simulation, 1, 1);
      const options = { ...byHand, 'group.instance.id': 'one', 'heartbeat.interval.ms': 9_000 };
      const { first } = await takenOver(simulation, writer, options);
      let told: Error | null = null;
      first.commitAsync(undefined, (_, error) => {
        told = error;
      });
      await simulation.sleep(100);
      await expect(first.poll(0)).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
      await expect(first.commitSync()).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
      await expect(first.poll(0)).rejects.toMatchObject({ name: 'FENCED_INSTANCE_ID' });
      expect(told).toBeNull();
      await first.close();
      expect(told).toMatchObject({ name: 'FENCED_INSTANCE_ID' });
    });
  });

  it('throw from poll what the listener has thrown, once the assignment is in place', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(group);
      consumer.subscribe(['topic'], {
        onPartitionsAssigned: () => {
          throw new Error('of the application');
        },
      });
      await expect(pollUntil(consumer, 1)).rejects.toMatchObject({
        cause: { message: 'of the application' },
      });
      expect(await pollUntil(consumer, 1)).toHaveLength(1);
    });
  });

  it('let the listener commit and seek', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 5);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic'], {
        onPartitionsAssigned: (partitions) => {
          for (const one of partitions) consumer.seek(one, 3);
        },
        onPartitionsRevoked: () => consumer.commitSync(),
      });
      expect(valuesOf(await pollUntil(consumer, 2))).toEqual(['0-3', '0-4']);
      await consumer.close();
      expect(await committedOf(client.consumer(byHand))).toBe(5);
    });
  });
});

describe('auto.offset.reset', () => {
  it('earliest begins at the start of the log, latest at its end', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 3);
      simulation.cluster.deleteRecords('topic', 0, 1n);
      const at = async (reset: 'earliest' | 'latest') => {
        const consumer = client.consumer({ 'group.id': reset, 'auto.offset.reset': reset });
        consumer.assign([{ topic: 'topic', partition: 0 }]);
        return await consumer.position({ topic: 'topic', partition: 0 });
      };
      expect(await at('earliest')).toBe(1);
      expect(await at('latest')).toBe(3);
    });
  });

  it('none is an error that names the partitions, and no record is handed over', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 2, 3);
      const options = { ...byHand, 'auto.offset.reset': 'none' } as const;
      const consumer = client.consumer(options);
      consumer.subscribe(['topic']);
      await expect(pollUntil(consumer, 1)).rejects.toMatchObject({
        name: 'NoOffsetForPartitionException',
        message: expect.stringContaining('topic-0, topic-1'),
      });
      await consumer.commitSync([0, 1].map((partition) => ({ topic: 'topic', partition, offset: 1 })));
      await consumer.close();
      const second = client.consumer(options);
      second.subscribe(['topic']);
      expect(valuesOf(await pollUntil(second, 4)).sort()).toEqual(['0-1', '0-2', '1-1', '1-2']);
      simulation.cluster.deleteRecords('topic', 0, 3n);
      second.seek({ topic: 'topic', partition: 0 }, 1);
      await expect(pollUntil(second, 1)).rejects.toMatchObject({
        name: 'OffsetOutOfRangeException',
        message: expect.stringContaining('topic-0@1'),
      });
    });
  });

  it('none is an error of a question for the position too, as soon as the coordinator has answered', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer({ ...byHand, 'auto.offset.reset': 'none' });
      consumer.assign([{ topic: 'topic', partition: 0 }]);
      const beforeMs = simulation.nowMs();
      await expect(consumer.position({ topic: 'topic', partition: 0 })).rejects.toMatchObject({
        name: 'NoOffsetForPartitionException',
      });
      expect(simulation.nowMs() - beforeMs).toBeLessThan(5_000);
    });
  });

  it('is what follows a position that the log no longer has', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 5);
      simulation.cluster.deleteRecords('topic', 0, 3n);
      const consumer = client.consumer(group);
      consumer.assign([{ topic: 'topic', partition: 0 }]);
      consumer.seek({ topic: 'topic', partition: 0 }, 1);
      expect(valuesOf(await pollUntil(consumer, 2))).toEqual(['0-3', '0-4']);
    });
  });
});

describe('seek, pause and position', () => {
  it('seek discards what was read ahead', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 10);
      const consumer = client.consumer({ ...byHand, 'max.poll.records': 3 });
      const partition = { topic: 'topic', partition: 0 };
      consumer.assign([partition]);
      await pollUntil(consumer, 3);
      expect(await consumer.position(partition)).toBe(3);
      consumer.seek(partition, 8);
      expect(valuesOf(await pollUntil(consumer, 2))).toEqual(['0-8', '0-9']);
      consumer.seekToBeginning([partition]);
      expect(await consumer.position(partition)).toBe(0);
      consumer.seekToEnd([partition]);
      expect(await consumer.position(partition)).toBe(10);
    });
  });

  it('pause holds back a partition, read ahead or not, until it is resumed', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 2, 5);
      const consumer = client.consumer({ ...byHand, 'max.poll.records': 2 });
      const [one, two] = [0, 1].map((partition) => ({ topic: 'topic', partition }));
      consumer.assign([one, two] as [typeof one & object, typeof two & object]);
      await pollUntil(consumer, 2);
      consumer.pause([one as { topic: string; partition: number }]);
      expect(names(consumer.paused())).toEqual(['topic-0']);
      const rest = await pollUntil(consumer, 100);
      expect(new Set(rest.map(({ partition }) => partition))).toEqual(new Set([1]));
      consumer.resume(consumer.paused());
      const resumed = await pollUntil(consumer, 1);
      expect(new Set(resumed.map(({ partition }) => partition))).toEqual(new Set([0]));
    });
  });
});

describe('wakeup and close', () => {
  it('wakeup ends a poll that waits, or the next one', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 0);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      const startMs = simulation.nowMs();
      const polling = consumer.poll(60_000).catch((error: unknown) => error);
      await simulation.sleep(3_000);
      consumer.wakeup();
      expect(await polling).toMatchObject({ name: 'WakeupException' });
      expect(simulation.nowMs() - startMs).toBeLessThan(3_001);
      consumer.wakeup();
      await expect(consumer.poll(1_000)).rejects.toMatchObject({ name: 'WakeupException' });
      expect(await consumer.poll(10)).toEqual([]);
    });
  });

  it('wakeup ends a commit that waits', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(byHand);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 1);
      simulation.cluster.intercept({ apiKey: OFFSET_COMMIT, times: 1, drop: true });
      const committing = consumer.commitSync().catch((error: unknown) => error);
      await simulation.sleep(100);
      consumer.wakeup();
      expect(await committing).toMatchObject({ name: 'WakeupException', fate: 'unknown' });
    });
  });

  it('close takes no longer than its time where no broker answers', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer(group);
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 1);
      simulation.network.cut('writer', 1, 'to-process');
      const startMs = simulation.nowMs();
      await consumer.close(2_000);
      expect(simulation.nowMs() - startMs).toBeLessThan(2_100);
      await expect(consumer.poll(1)).rejects.toThrow(/already been closed/);
    });
  });
});

describe('unsubscribe', () => {
  it('forgets the member id that a join was given meanwhile, also where nothing is subscribed to any more', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const secondJoin = async (unsubscribesAgain: boolean) => {
        const consumer = client.consumer(byHand);
        const asked: string[] = [];
        simulation.cluster.intercept({
          apiKey: JOIN_GROUP,
          times: 2,
          delayMs: 500,
          match: (request) => asked.push((request as { memberId: string }).memberId) > 0,
        });
        const asks = async (times: number) => {
          consumer.subscribe(['topic']);
          while (asked.length < times) await consumer.poll(10);
          await consumer.unsubscribe();
          await simulation.sleep(1_000);
        };
        await asks(1);
        if (unsubscribesAgain) await consumer.unsubscribe();
        await asks(2);
        await consumer.close();
        return asked[1];
      };
      expect(await secondJoin(true)).toBe('');
      // As in Java, whoever subscribes again goes on with the id that has come.
      expect(await secondJoin(false)).not.toBe('');
    });
  });
});

describe('metadata', () => {
  it('is asked for once each time it is too old, however often the application polls meanwhile', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const consumer = client.consumer({ ...byHand, 'metadata.max.age.ms': 1_000 });
      consumer.subscribe(['topic']);
      await pollUntil(consumer, 1);
      const slow = simulation.cluster.intercept({ apiKey: METADATA, times: 1_000, delayMs: 500 });
      const endMs = simulation.nowMs() + 6_000;
      while (simulation.nowMs() < endMs) await consumer.poll(20);
      // One each 1,500 ms.
      expect(slow()).toBe(4);
    });
  });

  it('an answer without brokers says nothing of topics either: what was known stays, and it is asked for again', async () => {
    await simulate(async (simulation) => {
      const client = await fill(simulation, 1, 1);
      const log: string[] = [];
      const consumer = client.consumer({ ...group, 'metadata.max.age.ms': 1_000 });
      consumer.subscribe(/^top/, listen(log));
      await pollUntil(consumer, 1);
      const { generationId } = consumer.groupMetadata();
      const empty = simulation.cluster.intercept({
        apiKey: METADATA,
        times: 5,
        errorCode: errorCode('NETWORK_EXCEPTION'),
      });
      const endMs = simulation.nowMs() + 4_000;
      while (simulation.nowMs() < endMs) await consumer.poll(20);
      expect(log).toEqual(['assigned topic-0']);
      expect(consumer.groupMetadata().generationId).toBe(generationId);
      expect(empty()).toBe(5);
    });
  });
});

describe('a leader', () => {
  it('takes no answer for one about the topics of others that it was asked about before', async () => {
    await simulate(async (simulation) => {
      const { cluster, nowMs, until, sleep } = simulation;
      const client = await fill(simulation, 1, 1);
      cluster.createTopic({ name: 'other', partitions: 1, replicationFactor: 1 });
      const log: string[] = [];
      const leader = client.consumer({
        ...byHand,
        'metadata.max.age.ms': 2_000,
        'heartbeat.interval.ms': 100,
      });
      leader.subscribe(['topic'], listen(log));
      const polling = keepPolling(leader);
      await until(() => log.length === 1);
      const joins = async (name: string) => {
        const member = (await simulation.start(name)).consumer(byHand);
        member.subscribe(['other']);
        while (member.assignment().length === 0) await member.poll(100);
        return member;
      };
      const b = await joins('b');
      await b.poll(2_000);
      await b.close();
      // One that asks about its own topic alone, and is answered when the group has the other topic again.
      let askedMs = 0;
      cluster.intercept({
        apiKey: METADATA,
        times: 1_000,
        delayMs: 1_500,
        match: (_, { clientId }) => {
          if (clientId === 'writer' && askedMs === 0) askedMs = nowMs();
          return clientId === 'writer';
        },
      });
      await until(() => askedMs > 0);
      const before = log.length;
      await joins('c');
      await sleep(5_000);
      await polling.stop();
      expect(log.slice(before)).toEqual(['revoked topic-0', 'assigned topic-0']);
    });
  });
});

describe('what goes wrong in the cluster', () => {
  it('a lost connection, a moved leader and a moved coordinator are found again', async () => {
    await simulate(
      async (simulation) => {
        const { cluster, network } = simulation;
        const client = await fill(simulation, 2, 2);
        const consumer = (await simulation.start('c')).consumer({ ...group, 'auto.commit.interval.ms': 200 });
        consumer.subscribe(['topic']);
        const polling = keepPolling(consumer);
        await simulation.until(() => polling.records.length === 4);
        for (const broker of cluster.brokerIds) network.reset('c', broker);
        await write(client, 2, 2, 2);
        await simulation.until(() => polling.records.length === 8);
        const next = cluster.brokerIds.find((id) => id !== cluster.leaderOf('topic', 0)) ?? 1;
        cluster.moveLeader('topic', 0, next);
        await write(client, 2, 4, 2);
        await simulation.until(() => polling.records.length === 12);
        const coordinator = cluster.leaderOf('__consumer_offsets', 0) ?? 1;
        cluster.stopBroker(coordinator);
        await write(client, 2, 6, 2);
        await simulation.until(() => polling.records.length === 16);
        await simulation.sleep(5_000);
        await polling.stop();
        expect(cluster.leaderOf('__consumer_offsets', 0)).not.toBe(coordinator);
        expect([await committedOf(consumer, 0), await committedOf(consumer, 1)]).toEqual([8, 8]);
      },
      { brokerCount: 3 },
    );
  });
});
