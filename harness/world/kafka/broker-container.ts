/** One broker in a container: its place, image and environment enter, a container whose broker is starting leaves. */
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { containerPorts } from './broker-settings.ts';

export interface BrokerContainerOptions {
  readonly image: string;
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Network shared with the other brokers, or null for a broker alone. */
  readonly network: string | null;
  readonly hostPort: number;
  /** For the listener on which clients log in, where there is one. */
  readonly saslPort?: number | undefined;
  /** Address of the host on which clients may connect; empty means all of them. */
  readonly hostAddress: string;
}

class BrokerContainer extends GenericContainer {
  /** Fixed ports of the host, by port of the container, so that a broker that is started again is found where it was. */
  withHostPorts(hostAddress: string, ports: readonly (readonly [container: number, host: number])[]): this {
    this.withExposedPorts(...ports.map(([container, host]) => ({ container, host })));
    this.hostConfig.PortBindings = Object.fromEntries(
      ports.map(([container, host]) => [
        `${container}/tcp`,
        [{ HostIp: hostAddress, HostPort: String(host) }],
      ]),
    );
    return this;
  }
}

export async function startBrokerContainer(options: BrokerContainerOptions): Promise<StartedTestContainer> {
  const container = new BrokerContainer(options.image)
    .withName(options.name)
    .withEnvironment({ ...options.environment })
    .withLabels({ ...options.labels })
    .withHostPorts(options.hostAddress, [
      [containerPorts.client, options.hostPort],
      ...(options.saslPort === undefined ? [] : [[containerPorts.sasl, options.saslPort] as const]),
    ])
    // Cleaning up is the cluster set's own work, by label; testcontainers' reaper is not needed for it.
    .withAutoCleanup(false)
    // testcontainers removes a container that it waits for in vain, and with it the log that says why.
    .withWaitStrategy(Wait.forAll([]));
  if (options.network !== null) container.withNetworkMode(options.network);
  return container.start();
}
