/**
 * How the reference client reaches the cluster on trial: a start command enters, its addresses, TLS and SASL leave in the
 * client's words, with every socket watched by the wire tap.
 */
import type { Host } from '../../host.ts';
import type { StartCommand } from '../../protocol.ts';
import { createWireTap } from '../../wire/tap.ts';
import type { Transport } from '../network/connection.ts';

export const commonOptions = ({ process, connection }: StartCommand) => ({
  'bootstrap.servers': connection.bootstrapServers,
  'client.id': process,
});

export function createTransport({ process, connection: { tls, sasl } }: StartCommand, host: Host): Transport {
  const tap = createWireTap({
    clientId: process,
    emit: (event) => host.emit(event),
    report: (message) => console.error(`wire tap: ${message}`),
  });
  return {
    tls:
      tls === null
        ? null
        : {
            ...(tls.certificateAuthority === undefined ? {} : { ca: tls.certificateAuthority }),
            ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          },
    sasl,
    onSocket: (socket) => tap.attach(socket),
  };
}
