/**
 * `kafka-trial serve`: options enter, the simulated cluster listens until it is told to end, and its addresses leave at
 * once, in one line or as JSON; the exit code is 0 where it ended as told, and 3 where it failed.
 */
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { profileNames } from '../cluster/profiles.ts';
import { exitCodes, UsageError } from '../errors.ts';
import type { RunningCluster, StartOptions } from '../serve/index.ts';
import type { Ended } from './exit-code.ts';
import { wholeNumber } from './options.ts';

interface ServeOptions {
  readonly port?: number;
  readonly brokers?: number;
  readonly profile?: NonNullable<StartOptions['profile']>;
  readonly topic: readonly Topic[];
  readonly config?: string;
  readonly host?: string;
  readonly advertisedHost?: string;
  readonly controlPort?: number;
  readonly control: boolean;
  readonly json?: boolean;
}

type Topic = NonNullable<StartOptions['topics']>[number];

const DEFAULT_PORT = 9092;
const PORT_MAX = 65_535;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const ANY_ADDRESS = /^(0\.0\.0\.0|::)$/;

/** `name:partitions[:replication]` */
function topic(text: string, before: readonly Topic[]): readonly Topic[] {
  const match = /^([a-zA-Z0-9._-]{1,249}):(\d{1,4})(?::([1-5]))?$/.exec(text);
  if (match === null || Number(match[2]) === 0)
    throw new InvalidArgumentError(
      'Expected name:partitions or name:partitions:replication, such as orders:3.',
    );
  const [, name = '', partitions, replication] = match;
  const replicationFactor = replication === undefined ? {} : { replicationFactor: Number(replication) };
  return [...before, { name, partitions: Number(partitions), ...replicationFactor }];
}

export function serveCommand(ended: Ended): Command {
  return new Command('serve')
    .description('the simulated cluster on real sockets and in real time, for any client')
    .option(
      '--port <n>',
      'port of the first broker, the others next to it; 0 for free ones (default: 9092)',
      wholeNumber(0, PORT_MAX),
    )
    .option('--brokers <n>', 'how many brokers, each with a port of its own (default: 1)', wholeNumber(1, 5))
    .addOption(
      new Option(
        '--profile <release>',
        'the release of Kafka whose protocol it speaks (default: 4.3)',
      ).choices(profileNames),
    )
    .option(
      '--topic <name:partitions[:replication]>',
      'create a topic; can be given more than once',
      topic,
      [],
    )
    .option('--config <file>', 'JSON file with these options, broker settings, SASL and TLS')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--advertised-host <name>', 'what clients are told to connect to (default: the host)')
    .option(
      '--control-port <n>',
      'port of the control channel; 0 for a free one (default: 0)',
      wholeNumber(0, PORT_MAX),
    )
    .option('--no-control', 'without the control channel')
    .option('--json', 'print one JSON document on standard output, everything else on standard error')
    .addHelpText(
      'after',
      `
Topics, groups and records live in memory and are gone when it ends (Ctrl-C or SIGTERM). The control channel is HTTP on
loopback: faults by hand, and a look at groups, logs and connections; GET / there lists what it can do.

The configuration file has the keys brokers, profile, host, advertisedHost, port, controlPort, topics (name, partitions,
replicationFactor, configs), settings (broker settings by Kafka's names), racks, sasl (mechanisms, users, maxReauthMs) and
tls (certificateFile, keyFile, clientCertificateAuthorityFile). Options of the command line come before it.

Examples:
  kafka-trial serve --topic orders:3
  kafka-trial serve --brokers 3 --port 19092 --profile 3.9
  kafka-trial serve --config cluster.json --json`,
    )
    .action(async (options: ServeOptions) => {
      // Listened for from the start, so that whoever stops it early stops it in good order too.
      const stopped = untilStopped();
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { readConfigFile } = await import('../serve/config-file.ts');
      const { startCluster } = await import('../serve/index.ts');
      const given = startOptions(options, options.config === undefined ? {} : readConfigFile(options.config));
      let hasFailed = false;
      // The connection that met the mistake has been reset; the others are served on.
      const onFailure = (error: unknown): void => {
        hasFailed = true;
        const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
        process.stderr.write(`The simulated cluster made a mistake of its own:\n${stack}\n`);
      };
      await using cluster = await startCluster(given as StartOptions, { onFailure });
      announce(cluster, given, options);
      await stopped;
      ended(hasFailed ? exitCodes.unknown : exitCodes.valid);
    });
}

/** What the command line says comes before what the file says. */
function startOptions(options: ServeOptions, file: Record<string, unknown>): Record<string, unknown> {
  const { port, brokers, profile, host, advertisedHost, topic: topics } = options;
  const fileTopics = file.topics ?? [];
  if (!Array.isArray(fileTopics))
    throw new UsageError('The configuration file is wrong: topics: expected a list.');
  const listensOn = host ?? file.host;
  const given = Object.fromEntries(
    Object.entries({ port, brokers, profile, host, advertisedHost }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return {
    port: DEFAULT_PORT,
    controlPort: 0,
    // Nobody can connect to every address there is.
    ...(typeof listensOn === 'string' && ANY_ADDRESS.test(listensOn) ? { advertisedHost: hostname() } : {}),
    ...file,
    ...given,
    topics: [...fileTopics, ...topics],
    ...(options.controlPort === undefined ? {} : { controlPort: options.controlPort }),
    ...(options.control ? {} : { controlPort: null }),
  };
}

function announce(cluster: RunningCluster, given: Record<string, unknown>, { json }: ServeOptions): void {
  const { bootstrapServers, controlUrl, clusterId, profile } = cluster;
  const { host, sasl, tls } = given;
  if (typeof host === 'string' && !LOOPBACK.test(host)) warn(host, sasl !== undefined, tls !== undefined);
  const topics = cluster.inspect.topics().filter(({ internal }) => !internal);
  const document = {
    schema: 1,
    command: 'serve',
    bootstrapServers,
    control: controlUrl,
    profile,
    clusterId,
    topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.length })),
    pid: process.pid,
  };
  process.stdout.write(`${json === true ? JSON.stringify(document) : bootstrapServers.join(',')}\n`);
  if (controlUrl !== null) process.stderr.write(`Control channel: ${controlUrl}\n`);
  process.stderr.write(`A simulated Kafka ${profile} listens; Ctrl-C ends it.\n`);
}

function warn(host: string, hasSasl: boolean, hasTls: boolean): void {
  const lacks = [
    ...(hasSasl ? [] : ['no authentication (SASL)']),
    ...(hasTls ? [] : ['no encryption (TLS)']),
  ];
  if (lacks.length > 0)
    process.stderr.write(
      `Warning: everyone who reaches ${host} can use this cluster: it has ${lacks.join(' and ')}. See --config.\n`,
    );
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Resolves when the command is told to end; a second signal ends it the hard way. */
const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    const stop = (): void => {
      for (const name of signals) process.off(name, stop);
      resolve();
    };
    for (const name of signals) process.on(name, stop);
  });
