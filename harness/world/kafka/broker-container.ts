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
  /** Address of the host on which clients may connect; empty means all of them. */
  readonly hostAddress: string;
}

class BrokerContainer extends GenericContainer {
  /** A fixed port of the host, so that a broker that is started again is found where it was. */
  withHostPort(hostAddress: string, hostPort: number): this {
    this.withExposedPorts({ container: containerPorts.client, host: hostPort });
    this.hostConfig.PortBindings = {
      [`${containerPorts.client}/tcp`]: [{ HostIp: hostAddress, HostPort: String(hostPort) }],
    };
    return this;
  }
}

export async function startBrokerContainer(options: BrokerContainerOptions): Promise<StartedTestContainer> {
  const container = new BrokerContainer(options.image)
    .withName(options.name)
    .withEnvironment({ ...options.environment })
    .withLabels({ ...options.labels })
    .withHostPort(options.hostAddress, options.hostPort)
    // Cleaning up is the cluster set's own work, by label; testcontainers' reaper is not needed for it.
    .withAutoCleanup(false)
    // testcontainers removes a container that it waits for in vain, and with it the log that says why.
    .withWaitStrategy(Wait.forAll([]));
  if (options.network !== null) container.withNetworkMode(options.network);
  return container.start();
}
