/**
 * How the adapter builds its `Kafka` instance: a start command enters, an unmodified kafkajs client leaves, whose
 * sockets are made as kafkajs makes them and watched by the wire tap, and whose log goes to standard error.
 */
import { Kafka, type logCreator, logLevel } from 'kafkajs';
import type { Host } from '../host.ts';
import type { StartCommand } from '../protocol.ts';
import type { WireTap } from '../wire/tap.ts';
import { nativeOptions } from './native-options.ts';
import { createTap, saslConfig, sslConfig, tappedSockets } from './sockets.ts';

/** One line per message, on standard error, since standard output belongs to the events. */
const logToStandardError: logCreator =
  () =>
  ({ namespace, label, log }) => {
    const { timestamp: _timestamp, logger: _logger, message, stack: _stack, ...details } = log;
    console.error(`kafkajs ${label} [${namespace}] ${message} ${safeJson(details)}`);
  };

const safeJson = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? '';
  } catch {
    return '(details that are not JSON)';
  }
};

interface SharedKafka {
  readonly kafka: Kafka;
  /** Of each member, so that what passes on its connections is told as its own. */
  readonly taps: Map<Host, WireTap>;
}

/**
 * Members of one process have one instance between them, made as the first of them says.
 * @throws Error where NODE_ENV is not `production`: kafkajs has other retry times under NODE_ENV=test, so the client on
 * trial would not be the one that people run
 */
export function createKafka(start: StartCommand, host: Host): Kafka {
  if (process.env.NODE_ENV !== 'production')
    throw new Error(
      `kafkajs goes on trial with NODE_ENV=production only, not '${process.env.NODE_ENV ?? ''}'`,
    );
  const { shared } = host;
  if (shared === undefined) {
    const tap = createTap(host, start.process);
    return newKafka(start, start.process, () => tap);
  }
  const { kafka, taps } = shared.common((): SharedKafka => {
    const all: SharedKafka['taps'] = new Map();
    // kafkajs gives each consumer connections of its own and tells the factory nothing of whose they are.
    return { kafka: newKafka(start, shared.clientId, () => tapOf(all, shared.current())), taps: all };
  });
  taps.set(host, createTap(host, shared.clientId));
  return kafka;
}

function tapOf(taps: ReadonlyMap<Host, WireTap>, host: Host): WireTap {
  const tap = taps.get(host);
  if (tap === undefined) throw new Error('a connection is opened for a member that has not begun');
  return tap;
}

const newKafka = (start: StartCommand, clientId: string, tap: () => WireTap): Kafka =>
  new Kafka({
    clientId,
    brokers: start.connection.bootstrapServers,
    ssl: sslConfig(start.connection),
    ...saslConfig(start.connection),
    // An environment variable of kafkajs' own, KAFKAJS_LOG_LEVEL, says more where a person wants to know more.
    logLevel: logLevel.ERROR,
    ...nativeOptions(start, 'kafka'),
    logCreator: logToStandardError,
    socketFactory: (options) => tappedSockets(tap())(options),
  });
