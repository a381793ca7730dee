/**
 * How the adapter builds its `Kafka` instance: a start command enters, an unmodified kafkajs client leaves, whose
 * sockets are made as kafkajs makes them and watched by the wire tap, and whose log goes to standard error.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type ISocketFactory, Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs';
import type { Host } from '../host.ts';
import type { StartCommand } from '../protocol.ts';
import { createWireTap } from '../wire/tap.ts';
import { nativeOptions } from './native-options.ts';

/** kafkajs' own default factory uses this delay; a factory of ours must not change what is on trial. */
const KEEP_ALIVE_DELAY_MS = 60_000;

const createSocketFactory = (host: Host, clientId: string): ISocketFactory => {
  const tap = createWireTap({
    clientId,
    emit: (event) => host.emit(event),
    report: (message) => console.error(`wire tap: ${message}`),
  });
  return ({ host: address, port, ssl, onConnect }) => {
    const socket = ssl
      ? tls.connect(
          { host: address, port, ...(net.isIP(address) ? {} : { servername: address }), ...ssl },
          onConnect,
        )
      : net.connect({ host: address, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    tap.attach(socket);
    return socket;
  };
};

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

const sslConfig = ({ connection: { tls: options } }: StartCommand): KafkaConfig['ssl'] => {
  if (options === null) return false;
  const { certificateAuthority, certificate, key, serverName } = options;
  return {
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
};

const saslConfig = ({ connection: { sasl } }: StartCommand): Pick<KafkaConfig, 'sasl'> => {
  if (sasl === null) return {};
  const { username, password } = sasl;
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { sasl: { mechanism: 'plain', username, password } };
    case 'SCRAM-SHA-256':
      return { sasl: { mechanism: 'scram-sha-256', username, password } };
    case 'SCRAM-SHA-512':
      return { sasl: { mechanism: 'scram-sha-512', username, password } };
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
    ssl: sslConfig(start) ?? false,
    ...saslConfig(start),
    // An environment variable of kafkajs' own, KAFKAJS_LOG_LEVEL, says more where a person wants to know more.
    logLevel: logLevel.ERROR,
    ...nativeOptions(start, 'kafka'),
    logCreator: logToStandardError,
    socketFactory: createSocketFactory(host, start.process),
  });
}
