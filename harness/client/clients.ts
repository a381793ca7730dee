/** The clients that can be put on trial: a client's name enters, its adapter's facts leave. */
import type { Scenario } from '../../scenarios/schema.ts';
import { refusals as kafkajsRefusals } from './kafkajs/refusals.ts';

interface Client {
  /** The package that its adapter drives, or null where it is a part of this one. */
  readonly packageName: string | null;
  /** The first version that the adapter can drive, or null where there is one version only. */
  readonly oldestVersion: string | null;
  /** What it cannot express of a scenario, one sentence each with what to do instead. */
  refusals(scenario: Scenario): string[];
}

export const clients = {
  // Before 2.0.0 `subscribe` took one topic at a time, and another partitioner was the default.
  kafkajs: { packageName: 'kafkajs', oldestVersion: '2.0.0', refusals: kafkajsRefusals },
  /** The control, a part of this package: an anomaly under it is the harness's own mistake. */
  reference: { packageName: null, oldestVersion: null, refusals: () => [] },
} as const satisfies Record<string, Client>;
export type ClientName = keyof typeof clients;

export const isClientName = (name: string): name is ClientName => Object.hasOwn(clients, name);

/** @param client its name, with or without a version behind an @ */
export function refusals(client: string, scenario: Scenario): string[] {
  const name = client.split('@', 1)[0] as string;
  if (!isClientName(name)) throw new Error(`no client is called ${name}`);
  return clients[name].refusals(scenario);
}
