/**
 * kafkajs' way to the cluster: a connection of the start command and a wire tap enter, the parts of a `KafkaConfig` that
 * lead there leave, with sockets that are made as kafkajs makes them.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory, KafkaConfig } from 'kafkajs';
import type { Host } from '../host.ts';
import type { Connection } from '../protocol.ts';
import { createWireTap, type WireTap } from '../wire/tap.ts';

/** kafkajs' own default factory uses this delay; a factory of ours must not change what is on trial. */
const KEEP_ALIVE_DELAY_MS = 60_000;

export const createTap = (host: Host, clientId: string): WireTap =>
  createWireTap({
    clientId,
    emit: (event) => host.emit(event),
    report: (message) => console.error(`wire tap: ${message}`),
  });

/** @param own a factory that the application has of its own */
export const tappedSockets =
  (tap: WireTap, own?: ISocketFactory): ISocketFactory =>
  (options) => {
    const socket = own === undefined ? openSocket(options) : own(options);
    tap.attach(socket);
    return socket;
  };

const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket = ssl
    ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
};

export const sslConfig = ({ tls: options }: Connection): NonNullable<KafkaConfig['ssl']> => {
  if (options === null) return false;
  const { certificateAuthority, certificate, key, serverName } = options;
  return {
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
};

export const saslConfig = ({ sasl }: Connection): Pick<KafkaConfig, 'sasl'> => {
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
