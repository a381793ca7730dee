/** Well-formed requests of every kind, sensible or not: each is answered, or its connection closed; none waits for ever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addGroupCoordinators } from './group/part.ts';
import { kafka43 } from './profiles.ts';
import type { ProduceRequest } from './protocol/00-produce.ts';
import { encodeRequest } from './protocol/api.ts';
import { at } from './protocol/codec.ts';
import { arbitraryValue } from './protocol/testing/arbitrary.ts';
import { createSimulatedCluster } from './simulated-cluster.ts';
import { VirtualTime } from './testing/virtual-time.ts';
import { addTransactionCoordinators } from './transaction/part.ts';

/** Most names mean something, so that requests get beyond the first check. */
const NAMES = ['orders', 'g', 'payments', '', 'consumer', 'range'];
/** What a client says it would wait. */
const WAIT_MAX_MS = 10_000;

/** The same request with names that exist and times that end. */
function sensible(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => sensible(one, field));
  if (typeof value === 'string' && !/^[0-9a-f]{32}$/.test(value)) return NAMES[value.length % NAMES.length];
  if (typeof value === 'number' && field.endsWith('Ms')) return Math.abs(value) % WAIT_MAX_MS;
  if (typeof value === 'number' && /partition|index|generation|epoch/i.test(field))
    return Math.abs(value) % 3;
  if (typeof value === 'number' && field === 'replicationFactor') return 1;
  if (typeof value === 'number' && /count|numPartitions/.test(field)) return Math.abs(value) % 4;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sensible(one, name)]));
}

test('every request of every version', () => {
  const world = new VirtualTime();
  const cluster = createSimulatedCluster({
    brokerCount: 1,
    profile: kafka43,
    environment: world,
    settings: { offsetsTopicNumPartitions: 1, transactionStateLogNumPartitions: 1, messageBytesMax: 1_000 },
    parts: [(core) => addTransactionCoordinators(core, addGroupCoordinators(core))],
  });
  cluster.createTopic({ name: 'orders', partitions: 2, replicationFactor: 1 });
  world.run(1_000);
  const kinds = cluster.core.announcement().flatMap(({ apiKey }) => {
    const api = cluster.core.handler(apiKey)?.api;
    const range = kafka43.versions.get(apiKey);
    if (api === undefined || range === undefined) return [];
    const max = Math.min(range.max, api.versions.max);
    return Array.from({ length: max - range.min + 1 }, (_, index) => ({ api, version: range.min + index }));
  });
  const silent = new Map<number, string>();
  let sent = 0;
  for (const { api, version } of kinds) {
    const layout = at(version, version >= api.flexibleFrom);
    const requests = fc.sample(arbitraryValue(api.request.shape, layout), { numRuns: 25, seed: 1 });
    for (const request of [...requests.map((one) => sensible(one)), ...requests.slice(0, 5)]) {
      // A client that wants no answer gets none.
      if (api.key === 0 && (request as ProduceRequest).acks === 0) continue;
      sent += 1;
      const id = sent;
      const wants = (request as { maxWaitMs?: number }).maxWaitMs ?? 0;
      if (wants > WAIT_MAX_MS) continue;
      const heard = (): void => void silent.delete(id);
      silent.set(id, `${api.name} ${version}: ${text(request)}`);
      const connection = cluster.connect(1, { onData: heard, onClose: heard });
      connection?.receive(
        encodeRequest(api, version, { correlationId: id, clientId: 'c' }, request as never),
      );
      world.run(5);
    }
  }
  world.run(24 * 3_600_000);
  expect(sent).toBeGreaterThan(3_000);
  expect([...silent.values()]).toEqual([]);
});

const text = (request: unknown): string =>
  JSON.stringify(request, (_name, value) => (typeof value === 'bigint' ? String(value) : value)).slice(
    0,
    300,
  );
