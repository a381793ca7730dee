/**
 * How the adapter builds its `Kafka` instance: a start command enters, an unmodified kafkajs client leaves, whose
 * sockets are made as kafkajs makes them and watched by the wire tap, and whose log goes to standard error.
 */
import { Kafka, type logCreator, logLevel } from 'kafkajs';
import type { Host } from '../host.ts';
import type { StartCommand } from '../protocol.ts';
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

/**
 * @throws Error where NODE_ENV is not `production`: kafkajs has other retry times under NODE_ENV=test, so the client on
 * trial would not be the one that people run
 */
export function createKafka(start: StartCommand, host: Host): Kafka {
  if (process.env.NODE_ENV !== 'production')
    throw new Error(
      `kafkajs goes on trial with NODE_ENV=production only, not '${process.env.NODE_ENV ?? ''}'`,
    );
  return new Kafka({
    clientId: start.process,
    brokers: start.connection.bootstrapServers,
    ssl: sslConfig(start.connection),
    ...saslConfig(start.connection),
    // An environment variable of kafkajs' own, KAFKAJS_LOG_LEVEL, says more where a person wants to know more.
    logLevel: logLevel.ERROR,
    ...nativeOptions(start, 'kafka'),
    logCreator: logToStandardError,
    socketFactory: tappedSockets(createTap(host, start.process)),
  });
}
