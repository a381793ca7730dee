/** The clients that can be put on trial: a client's name enters, its adapter's facts leave. */
import type { Scenario } from '../../scenarios/schema.ts';
import { harnessVersion, installedVersion } from '../version.ts';
import { refusals as kafkajsRefusals } from './kafkajs/refusals.ts';

interface Client {
  version(): string;
  /** What it cannot express of a scenario, one sentence each with what to do instead. */
  refusals(scenario: Scenario): string[];
}

export const clients = {
  kafkajs: { version: () => installedVersion('kafkajs'), refusals: kafkajsRefusals },
  /** The control, a part of this package: an anomaly under it is the harness's own mistake. */
  reference: { version: harnessVersion, refusals: () => [] },
} as const satisfies Record<string, Client>;
export type ClientName = keyof typeof clients;

export const isClientName = (name: string): name is ClientName => Object.hasOwn(clients, name);

const clientOf = (name: string): Client => {
  if (!isClientName(name)) throw new Error(`no client is called ${name}`);
  return clients[name];
};

export const refusals = (name: string, scenario: Scenario): string[] => clientOf(name).refusals(scenario);
export const clientVersion = (name: string): string => clientOf(name).version();
