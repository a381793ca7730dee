/**
 * The conformance cases: one body for every client and both arms. A session and an administrator enter; a case that
 * ends without throwing has passed. Topics and groups have names of their own, so cases do not meet.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { type Ability, type ConsumeOptions, codecs, type ReadRecord, type Session } from './driver.ts';

export interface CaseContext {
  readonly client: Session;
  /** Of another client that can administrate, for what is not the subject of the case. */
  readonly admin: Session;
  /** A name that nothing else has. */
  readonly name: (what: string) => string;
}

export interface ConformanceCase {
  readonly title: string;
  readonly needs: readonly Ability[];
  readonly run: (context: CaseContext) => Promise<void>;
}

const values = (records: readonly ReadRecord[]): (string | null)[] => records.map(({ value }) => value);

const test = (
  title: string,
  needs: readonly Ability[],
  run: (context: CaseContext) => Promise<void>,
): ConformanceCase => ({ title, needs, run });

/** A topic with these values in partition 0. */
async function filled(
  { admin, name }: CaseContext,
  given: readonly string[],
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = name('topic');
  await admin.createTopic(topic, partitions, configs);
  if (given.length > 0)
    await admin.produce(
      topic,
      given.map((value) => ({ partition: 0, value })),
    );
  return topic;
}

const LATE = Date.UTC(2020, 0, 1);

const producing: ConformanceCase[] = [
  ...codecs.map((compression) =>
    test(
      `what is produced with codec ${compression} is consumed as it was`,
      [`codec-${compression}`],
      async (context) => {
        const { client, name } = context;
        const topic = await filled(context, []);
        const records = Array.from({ length: 50 }, (_, index) => ({
          partition: 0,
          key: `key-${index}`,
          value: `value-${index} `.repeat(20),
        }));
        await client.produce(topic, records, { compression });
        const read = await client.consume(topic, { group: name('group'), count: 50 });
        deepEqual(
          read.map(({ partition, key, value }) => ({ partition, key, value })),
          records,
        );
        deepEqual(
          read.map(({ offset }) => offset),
          [...Array(50).keys()],
        );
      },
    ),
  ),
  test('records go to the partitions that they are for', ['partitions'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, [], 2);
    // One call each: one of a new topic's partitions may have no leader yet, and clients send all of a call again then.
    await client.produce(topic, [
      { partition: 1, value: 'b' },
      { partition: 1, value: 'd' },
    ]);
    await client.produce(topic, [
      { partition: 0, value: 'a' },
      { partition: 0, value: 'c' },
    ]);
    const read = await client.consume(topic, { group: name('group'), count: 4 });
    deepEqual(
      read.map(({ partition, offset, value }) => ({ partition, offset, value })),
      ['a', 'c', 'b', 'd'].map((value, index) => ({
        partition: index < 2 ? 0 : 1,
        offset: index % 2,
        value,
      })),
    );
  }),
  test('headers, keys, empty values and null values come as they were', ['headers'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, []);
    const records = [
      { partition: 0, key: 'k', value: 'v', headers: { one: '1', two: 'zwei €' } },
      { partition: 0, key: 'k', value: null, headers: {} },
      { partition: 0, key: '', value: '', headers: { empty: '' } },
    ];
    await client.produce(topic, records);
    const read = await client.consume(topic, { group: name('group'), count: 3 });
    deepEqual(
      read.map(({ partition, key, value, headers }) => ({ partition, key, value, headers })),
      records,
    );
  }),
  test('a time stamp is the producer’s', ['timestamp'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, []);
    await client.produce(topic, [{ partition: 0, value: 'x', timestampMs: LATE }]);
    const [read] = await client.consume(topic, { group: name('group'), count: 1 });
    equal(read?.timestampMs, LATE);
  }),
  test('a time stamp is the broker’s where the topic says so', ['log-append-time'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, [], 1, { 'message.timestamp.type': 'LogAppendTime' });
    await client.produce(topic, [{ partition: 0, value: 'x', timestampMs: LATE }]);
    const [read] = await client.consume(topic, { group: name('group'), count: 1 });
    ok((read?.timestampMs ?? 0) > LATE + 1e10);
  }),
  test('a batch at max.message.bytes is taken, and one above it refused', [], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, [], 1, { 'max.message.bytes': '2000' });
    await client.produce(topic, [{ partition: 0, value: 'x'.repeat(1_900) }]);
    await rejects(client.produce(topic, [{ partition: 0, value: 'x'.repeat(2_001) }]));
    equal((await client.consume(topic, { group: name('group'), count: 1 })).length, 1);
  }),
  ...([0, 1, -1] as const).map((acks) =>
    test(`acks ${acks}`, ['acks'], async (context) => {
      const { client, name } = context;
      const topic = await filled(context, []);
      await client.produce(
        topic,
        [
          { partition: 0, value: 'a' },
          { partition: 0, value: 'b' },
        ],
        { acks },
      );
      deepEqual(values(await client.consume(topic, { group: name('group'), count: 2 })), ['a', 'b']);
    }),
  ),
  test('an idempotent producer', ['idempotent'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, []);
    const records = ['a', 'b', 'c'].map((value) => ({ partition: 0, value }));
    await client.produce(topic, records, { idempotent: true });
    deepEqual(values(await client.consume(topic, { group: name('group'), count: 3 })), ['a', 'b', 'c']);
  }),
];

const transactions: ConformanceCase[] = [
  test(
    'a reader of committed records sees none of an aborted transaction',
    ['transactions'],
    async (context) => {
      const { client, name } = context;
      const topic = await filled(context, []);
      for (const [value, outcome] of [
        ['kept', 'commit'],
        ['dropped', 'abort'],
        ['kept too', 'commit'],
      ] as const)
        await client.transact(name('transaction'), topic, [{ partition: 0, value }], outcome);
      const committed = await client.consume(topic, { group: name('group'), count: 2, committedOnly: true });
      deepEqual(values(committed), ['kept', 'kept too']);
      // A marker takes an offset of its own.
      deepEqual(
        committed.map(({ offset }) => offset),
        [0, 4],
      );
      const all = await client.consume(topic, { group: name('group'), count: 3 });
      deepEqual(values(all), ['kept', 'dropped', 'kept too']);
    },
  ),
  test('a transactional id is used again at once', ['transactional-id-again'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, []);
    const id = name('transaction');
    await client.transact(id, topic, [{ partition: 0, value: 'dropped' }], 'abort');
    await client.transact(id, topic, [{ partition: 0, value: 'kept' }], 'commit');
    await client.transact(id, topic, [{ partition: 0, value: 'kept too' }], 'commit');
    const committed = await client.consume(topic, { group: name('group'), count: 2, committedOnly: true });
    deepEqual(values(committed), ['kept', 'kept too']);
  }),
  test(
    'a producer whose transactional id is taken over is fenced',
    ['transactional-id-again'],
    async (context) => {
      const { client, name } = context;
      const topic = await filled(context, []);
      const error = await client.fenced(name('transaction'), topic, [{ partition: 0, value: 'x' }]);
      ok(error !== 'none', 'the fenced producer could commit');
      const read = await client.consume(topic, { group: name('group'), count: 1, committedOnly: true });
      deepEqual(values(read), ['x']);
      ok((read[0]?.offset ?? 0) >= 2, 'the open transaction of the first producer counts');
    },
  ),
];

const TRANSACTION_TIMEOUT_MS = 1_000;

const abandoned: ConformanceCase[] = [
  test(
    'a transaction that takes too long is aborted, and its producer told',
    ['transactions', 'transaction-timeout'],
    async (context) => {
      const { client, admin, name } = context;
      const topic = await filled(context, []);
      const id = name('transaction');
      await client.leaveOpen(id, topic, [{ partition: 0, value: 'dropped' }], TRANSACTION_TIMEOUT_MS);
      await admin.produce(topic, [{ partition: 0, value: 'behind it' }]);
      // Readable once the coordinator has aborted what is before it.
      const read = await admin.consume(topic, { group: name('group'), count: 1, committedOnly: true });
      deepEqual(values(read), ['behind it']);
      ok((await client.commitLeft(id)) !== 'none', 'the transaction could be committed');
    },
  ),
];

const assignors = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const;

const groups: ConformanceCase[] = [
  test('a group goes on where it committed', [], async (context) => {
    const { client, admin, name } = context;
    const topic = await filled(context, ['a', 'b', 'c']);
    const group = name('group');
    deepEqual(values(await client.consume(topic, { group, count: 3 })), ['a', 'b', 'c']);
    deepEqual(await admin.committed(group, topic), { 0: 3 });
    await admin.produce(topic, [{ partition: 0, value: 'd' }]);
    deepEqual(values(await client.consume(topic, { group, count: 1 })), ['d']);
  }),
  ...assignors.map((assignor) =>
    test(
      `two members share the partitions by ${assignor}`,
      ['share', `assignor-${assignor}`],
      async (context) => {
        const topic = await filled(context, [], 4);
        deepEqual(await context.client.share(topic, 4, { group: context.name('group'), assignor }), [2, 2]);
      },
    ),
  ),
  test('two static members share the partitions', ['share', 'static-member'], async (context) => {
    const topic = await filled(context, [], 4);
    const options = { group: context.name('group'), instanceId: 'static' };
    deepEqual(await context.client.share(topic, 4, options), [2, 2]);
  }),
  test('an administrator lists and deletes a group', ['groups'], async (context) => {
    const { client, admin, name } = context;
    const topic = await filled(context, ['a']);
    const group = name('group');
    await admin.consume(topic, { group, count: 1 });
    ok((await client.groups()).includes(group));
    deepEqual(await client.committed(group, topic), { 0: 1 });
    await client.deleteGroup(group);
    ok(!(await client.groups()).includes(group));
  }),
];

const offsets: ConformanceCase[] = [
  test('committed offsets are told', ['committed'], async (context) => {
    const { client, admin, name } = context;
    const topic = await filled(context, ['a', 'b', 'c']);
    const group = name('group');
    await admin.consume(topic, { group, count: 2 });
    deepEqual(await client.committed(group, topic), { 0: 2 });
  }),
  test('an administrator moves a committed offset', ['groups', 'alter-offsets'], async (context) => {
    const { client, admin, name } = context;
    const topic = await filled(context, ['a', 'b', 'c']);
    const group = name('group');
    await admin.consume(topic, { group, count: 3 });
    await client.alterOffset(group, topic, 0, 1);
    deepEqual(await client.committed(group, topic), { 0: 1 });
    deepEqual(values(await admin.consume(topic, { group, count: 2 })), ['b', 'c']);
  }),
  test('an administrator deletes a committed offset', ['groups', 'delete-offsets'], async (context) => {
    const { client, admin, name } = context;
    const topic = await filled(context, ['a', 'b']);
    const group = name('group');
    await admin.consume(topic, { group, count: 2 });
    await client.deleteOffset(group, topic, 0);
    deepEqual(await client.committed(group, topic), {});
  }),
];

/** Reading that begins at the end sees nothing of what was there; what comes later it sees, once it has begun. */
const latest: ConformanceCase[] = (
  ['without a committed offset', 'with a committed offset that is gone'] as const
).map((where) =>
  test(
    `auto.offset.reset latest ${where}`,
    ['reset-latest', ...(where === 'without a committed offset' ? [] : (['reset-out-of-range'] as const))],
    async (context) => {
      const { client, admin, name } = context;
      const topic = await filled(context, ['a', 'b', 'c']);
      const options: ConsumeOptions = { group: name('group'), count: 1, reset: 'latest' };
      if (where !== 'without a committed offset') {
        await admin.consume(topic, { ...options, reset: 'earliest' });
        await admin.deleteRecords(topic, 0, 3);
        await admin.produce(topic, [{ partition: 0, value: 'd' }]);
      }
      let isDone = false;
      const reading = client.consume(topic, options).finally(() => {
        isDone = true;
      });
      const writing = (async () => {
        for (let index = 0; !isDone; index++)
          await admin.produce(topic, [{ partition: 0, value: `later ${index}` }]);
      })();
      const [[read]] = await Promise.all([reading, writing]);
      ok(read?.value?.startsWith('later'), `read ${read?.value}`);
    },
  ),
);

/** Where reading begins: at an offset that is gone, or at none. */
const resets: ConformanceCase[] = (['earliest', 'none'] as const).flatMap((reset) =>
  (['without a committed offset', 'with a committed offset that is gone'] as const).map((where) =>
    test(
      `auto.offset.reset ${reset} ${where}`,
      [
        ...(reset === 'none' ? (['reset-none'] as const) : []),
        ...(where === 'without a committed offset' ? [] : (['reset-out-of-range'] as const)),
      ],
      async (context) => {
        const { client, admin, name } = context;
        const topic = await filled(context, ['a', 'b', 'c', 'd']);
        const options: ConsumeOptions = { group: name('group'), count: 2, reset };
        if (where !== 'without a committed offset') {
          await admin.consume(topic, { ...options, reset: 'earliest', count: 1 });
          await admin.deleteRecords(topic, 0, 4);
          await admin.produce(
            topic,
            ['e', 'f'].map((value) => ({ partition: 0, value })),
          );
        }
        const expected = where === 'without a committed offset' ? ['a', 'b'] : ['e', 'f'];
        if (reset === 'none') await rejects(client.consume(topic, options));
        else deepEqual(values(await client.consume(topic, options)), expected);
      },
    ),
  ),
);

const administration: ConformanceCase[] = [
  test('topics are created, grown, listed and deleted', ['admin'], async ({ client, name }) => {
    const topic = name('topic');
    await client.createTopic(topic, 2);
    await until(async () => (await client.topics()).includes(topic));
    equal(await client.partitionCount(topic), 2);
    await client.addPartitions(topic, 3);
    await until(async () => (await client.partitionCount(topic)) === 3);
    await client.deleteTopic(topic);
    await until(async () => !(await client.topics()).includes(topic));
  }),
  test(
    'a topic that exists, and one with an impossible name, are refused',
    ['admin'],
    async ({ client, name }) => {
      const topic = name('topic');
      await client.createTopic(topic, 1);
      await rejects(client.createTopic('a/b', 1));
      await rejects(client.createTopic(name('topic'), 1, { 'no.such.config': '1' }));
      await rejects(client.addPartitions(topic, 1));
    },
  ),
  test('settings of a topic are described and changed', ['configs'], async ({ client, name }) => {
    const topic = name('topic');
    await client.createTopic(topic, 1, { 'retention.ms': '60000' });
    await until(async () => (await client.topics()).includes(topic));
    equal(await client.config(topic, 'retention.ms'), '60000');
    equal(await client.config(topic, 'cleanup.policy'), 'delete');
    await client.setConfig(topic, 'retention.ms', '70000');
    await until(async () => (await client.config(topic, 'retention.ms')) === '70000');
  }),
  test('records are deleted up to an offset', ['delete-records'], async (context) => {
    const { client, name } = context;
    const topic = await filled(context, ['a', 'b', 'c']);
    await client.deleteRecords(topic, 0, 2);
    const read = await client.consume(topic, { group: name('group'), count: 1 });
    deepEqual(
      read.map(({ offset, value }) => ({ offset, value })),
      [{ offset: 2, value: 'c' }],
    );
  }),
];

export const cases: readonly ConformanceCase[] = [
  ...producing,
  ...transactions,
  ...abandoned,
  ...groups,
  ...offsets,
  ...resets,
  ...latest,
  ...administration,
];

/** Metadata travels: every broker knows it a little later. The test's own time limit bounds the wait. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
