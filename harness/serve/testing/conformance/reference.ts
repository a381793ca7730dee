/** The reference client for the conformance cases. */
import { Consumer, KafkaError, Producer } from '../../../client/reference/index.ts';
import {
  type ConsumeOptions,
  type Driver,
  inOrder,
  type ReadRecord,
  textOf,
  type WrittenRecord,
  withoutAdministration,
} from './driver.ts';

const POLL_MS = 200;
const transport = { tls: null, sasl: null, onSocket: () => undefined };

const NO_ADMIN = 'has no administration';
const NO_CODEC = 'compresses nothing';

export const referenceDriver: Driver = {
  name: 'reference client',
  cannot: {
    admin: NO_ADMIN,
    configs: NO_ADMIN,
    'delete-records': NO_ADMIN,
    groups: NO_ADMIN,
    headers: 'writes no headers',
    'codec-gzip': NO_CODEC,
    'codec-snappy': NO_CODEC,
    'codec-lz4': NO_CODEC,
    'codec-zstd': NO_CODEC,
  },
  open(bootstrapServers) {
    const producer = (more: object = {}): Producer =>
      new Producer(
        { 'bootstrap.servers': [...bootstrapServers], 'client.id': 'conformance', ...more },
        transport,
      );
    const consumer = (options: Omit<ConsumeOptions, 'count'>): Consumer =>
      new Consumer(
        {
          'bootstrap.servers': [...bootstrapServers],
          'client.id': 'conformance',
          'group.id': options.group,
          'enable.auto.commit': false,
          'auto.offset.reset': options.reset ?? 'earliest',
          'isolation.level': options.committedOnly === true ? 'read_committed' : 'read_uncommitted',
          'session.timeout.ms': 10_000,
          'heartbeat.interval.ms': 200,
          'group.instance.id': options.instanceId ?? null,
          ...(options.assignor === undefined ? {} : { 'partition.assignment.strategy': [options.assignor] }),
        },
        transport,
      );
    const sendAll = async (to: Producer, topic: string, records: readonly WrittenRecord[]): Promise<void> => {
      const sent = records.map(({ headers: _headers, ...record }) => to.send({ topic, ...record }));
      await Promise.all(sent);
    };
    const left = new Map<string, Producer>();
    return {
      async leaveOpen(id, topic, records, timeoutMs) {
        const made = producer({ 'transactional.id': id, 'transaction.timeout.ms': timeoutMs });
        await made.initTransactions();
        made.beginTransaction();
        await sendAll(made, topic, records);
        left.set(id, made);
      },
      async commitLeft(id) {
        const made = left.get(id);
        const told = await made?.commitTransaction().then(
          () => 'none',
          (error: unknown) => (error instanceof KafkaError ? error.name : String(error)),
        );
        await made?.close();
        return told ?? 'nothing was left';
      },
      ...withoutAdministration,
      async produce(topic, records, { acks = -1, idempotent = false } = {}) {
        const made = producer({ acks: acks === -1 ? 'all' : acks, 'enable.idempotence': idempotent });
        try {
          await sendAll(made, topic, records);
        } finally {
          await made.close();
        }
      },
      async transact(id, topic, records, outcome) {
        const made = producer({ 'transactional.id': id });
        try {
          await made.initTransactions();
          made.beginTransaction();
          await sendAll(made, topic, records);
          await (outcome === 'commit' ? made.commitTransaction() : made.abortTransaction());
        } finally {
          await made.close();
        }
      },
      async fenced(id, topic, records) {
        const [first, second] = [producer({ 'transactional.id': id }), producer({ 'transactional.id': id })];
        try {
          await first.initTransactions();
          first.beginTransaction();
          await sendAll(first, topic, records);
          await second.initTransactions();
          second.beginTransaction();
          await sendAll(second, topic, records);
          await second.commitTransaction();
          return await first.commitTransaction().then(
            () => 'none',
            (error: unknown) => (error instanceof KafkaError ? error.name : String(error)),
          );
        } finally {
          await first.close();
          await second.close();
        }
      },
      async consume(topic, options) {
        const member = consumer(options);
        const seen: ReadRecord[] = [];
        try {
          member.subscribe([topic]);
          while (seen.length < options.count)
            for (const record of await member.poll(POLL_MS))
              seen.push({
                partition: record.partition,
                offset: record.offset,
                key: textOf(record.key),
                value: textOf(record.value),
                headers: {},
                timestampMs: record.timestampMs,
              });
          await member.commitSync();
        } finally {
          await member.close();
        }
        return inOrder(seen.slice(0, options.count));
      },
      async share(topic, partitions, options) {
        const suffix = (index: number) =>
          options.instanceId === undefined ? {} : { instanceId: `${options.instanceId}-${index}` };
        const members = [0, 1].map((index) => consumer({ ...options, ...suffix(index) }));
        try {
          for (const member of members) member.subscribe([topic]);
          for (;;) {
            await Promise.all(members.map((member) => member.poll(POLL_MS)));
            const [left = 0, right = 0] = members.map((member) => member.assignment().length);
            if (left > 0 && right > 0 && left + right === partitions) return [left, right];
          }
        } finally {
          for (const member of members) await member.close();
        }
      },
      async committed(group, topic) {
        const asker = consumer({ group });
        try {
          const found = await asker.committed([0, 1, 2, 3].map((partition) => ({ topic, partition })));
          return Object.fromEntries(
            [...found].map(([name, { offset }]) => [Number(name.slice(name.lastIndexOf('-') + 1)), offset]),
          );
        } finally {
          await asker.close();
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
