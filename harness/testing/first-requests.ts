/** What clients ask first: a scenario and a subject enter; the first request of each API leaves, as a broker reads it. */
import type { Scenario } from '../../scenarios/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { WireMessage } from '../world/simulated/message-tap.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';

/** Those of the harness itself left out. */
export async function firstRequestsOf(scenario: Scenario, subject: Subject): Promise<Map<string, unknown>> {
  const requests = new Map<string, unknown>();
  const onMessage = ({ direction, api, body, process }: WireMessage): void => {
    const isOfClient = process !== null && process !== '' && direction === 'request';
    if (isOfClient && !requests.has(api)) requests.set(api, body);
  };
  await new SimulatedWorld({ inspection: { onMessage } }).run(scenario, subject, new HistoryRecorder());
  return requests;
}
