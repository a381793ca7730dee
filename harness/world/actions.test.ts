/** Actions on topics against a cluster that answers as Kafka does: whatever overlaps, the run goes on and the topic is there. */
import { expect, it } from 'vitest';
import { parseScenario } from '../../scenarios/schema.ts';
import { runActions, type Tools } from './actions.ts';
import type { Administration } from './administration.ts';
import { KafkaRequestError } from './kafka/observer/kafka-error.ts';
import { type RunContext, type RunEvent, waitMs } from './run-context.ts';
import { contextOf } from './testing/contexts.ts';

const scenarioOf = (actions: readonly object[]) =>
  parseScenario(
    {
      version: 1,
      name: 'topics',
      seed: 1,
      topology: { brokers: 3, topics: [{ name: 'orders', partitions: 3, replicationFactor: 3 }] },
      producers: [],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3_000,
          rebalanceTimeoutMs: 3_000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'per-record' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }],
        },
      ],
      actions: [...actions, { kind: 'join', atMs: 60_000, member: 'm1' }],
      settling: { boundMs: 10_000 },
    },
    'the test',
  );

const DELETION_MS = 100;
const CREATION_MS = 300;

/** One topic on three brokers, all of which are there from `completeMs` on. */
class SlowCluster implements Partial<Administration> {
  partitions: number | null = 3;
  readonly #context: RunContext;
  readonly #completeMs: number;

  constructor(context: RunContext, completeMs: number) {
    this.#context = context;
    this.#completeMs = completeMs;
  }

  async logOffsets(topic: string, timeoutMs: number) {
    await this.#untilThere(topic, timeoutMs);
    return Array.from({ length: this.partitions ?? 0 }, (_, partition) => ({
      partition,
      logStartOffset: 0n,
      logEndOffset: 10n,
    }));
  }

  async deleteTopics() {
    await waitMs(this.#context, DELETION_MS);
    this.partitions = null;
  }

  async createTopics([topic]: Parameters<Administration['createTopics']>[0]) {
    if (topic === undefined) return;
    if (this.#context.now() < this.#completeMs)
      throw new KafkaRequestError('creating', 'INVALID_REPLICATION_FACTOR');
    if (this.partitions !== null) throw new KafkaRequestError('creating', 'TOPIC_ALREADY_EXISTS');
    this.partitions = topic.partitions;
    await waitMs(this.#context, CREATION_MS);
  }

  async addPartitions(topic: string, total: number, timeoutMs: number) {
    await this.#untilThere(topic, timeoutMs);
    if ((this.partitions ?? 0) >= total) throw new KafkaRequestError('raising', 'INVALID_PARTITIONS');
    this.partitions = total;
  }

  /** An unknown topic is asked for again: metadata may lag behind. */
  async #untilThere(topic: string, timeoutMs: number): Promise<void> {
    const deadlineMs = this.#context.now() + timeoutMs;
    while (this.partitions === null) {
      if (this.#context.now() >= deadlineMs) throw new KafkaRequestError(topic, 'UNKNOWN_TOPIC_OR_PARTITION');
      await waitMs(this.#context, 50);
    }
  }
}

async function run(
  actions: readonly object[],
  {
    completeMs = 0,
    prepare = () => {},
  }: { completeMs?: number; prepare?: (cluster: SlowCluster, context: RunContext) => void } = {},
) {
  let now = 0;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const events: RunEvent[] = [];
  const clock = {
    now: () => now,
    after(delayMs: number, callback: () => void) {
      const timer = { atMs: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const context = contextOf(scenarioOf(actions), clock, (event) => events.push(event as RunEvent));
  const cluster = new SlowCluster(context, completeMs);
  prepare(cluster, context);
  const processes = { start: () => null };
  const tools = {
    processes,
    admin: cluster,
    brokers: null,
    links: { unbreakable: 'it has none' },
    cluster: null,
  } as unknown as Tools;
  let isOver = false;
  const running = runActions(context, tools).finally(() => {
    isOver = true;
  });
  running.catch(() => {});
  while (!isOver) {
    // All that can go on without time goes on first.
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    const next = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) continue;
    timers.delete(next);
    now = next.atMs;
    next.callback();
  }
  await running;
  const told = events.flatMap((event) =>
    event.kind === 'action' && event.actionKind !== 'join'
      ? [`${event.action} ${event.phase} ${event.reason ?? event.outcome}`]
      : [],
  );
  return { told, partitions: cluster.partitions };
}

const recreation = (atMs: number, durationMs: number) => ({
  kind: 'recreate-topic',
  atMs,
  durationMs,
  topic: 'orders',
});

it('a topic that is away to be created again cannot be recreated a second time', async () => {
  const { told, partitions } = await run([
    recreation(1_000, 2_000),
    recreation(1_010, 2_000),
    recreation(2_500, 1_000),
  ]);
  expect(told).toEqual([
    '0 begin applied',
    '1 begin the topic is being recreated',
    '2 begin the topic is being recreated',
    '0 end applied',
  ]);
  expect(partitions).toBe(3);
});

it('nor can anything else be done to it', async () => {
  const { told, partitions } = await run([
    recreation(1_000, 2_000),
    { kind: 'add-partitions', atMs: 1_500, topic: 'orders', partitions: 5 },
    { kind: 'delete-records', atMs: 1_500, topic: 'orders', partition: 0, percent: 50 },
    { kind: 'delete-offsets', atMs: 1_500, topic: 'orders', group: 'billing' },
    { kind: 'alter-offsets', atMs: 1_500, topic: 'orders', group: 'billing', partition: 0, offset: 1 },
  ]);
  expect(told.slice(1, 5)).toEqual(
    [1, 2, 3, 4].map((index) => `${index} begin the topic is being recreated`),
  );
  expect(partitions).toBe(3);
});

it('what comes after that waits for a creation that is late', async () => {
  const { told, partitions } = await run([
    recreation(1_000, 500),
    recreation(1_500, 500),
    { kind: 'add-partitions', atMs: 2_100, topic: 'orders', partitions: 5 },
  ]);
  expect(told).toEqual([
    '0 begin applied',
    '0 end applied',
    '1 begin applied',
    '1 end applied',
    '2 begin applied',
    '2 end applied',
  ]);
  expect(partitions).toBe(5);
});

it('a recreation waits for partitions that are being added, and brings them back', async () => {
  const { told, partitions } = await run(
    [{ kind: 'add-partitions', atMs: 1_000, topic: 'orders', partitions: 5 }, recreation(1_000, 500)],
    {
      prepare: (cluster, context) => {
        cluster.addPartitions = async (_topic: string, total: number) => {
          await waitMs(context, 700);
          cluster.partitions = total;
        };
      },
    },
  );
  expect(told).toEqual(['0 begin applied', '1 begin applied', '0 end applied', '1 end applied']);
  expect(partitions).toBe(5);
});

it('of two that wait for a late creation one has its turn, and the topic is away for the other', async () => {
  const { told, partitions } = await run(
    [recreation(1_000, 500), recreation(1_600, 1_000), recreation(1_700, 1_000)],
    { completeMs: 20_000 },
  );
  expect(told).toEqual([
    '0 begin applied',
    '0 end applied',
    '1 begin applied',
    '2 begin the topic is being recreated',
    '1 end applied',
  ]);
  expect(partitions).toBe(3);
});

it('a topic with a replica on every broker comes back when all brokers do', async () => {
  const { told, partitions } = await run([recreation(1_000, 500)], { completeMs: 45_000 });
  expect(told).toEqual(['0 begin applied', '0 end applied']);
  expect(partitions).toBe(3);
});

it('a topic that a client has created by asking for it gets the partitions that it had', async () => {
  const { told, partitions } = await run([recreation(1_000, 2_000)], {
    prepare: (cluster, context) => {
      context.after(2_000, () => {
        cluster.partitions = 1;
      });
    },
  });
  expect(told).toEqual(['0 begin applied', '0 end applied']);
  expect(partitions).toBe(3);
});

it('a topic whose deletion was given up is there all the same', async () => {
  const { told, partitions } = await run([recreation(1_000, 500)], {
    prepare: (cluster) => {
      cluster.deleteTopics = async () => {
        cluster.partitions = null;
        await Promise.reject(new KafkaRequestError('deleting', 'REQUEST_TIMED_OUT'));
      };
    },
  });
  expect(told).toEqual(['0 begin applied', '0 end deleting: Kafka answered REQUEST_TIMED_OUT']);
  expect(partitions).toBe(3);
});
