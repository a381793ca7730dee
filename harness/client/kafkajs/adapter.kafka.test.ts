/** The kafkajs adapter against real Kafka: every mode that it has, and the order in which its events come. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UnplacedEvent } from '../../history/schema.ts';
import { type ClusterSet, startClusterSet } from '../../world/kafka/cluster-set.ts';
import {
  createClients,
  eventsOf,
  type MemberGroup,
  usualGroup,
  usualProducer,
} from './testing/run-client.ts';

const RECORDS = 8;
const PARTITIONS = 2;
const OFFSETS = Array.from({ length: RECORDS / PARTITIONS }, (_, offset) => offset);

let cluster: ClusterSet;
let clients: ReturnType<typeof createClients>;
let admin: ReturnType<Kafka['admin']>;
let topic: string;

const createTopic = async (name: string, numPartitions: number): Promise<string> => {
  await admin.createTopics({ topics: [{ topic: name, numPartitions, replicationFactor: 1 }] });
  return name;
};

/** A topic with records, each in a batch of its own or so many together. */
const createFilledTopic = async (
  name: string,
  partitions: number,
  records: number,
  recordsPerSend = 1,
): Promise<string> => {
  await createTopic(name, partitions);
  const producer = clients.producer(usualProducer({ topics: [name], records, recordsPerSend }));
  expect(await producer.process.exited).toEqual({ code: 0, signal: null, invalidLines: 0 });
  return name;
};

beforeAll(async () => {
  cluster = await startClusterSet({
    brokerCount: 1,
    groupInitialRebalanceDelayMs: 0,
    sessionId: `adapter-test-${process.pid}`,
  });
  clients = createClients(cluster.bootstrapServers);
  admin = new Kafka({ brokers: [...cluster.bootstrapServers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  topic = await createFilledTopic('modes', PARTITIONS, RECORDS);
});
afterAll(async () => {
  await clients?.stop();
  await admin?.disconnect();
  await cluster?.stop();
});

const processed = (events: readonly UnplacedEvent[]): number =>
  eventsOf(events, 'processing-end').filter(({ outcome }) => outcome === 'ok').length;

/** What happened to one partition, one word per event. */
const traceOf = (events: readonly UnplacedEvent[], partition: number): string[] => {
  const calls = new Map<number, number>();
  const commits = new Map<number, number>();
  return events.flatMap((event): string[] => {
    switch (event.kind) {
      case 'delivery':
        return event.partition === partition ? [`delivery ${event.offsets.join(',')}`] : [];
      case 'processing-begin':
        return event.partition === partition ? [`begin ${event.offset}`] : [];
      case 'processing-end':
        return event.partition === partition ? [`${event.outcome} ${event.offset}`] : [];
      case 'application-commit': {
        const [one] = event.offsets;
        calls.set(event.call, one?.partition ?? -1);
        return one?.partition === partition
          ? [`call ${one.offset}${event.awaited ? '' : ' (not awaited)'}`]
          : [];
      }
      case 'application-commit-end':
        return calls.get(event.call) === partition ? [`call ${event.outcome}`] : [];
      case 'commit-invoke': {
        const [one] = event.offsets;
        commits.set(event.commit, one?.partition ?? -1);
        return one?.partition === partition ? [`invoke ${one.offset}`] : [];
      }
      case 'commit-ok':
        return commits.get(event.commit) === partition ? ['accepted'] : [];
      default:
        return [];
    }
  });
};

const awaitedCommit = (next: number): string[] => [`call ${next}`, `invoke ${next}`, 'accepted', 'call ok'];

/** The trace that the modes promise, given what the client delivered in each call of the handler. */
const expectedTrace = (group: MemberGroup, deliveries: number[][]): string[] => {
  const first = group.commitOrder === 'commit-then-process';
  const { kind } = group.commitMode;
  return deliveries.flatMap((offsets) => {
    const batchCommit = kind === 'per-batch' ? awaitedCommit((offsets.at(-1) ?? 0) + 1) : [];
    const records = offsets.flatMap((offset) => {
      const commit = kind === 'per-record' ? awaitedCommit(offset + 1) : [];
      const handled = [`begin ${offset}`, `ok ${offset}`];
      return first ? [...commit, ...handled] : [...handled, ...commit];
    });
    const delivery = `delivery ${offsets.join(',')}`;
    return first ? [delivery, ...batchCommit, ...records] : [delivery, ...records, ...batchCommit];
  });
};

const committedBy = async (groupId: string): Promise<string[]> => {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (answer?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
};

const isIn = (haystack: string[], needles: string[]): boolean => {
  let at = 0;
  for (const one of haystack) if (one === needles[at]) at++;
  return at === needles.length;
};

/** The application waits for its commits, or makes none: then every event has its place. */
const isExact = ({ commitMode: { kind } }: MemberGroup): boolean =>
  kind !== 'auto' && kind !== 'asynchronous';

const isProcessing = (word: string): boolean => /^(delivery|begin|ok) /.test(word);

/** What must come in this order, though other events may come between, where commits have a time of their own. */
const expectedOrders = ({ consumeMode, commitMode, commitOrder }: MemberGroup): string[][] => {
  if (commitMode.kind === 'auto')
    return [
      [`ok ${OFFSETS.length - 1}`, `invoke ${OFFSETS.length}`, 'accepted'],
      // Due after every record: each record that is resolved by itself is committed before the next begins.
      ...(commitMode.thresholdRecords === 1 && consumeMode !== 'each-batch'
        ? [['ok 0', 'invoke 1', 'accepted', 'begin 1']]
        : []),
    ];
  if (commitMode.kind !== 'asynchronous') return [];
  return OFFSETS.flatMap((offset) => {
    const call = `call ${offset + 1} (not awaited)`;
    const place = commitOrder === 'commit-then-process' ? [call, `begin ${offset}`] : [`ok ${offset}`, call];
    return [
      [...place, 'call ok'],
      [call, `invoke ${offset + 1}`, 'accepted'],
    ];
  });
};

const commitModes = [
  { kind: 'auto', intervalMs: null, thresholdRecords: null },
  { kind: 'auto', intervalMs: null, thresholdRecords: 1 },
  { kind: 'per-record' },
  { kind: 'per-batch' },
  { kind: 'asynchronous' },
  { kind: 'none' },
] as const;
const cases = (['each-message', 'each-batch', 'manual'] as const).flatMap((consumeMode) =>
  commitModes.flatMap((commitMode) =>
    (['process-then-commit', 'commit-then-process'] as const)
      .filter((order) => order === 'process-then-commit' || !['auto', 'none'].includes(commitMode.kind))
      .filter(() => commitMode.kind !== 'per-batch' || consumeMode !== 'each-message')
      .map((commitOrder) => ({ consumeMode, commitMode, commitOrder })),
  ),
);

describe('each way to consume and commit', () => {
  test.concurrent.each(cases)('$consumeMode, $commitMode, $commitOrder', async (modes) => {
    const id = `g-${cases.indexOf(modes)}`;
    const group = usualGroup({ id, topics: [topic], ...modes });
    const member = clients.member(group);
    const { kind } = modes.commitMode;
    await member.until((events) => processed(events) === RECORDS);
    const commitsAreSettled = (events: readonly UnplacedEvent[]): boolean =>
      eventsOf(events, 'commit-invoke').length === eventsOf(events, 'commit-ok').length &&
      eventsOf(events, 'application-commit').length === eventsOf(events, 'application-commit-end').length;
    await member.until((events) => commitsAreSettled(events));
    member.process.command({ command: 'close' });
    expect(await member.process.exited).toEqual({ code: 0, signal: null, invalidLines: 0 });

    const { events } = member;
    const joined = events.map(({ kind: one }) => one).filter((one) => !one.startsWith('commit'));
    expect(joined.slice(0, 5)).toEqual([
      'wire-join',
      'wire-join',
      'wire-sync',
      'client-joined',
      'wire-offset-fetch',
    ]);
    expect(eventsOf(events, 'wire-join').map(({ error }) => error)).toEqual(['MEMBER_ID_REQUIRED', null]);
    expect(eventsOf(events, 'client-joined')[0]?.assignment).toEqual([{ topic, partitions: [0, 1] }]);
    expect(eventsOf(events, 'wire-sync')[0]?.assignment).toEqual([{ topic, partitions: [0, 1] }]);
    expect(joined.slice(-2)).toEqual(['wire-leave', 'client-stopped']);

    for (let partition = 0; partition < PARTITIONS; partition++) {
      const trace = traceOf(events, partition);
      const deliveries = eventsOf(events, 'delivery')
        .filter((one) => one.partition === partition)
        .map(({ offsets }) => offsets.map(Number));
      expect(deliveries.flat()).toEqual(OFFSETS);
      const sizes = new Set(deliveries.map(({ length }) => length));
      expect(modes.consumeMode !== 'each-message' || (sizes.size === 1 && sizes.has(1))).toBe(true);
      expect(isExact(group) ? trace : trace.filter(isProcessing)).toEqual(expectedTrace(group, deliveries));
      expect(trace.some((one) => one.startsWith('call'))).toBe(kind !== 'auto' && kind !== 'none');
      expect(expectedOrders(group).filter((order) => !isIn(trace, order))).toEqual([]);
    }
    expect(new Set(eventsOf(events, 'processing-begin').map(({ record }) => record)).size).toBe(RECORDS);
    expect(await committedBy(id)).toEqual(kind === 'none' ? ['-1', '-1'] : ['4', '4']);
  });
});

describe('a member', () => {
  test('that is killed while it processes leaves what it committed to its next incarnation', async () => {
    const handler = { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 };
    const slow = { ...handler, timeMs: { min: 150, max: 150 } };
    const one = clients.member(
      usualGroup({ id: 'g-kill', topics: [topic], handler: slow, sessionTimeoutMs: 1_000 }),
    );
    await one.until((events) => eventsOf(events, 'commit-ok').length === 3);
    await one.until((events) => eventsOf(events, 'processing-begin').length === 4);
    one.process.signal('SIGKILL');
    expect(await one.process.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(one.events.at(-1)?.kind).toBe('processing-begin');

    const group = usualGroup({ id: 'g-kill', topics: [topic], handler, sessionTimeoutMs: 1_000 });
    const two = clients.member(group, { process: 'm1.2' });
    await two.until((events) => processed(events) === RECORDS - 3);
    two.process.signal('SIGTERM');
    expect(await two.process.exited).toMatchObject({ code: 0 });
    const fetched = eventsOf(two.events, 'wire-offset-fetch')[0]?.offsets ?? [];
    expect(fetched.reduce((sum, { offset }) => sum + Number(offset ?? 0), 0)).toBe(3);
    expect(eventsOf(two.events, 'wire-join').every(({ memberId }) => memberId.startsWith('m1.2-'))).toBe(
      true,
    );
  });

  test('hears of a rebalance by a heartbeat, and shares the partitions', async () => {
    const group = usualGroup({ id: 'g-two', topics: [topic] });
    const one = clients.member(group);
    await one.until((events) => processed(events) === RECORDS);
    const two = clients.member(group, { process: 'm2.1' });
    await two.until((events) => eventsOf(events, 'client-joined').length === 1);
    await one.until((events) => eventsOf(events, 'client-joined').length === 2);
    expect(eventsOf(one.events, 'wire-heartbeat')[0]).toMatchObject({
      generation: 1,
      error: 'REBALANCE_IN_PROGRESS',
    });
    const [first, second] = [one, two].map(({ events }) => eventsOf(events, 'wire-sync').at(-1));
    expect(first?.generation).toBe(second?.generation);
    const owned = [first, second].flatMap(
      (sync) => sync?.assignment.flatMap(({ partitions }) => partitions) ?? [],
    );
    expect(owned.toSorted((a, b) => a - b)).toEqual([0, 1]);
    for (const { process } of [one, two]) process.command({ command: 'close' });
    await Promise.all([one.process.exited, two.process.exited]);
  });

  test('is given a record again after its handler threw', async () => {
    const failing = await createFilledTopic('failing', 1, 2);
    const handler = { timeMs: { min: 0, max: 0 }, failuresPerThousand: 1_000, failuresPerRecord: 1 };
    const member = clients.member(usualGroup({ id: 'g-fail', topics: [failing], handler }));
    await member.until((events) => processed(events) === 2);
    member.process.command({ command: 'close' });
    await member.process.exited;
    expect(traceOf(member.events, 0)).toEqual([
      'delivery 0',
      'begin 0',
      'failed 0',
      'delivery 0',
      'begin 0',
      'ok 0',
      ...awaitedCommit(1),
      'delivery 1',
      'begin 1',
      'failed 1',
      'delivery 1',
      'begin 1',
      'ok 1',
      ...awaitedCommit(2),
    ]);
  });

  test('of a topic that is not there says so and ends with code 1', async () => {
    const member = clients.member(usualGroup({ id: 'g-missing', topics: ['missing'] }));
    expect(await member.process.exited).toMatchObject({ code: 1 });
    expect(member.events).toMatchObject([{ kind: 'application-error', call: 'subscribe' }]);
    expect(JSON.stringify(member.events)).toContain('This server does not host this topic-partition');
  });

  test('whose committed offset is gone from the log records the error and the reset', async () => {
    const short = await createFilledTopic('short', 1, 6);
    await admin.setOffsets({ groupId: 'g-range', topic: short, partitions: [{ partition: 0, offset: '1' }] });
    await admin.deleteTopicRecords({ topic: short, partitions: [{ partition: 0, offset: '4' }] });
    const member = clients.member(usualGroup({ id: 'g-range', topics: [short] }));
    await member.until((events) => processed(events) === 2);
    member.process.command({ command: 'close' });
    await member.process.exited;
    const { events } = member;
    expect(eventsOf(events, 'wire-fetch-error')).toMatchObject([
      { topic: short, partition: 0, offset: '1', error: 'OFFSET_OUT_OF_RANGE' },
    ]);
    expect(eventsOf(events, 'wire-list-offsets')).toMatchObject([
      { partition: 0, at: 'earliest', offset: '4' },
    ]);
    expect(traceOf(events, 0).filter((one) => one.startsWith('begin'))).toEqual(['begin 4', 'begin 5']);
  });
});

describe('a batch', () => {
  const auto = { kind: 'auto', intervalMs: null, thresholdRecords: null } as const;
  const slowly = (timeMs: number) => ({
    timeMs: { min: timeMs, max: timeMs },
    failuresPerThousand: 0,
    failuresPerRecord: 1,
  });
  let batch: string;
  beforeAll(async () => {
    batch = await createFilledTopic('batch', 1, RECORDS, RECORDS);
  });
  const committed = async (groupId: string): Promise<string | undefined> =>
    (await admin.fetchOffsets({ groupId, topics: [batch] }))[0]?.partitions[0]?.offset;

  test('is left between two records where the application resolves them, and what is done is committed', async () => {
    const group = usualGroup({
      id: 'g-stop-manual',
      topics: [batch],
      consumeMode: 'manual',
      commitMode: auto,
    });
    const member = clients.member({ ...group, handler: slowly(150) });
    await member.until((events) => processed(events) === 2);
    member.process.command({ command: 'close' });
    await member.process.exited;
    const done = processed(member.events);
    expect(done).toBeGreaterThan(1);
    expect(done).toBeLessThan(RECORDS);
    expect(eventsOf(member.events, 'delivery').map(({ offsets }) => offsets.length)).toEqual([RECORDS]);
    expect(await committed('g-stop-manual')).toBe(String(done));
  });

  test('is finished where kafkajs resolves it', async () => {
    const group = usualGroup({
      id: 'g-stop-batch',
      topics: [batch],
      consumeMode: 'each-batch',
      commitMode: auto,
    });
    const member = clients.member({ ...group, handler: slowly(150) });
    await member.until((events) => processed(events) === 2);
    member.process.command({ command: 'close' });
    await member.process.exited;
    expect(processed(member.events)).toBe(RECORDS);
    expect(await committed('g-stop-batch')).toBe(String(RECORDS));
  });

  test.each(['each-message', 'each-batch', 'manual'] as const)(
    'that takes longer than the session is kept alive by heartbeats between records: %s',
    async (consumeMode) => {
      const timing = { sessionTimeoutMs: 1_000, heartbeatIntervalMs: 100, handler: slowly(300) };
      // No commit before the batch's end: a commit keeps the session alive as a heartbeat does.
      const modes = { consumeMode, commitMode: auto };
      const group = usualGroup({ id: `g-slow-${consumeMode}`, topics: [batch], ...modes, ...timing });
      const member = clients.member(group);
      await member.until((events) => processed(events) === RECORDS);
      member.process.command({ command: 'close' });
      await member.process.exited;
      expect(eventsOf(member.events, 'client-joined')).toHaveLength(1);
      expect(eventsOf(member.events, 'wire-heartbeat')).toEqual([]);
      expect(await committed(group.id)).toBe(String(RECORDS));
    },
  );

  test.each([
    [1, false],
    [2, true],
  ])(
    'of another partition is handled at the same time with %s at once: %s',
    async (concurrently, expected) => {
      const id = `g-concurrent-${concurrently}`;
      const member = clients.member(
        usualGroup({
          id,
          topics: [topic],
          partitionsConsumedConcurrently: concurrently,
          handler: slowly(100),
        }),
      );
      await member.until((events) => processed(events) === RECORDS);
      member.process.command({ command: 'close' });
      await member.process.exited;
      const open = new Set<number>();
      let mostOpen = 0;
      for (const event of member.events) {
        if (event.kind === 'processing-begin') open.add(event.partition);
        if (event.kind === 'processing-end') open.delete(event.partition);
        mostOpen = Math.max(mostOpen, open.size);
      }
      expect(mostOpen > 1).toBe(expected);
    },
  );
});

describe('a mutant', () => {
  const mutated = async (
    mutant: string,
    changes: Partial<MemberGroup>,
    done: (events: readonly UnplacedEvent[]) => boolean,
  ) => {
    const group = usualGroup({ id: `g-${mutant}`, topics: [topic], ...changes });
    const member = clients.member(group, { mutant });
    await member.until(done);
    member.process.command({ command: 'close' });
    expect(await member.process.exited).toMatchObject({ code: 0 });
    return member.events;
  };
  const auto = { kind: 'auto', intervalMs: null, thresholdRecords: null } as const;

  test('commits before it processes', async () => {
    const events = await mutated(
      'commit-before-processing',
      { commitMode: auto },
      (all) => processed(all) === RECORDS,
    );
    expect(traceOf(events, 0)).toEqual(
      [0, 1, 2, 3].flatMap((offset) => [
        `delivery ${offset}`,
        ...awaitedCommit(offset + 1),
        `begin ${offset}`,
        `ok ${offset}`,
      ]),
    );
  });

  test('skips a partition, and commits it all the same', async () => {
    const events = await mutated(
      'skip-partition',
      { commitMode: { kind: 'per-record' } },
      (all) => eventsOf(all, 'commit-ok').length === RECORDS,
    );
    expect(eventsOf(events, 'delivery').length).toBe(RECORDS);
    expect(new Set(eventsOf(events, 'processing-begin').map(({ partition }) => partition))).toEqual(
      new Set([1]),
    );
    expect(await committedBy('g-skip-partition')).toEqual(['4', '4']);
  });

  test('rewinds a commit', async () => {
    const long = await createFilledTopic('long', 1, 10);
    const events = await mutated('rewind-commit', { topics: [long] }, (all) => processed(all) === 10);
    const committed = eventsOf(events, 'commit-invoke').map(({ offsets }) => offsets[0]?.offset);
    expect(committed).toEqual(['1', '2', '3', '4', '5', '6', '4', '8', '9', '10']);
  });
});

describe('a producer', () => {
  test.each([
    [0, false],
    [1, false],
    ['all', false],
    ['all', true],
  ] as const)('with acks %s, idempotent %s', async (acks, idempotent) => {
    const name = await createTopic(`produce-${acks}-${idempotent}`, 1);
    const producer = clients.producer(
      usualProducer({ topics: [name], acks, idempotent, records: 6, recordsPerSend: 2 }),
    );
    expect(await producer.process.exited).toEqual({ code: 0, signal: null, invalidLines: 0 });
    const { events } = producer;
    expect(eventsOf(events, 'produce-invoke').map(({ produce }) => produce)).toEqual([0, 1, 2]);
    const answers = eventsOf(events, 'produce-ok').flatMap((event) =>
      event.answers.map(({ baseOffset }) => baseOffset),
    );
    expect(answers.toSorted()).toEqual(acks === 0 ? [] : ['0', '2', '4']);
    expect(eventsOf(events, 'produce-ok').length).toBe(3);
    expect(events.slice(-2)).toMatchObject([
      { kind: 'producer-close', phase: 'begin' },
      { kind: 'producer-close', phase: 'end', error: null },
    ]);
    // With acks 0 the process may have ended before the broker has appended what it sent.
    const end = async () => (await admin.fetchTopicOffsets(name))[0]?.offset;
    await expect.poll(end, { timeout: 10_000 }).toBe('6');
  });

  test.each([
    ['records that share a key', 1, 'produce-fail'],
    ['records that may be of several partitions', null, 'produce-unknown'],
  ] as const)('whose %s are too large knows what that means', async (what, keys, kind) => {
    const name = await createTopic(`large-${what.length}`, 1);
    const records = { records: 2, recordsPerSend: 2, valueBytes: 600_000 };
    const producer = clients.producer(usualProducer({ topics: [name], keys, ...records }));
    await producer.process.exited;
    expect(producer.events.map((event) => event.kind).slice(0, 2)).toEqual(['produce-invoke', kind]);
    expect(JSON.stringify(producer.events[1])).toContain('larger than the max message size');
    expect(await admin.fetchTopicOffsets(name)).toMatchObject([{ offset: '0' }]);
  });

  test('that is told to close sends nothing more, and settles what it sent', async () => {
    const name = await createTopic('closing', 1);
    const producer = clients.producer(usualProducer({ topics: [name], records: 1_000, stopMs: 3_600_000 }));
    await producer.until((events) => eventsOf(events, 'produce-ok').length > 0);
    producer.process.command({ command: 'close' });
    expect(await producer.process.exited).toMatchObject({ code: 0 });
    const sent = eventsOf(producer.events, 'produce-invoke').length;
    expect(eventsOf(producer.events, 'produce-ok').length).toBe(sent);
    expect(sent).toBeLessThan(1_000);
    expect(await admin.fetchTopicOffsets(name)).toMatchObject([{ offset: String(sent) }]);
  });
});

// Last, since it takes the broker away.
describe('a broker that goes', () => {
  test('leaves a commit unknown that it has not answered', async () => {
    const handler = { timeMs: { min: 50, max: 50 }, failuresPerThousand: 0, failuresPerRecord: 1 };
    const busy = await createFilledTopic('busy', 1, 200);
    const member = clients.member(usualGroup({ id: 'g-gone', topics: [busy], handler }));
    await member.until((events) => eventsOf(events, 'commit-ok').length >= 3);
    await cluster.pauseBroker(1);
    await member.until(
      (events) => eventsOf(events, 'commit-invoke').length > eventsOf(events, 'commit-ok').length,
    );
    await cluster.crashBroker(1);
    await member.until((events) => eventsOf(events, 'commit-unknown').length === 1);
    const last = eventsOf(member.events, 'commit-invoke').length - 1;
    expect(eventsOf(member.events, 'commit-unknown')).toMatchObject([{ group: 'g-gone', commit: last }]);
    member.process.signal('SIGKILL');
    await member.process.exited;
  });
});
