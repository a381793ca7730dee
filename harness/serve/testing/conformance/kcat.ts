/** kcat for the conformance cases: each call starts it with the arguments that say what is wanted. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { runTool } from './command-line.ts';
import {
  type ConsumeOptions,
  type Driver,
  inOrder,
  lacking,
  type ReadRecord,
  type ShareOptions,
  type WrittenRecord,
  withoutAdministration,
} from './driver.ts';

const KEY_MARK = '\t';
const NO_ADMIN = 'has no administration but the list of topics';

/** Why it cannot be used on this machine, or null. */
export function missingKcat(): string | null {
  try {
    execFileSync('kcat', ['-V'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no kcat (on Debian: kcat)';
  }
}

interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly ts: number;
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

/** Headers come as one list of names and values. */
const headersOf = (flat: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]),
  );

const settings = (given: Readonly<Record<string, string | number | undefined>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : ['-X', `${name}=${value}`]));

const memberSettings = ({ reset, committedOnly, assignor }: ShareOptions): string[] =>
  settings({
    'auto.offset.reset': reset === 'none' ? 'error' : (reset ?? 'earliest'),
    'isolation.level': committedOnly === true ? 'read_committed' : 'read_uncommitted',
    'session.timeout.ms': 10_000,
    'heartbeat.interval.ms': 200,
    'fetch.wait.max.ms': 100,
    'partition.assignment.strategy': assignor,
  });

export const kcatDriver: Driver = {
  name: 'kcat',
  cannot: {
    admin: NO_ADMIN,
    configs: NO_ADMIN,
    'delete-records': NO_ADMIN,
    groups: NO_ADMIN,
    committed: NO_ADMIN,
    'alter-offsets': NO_ADMIN,
    'delete-offsets': NO_ADMIN,
    transactions: 'has no transactions',
    'transactional-id-again': 'has no transactions',
    'transaction-timeout': 'has no transactions',
    headers:
      'writes the same headers to all records of a call, and null for what is empty or the other way round',
    timestamp: 'sets no time stamps',
    'assignor-sticky': 'has range, round robin and cooperative sticky',
    'assignor-cooperative-sticky': 'assigns all partitions at once in its rebalance handler',
  },
  open(bootstrapServers) {
    const brokers = ['-b', bootstrapServers.join(',')];
    const produceTo = async (
      topic: string,
      partition: number | undefined,
      records: readonly WrittenRecord[],
      more: readonly string[],
    ): Promise<void> => {
      const hasKeys = records.some(({ key }) => key !== undefined && key !== null);
      const lines = records.map(
        ({ key, value }) => `${hasKeys ? `${key ?? ''}${KEY_MARK}` : ''}${value ?? ''}\n`,
      );
      const { errors } = await runTool(
        'kcat',
        [
          ...['-P', ...brokers, '-t', topic, ...more],
          ...(partition === undefined ? [] : ['-p', String(partition)]),
          ...(hasKeys ? ['-K', KEY_MARK] : []),
        ],
        lines.join(''),
      );
      if (/delivery failed/i.test(errors)) throw new Error(errors);
    };
    return {
      ...withoutAdministration,
      committed: lacking,
      transact: lacking,
      fenced: lacking,
      leaveOpen: lacking,
      commitLeft: lacking,
      async produce(topic, records, { acks = -1, compression = 'none', idempotent = false } = {}) {
        const more = [
          ...settings({ acks, 'enable.idempotence': String(idempotent), 'linger.ms': 20 }),
          ...(compression === 'none' ? [] : ['-z', compression]),
        ];
        for (const partition of new Set(records.map((record) => record.partition))) {
          const own = records.filter((record) => record.partition === partition);
          await produceTo(topic, partition, own, more);
        }
      },
      async consume(topic, options: ConsumeOptions) {
        const count = ['-c', String(options.count)];
        const { output } = await runTool('kcat', [
          ...[...brokers, '-J', ...count, ...memberSettings(options)],
          ...settings({ 'group.instance.id': options.instanceId }),
          ...['-G', options.group, topic],
        ]);
        const seen = output
          .split('\n')
          .filter((line) => line !== '')
          .map((line): ReadRecord => {
            const { partition, offset, ts, key, payload, headers } = JSON.parse(line) as Message;
            return { partition, offset, key, value: payload, headers: headersOf(headers), timestampMs: ts };
          });
        return inOrder(seen);
      },
      async share(topic, partitions, options) {
        const counts = [0, 0];
        const members = counts.map((_, index) => {
          const instanceId = options.instanceId === undefined ? undefined : `${options.instanceId}-${index}`;
          const child = spawn(
            'kcat',
            [
              ...[...brokers, ...memberSettings(options)],
              ...settings({ 'group.instance.id': instanceId }),
              ...['-G', options.group, topic],
            ],
            { stdio: ['ignore', 'ignore', 'pipe'] },
          );
          return { child, exited: once(child, 'exit') };
        });
        try {
          await new Promise<void>((resolve, reject) => {
            for (const [index, { child }] of members.entries()) {
              child.once('exit', (code) => reject(new Error(`kcat ended with ${code}`)));
              // It says of each rebalance what it has got, or has had.
              createInterface({ input: child.stderr }).on('line', (line) => {
                if (!line.includes('rebalanced')) return;
                counts[index] = line.includes('assigned:') ? [...line.matchAll(/\[\d+\]/g)].length : 0;
                const isWhole = counts.reduce((sum, one) => sum + one) === partitions;
                if (isWhole && counts.every((one) => one > 0)) resolve();
              });
            }
          });
          return [counts[0] ?? 0, counts[1] ?? 0];
        } finally {
          for (const { child, exited } of members) {
            child.kill('SIGTERM');
            await exited;
          }
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
