/**
 * Kafka's own command-line tools for the conformance cases, from the image of Kafka: a container that only waits is
 * started, and each call runs a tool in it.
 */
import { execFileSync } from 'node:child_process';
import { defaultKafkaImage } from '../../../world/kafka/image-name.ts';
import { runTool, type Written } from './command-line.ts';
import { type Driver, inOrder, lacking, type ReadRecord } from './driver.ts';

const NO_TRANSACTIONS = 'the console producer has no transactions';
/** Nothing that a case writes. */
const NULL_MARK = '<null>';
const SEPARATOR = '\t';
/** A container that was left behind ends by itself. */
const LIFE_SECONDS = 1_800;
const ENVIRONMENT = [
  ...['-e', 'KAFKA_HEAP_OPTS=-Xmx128m'],
  ...['-e', 'KAFKA_JVM_PERFORMANCE_OPTS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'],
];

const properties = (flag: string, given: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [flag, `${name}=${value}`]));

const headersOf = (text: string): Record<string, string> =>
  text === 'NO_HEADERS'
    ? {}
    : Object.fromEntries(
        text.split(',').map((one) => {
          const colon = one.indexOf(':');
          return [one.slice(0, colon), one.slice(colon + 1)];
        }),
      );

const orNull = (text: string | undefined): string | null =>
  text === undefined || text === NULL_MARK ? null : text;

function recordOf(line: string): ReadRecord {
  const [time = '', partition = '', offset = '', headers = '', key, value] = line.split(SEPARATOR);
  const number = (text: string): number => Number(text.slice(text.indexOf(':') + 1));
  return {
    partition: number(partition),
    offset: number(offset),
    key: orNull(key),
    value: orNull(value),
    headers: headersOf(headers),
    timestampMs: number(time),
  };
}

export const kafkaToolsDriver: Driver = {
  name: "Kafka's command-line tools",
  cannot: {
    transactions: NO_TRANSACTIONS,
    'transactional-id-again': NO_TRANSACTIONS,
    'transaction-timeout': NO_TRANSACTIONS,
    partitions: 'the console producer chooses no partition',
    timestamp: 'the console producer sets no time stamps',
    share: 'the console consumer tells nothing of its assignment',
  },
  open(bootstrapServers) {
    const container = execFileSync(
      'docker',
      [
        ...['run', '--detach', '--rm', '--network', 'host', ...ENVIRONMENT, '--entrypoint', 'sleep'],
        ...[defaultKafkaImage(), String(LIFE_SECONDS)],
      ],
      { encoding: 'utf8' },
    ).trim();
    const servers = ['--bootstrap-server', bootstrapServers.join(',')];
    const run = async (name: string, given: readonly string[], input = ''): Promise<Written> => {
      const ran = await runTool(
        'docker',
        ['exec', '-i', container, `/opt/kafka/bin/${name}`, ...given],
        input,
      );
      // Some of them end with 0 all the same.
      const said = ran.errors + ran.output;
      if (/^Error|\bERROR\b/m.test(said)) throw new Error(said.slice(-2_000));
      return ran;
    };
    const topicsTool = (...given: string[]): Promise<Written> =>
      run('kafka-topics.sh', [...servers, ...given]);
    const groupsTool = (...given: string[]): Promise<Written> =>
      run('kafka-consumer-groups.sh', [...servers, ...given]);
    const configsTool = (topic: string, ...given: string[]): Promise<Written> =>
      run('kafka-configs.sh', [...servers, '--entity-type', 'topics', '--entity-name', topic, ...given]);
    const lines = ({ output }: Written): string[] => output.split('\n').filter((line) => line.trim() !== '');
    return {
      transact: lacking,
      fenced: lacking,
      leaveOpen: lacking,
      commitLeft: lacking,
      share: lacking,
      async createTopic(topic, partitions, configs = {}) {
        const size = ['--partitions', String(partitions), '--replication-factor', '1'];
        await topicsTool('--create', '--topic', topic, ...size, ...properties('--config', configs));
      },
      deleteTopic: async (topic) => void (await topicsTool('--delete', '--topic', topic)),
      topics: async () => lines(await topicsTool('--list')),
      addPartitions: async (topic, total) =>
        void (await topicsTool('--alter', '--topic', topic, '--partitions', String(total))),
      async partitionCount(topic) {
        const { output } = await topicsTool('--describe', '--topic', topic);
        return Number(/PartitionCount:\s*(\d+)/.exec(output)?.[1] ?? 0);
      },
      async config(topic, name) {
        const found = lines(await configsTool(topic, '--describe', '--all')).map((line) => line.trim());
        const line = found.find((one) => one.startsWith(`${name}=`));
        return line?.slice(name.length + 1).split(' ')[0] ?? null;
      },
      setConfig: async (topic, name, value) =>
        void (await configsTool(topic, '--alter', '--add-config', `${name}=${value}`)),
      async deleteRecords(topic, partition, before) {
        const json = JSON.stringify({ version: 1, partitions: [{ topic, partition, offset: before }] });
        const tool = 'org.apache.kafka.tools.DeleteRecordsCommand';
        await run('kafka-run-class.sh', [tool, ...servers, '--offset-json-file', '/dev/stdin'], json);
      },
      groups: async () => lines(await groupsTool('--list')),
      deleteGroup: async (group) => void (await groupsTool('--delete', '--group', group)),
      async alterOffset(group, topic, partition, offset) {
        const where = ['--topic', `${topic}:${partition}`, '--to-offset', String(offset)];
        await groupsTool('--reset-offsets', '--group', group, ...where, '--execute');
      },
      deleteOffset: async (group, topic, partition) =>
        void (await groupsTool('--delete-offsets', '--group', group, '--topic', `${topic}:${partition}`)),
      async committed(group, topic) {
        const rows = lines(await groupsTool('--describe', '--group', group)).map((line) =>
          line.trim().split(/\s+/),
        );
        const own = rows.filter(([, name, , offset]) => name === topic && /^\d+$/.test(offset ?? ''));
        return Object.fromEntries(own.map(([, , partition, offset]) => [Number(partition), Number(offset)]));
      },
      async produce(topic, records, { acks = -1, compression = 'none', idempotent = false } = {}) {
        const text = records.map(({ headers = {}, key, value }) => {
          const written = Object.entries(headers).map(([name, one]) => `${name}:${one}`);
          return `${[written.length === 0 ? NULL_MARK : written.join(','), key ?? NULL_MARK, value ?? NULL_MARK].join(SEPARATOR)}\n`;
        });
        const producer = { acks: String(acks), 'enable.idempotence': String(idempotent), 'linger.ms': '20' };
        const reader = { 'parse.headers': 'true', 'parse.key': 'true', 'null.marker': NULL_MARK };
        const given = [
          ...[...servers, '--topic', topic, '--compression-codec', compression],
          ...properties('--command-property', producer),
          ...properties('--reader-property', reader),
        ];
        await run('kafka-console-producer.sh', given, text.join(''));
      },
      async consume(topic, options) {
        const formatter = {
          ...Object.fromEntries(
            ['timestamp', 'partition', 'offset', 'headers', 'key', 'value'].map((one) => [
              `print.${one}`,
              'true',
            ]),
          ),
          'null.literal': NULL_MARK,
        };
        const consumer = {
          'auto.offset.reset': options.reset ?? 'earliest',
          'heartbeat.interval.ms': '200',
          'session.timeout.ms': '10000',
          'group.instance.id': options.instanceId,
        };
        const isolation = options.committedOnly === true ? 'read_committed' : 'read_uncommitted';
        const { output } = await run('kafka-console-consumer.sh', [
          ...[
            ...servers,
            '--topic',
            topic,
            '--group',
            options.group,
            '--max-messages',
            String(options.count),
          ],
          ...['--isolation-level', isolation, ...properties('--command-property', consumer)],
          ...properties('--formatter-property', formatter),
        ]);
        return inOrder(
          output
            .split('\n')
            .filter((line) => line.includes(SEPARATOR))
            .map(recordOf),
        );
      },
      async [Symbol.asyncDispose]() {
        await runTool('docker', ['rm', '--force', container]);
      },
    };
  },
};
