/** The links of a run: faults of a scenario enter, what Toxiproxy and the processes are told, in order, is checked. */
import { expect, test } from 'vitest';
import { generateScenario } from '../../../../scenarios/arbitrary.ts';
import type { Action, Scenario, Topology } from '../../../../scenarios/schema.ts';
import type { Command, StartCommand } from '../../../client/protocol.ts';
import type { ClientProcess } from '../../client-process.ts';
import { brokenLinks, RunLinks } from './run-links.ts';
import type { Toxic, Toxiproxy } from './toxiproxy.ts';

/** Keeps what it is told, and fails the next call where it is to. */
class FakeToxiproxy {
  readonly told: string[] = [];
  failure: Error | null = null;

  async open(name: string, upstream: string) {
    this.#tell(`open ${name} to ${upstream}`);
    return { host: '127.0.0.1', port: 40_000 + this.told.length };
  }

  async addToxic() {}

  async changeToxic(proxy: string, { name, attributes }: Toxic) {
    // As slow as a real one, so that an order that does not wait for the one before it would be seen.
    await new Promise((done) => setImmediate(done));
    this.#tell(`${proxy} ${name} ${JSON.stringify(attributes)}`);
  }

  async close(name: string) {
    this.#tell(`close ${name}`);
  }

  #tell(what: string): void {
    if (this.failure !== null) throw this.failure;
    this.told.push(what);
  }
}

const base = generateScenario(1, 0, 'calm');
const [producer] = base.producers;
const id = producer?.id as string;
const scenarioOf = (brokers: number, actions: object[], topology: Partial<Topology> = {}): Scenario => ({
  ...base,
  topology: { ...base.topology, brokers, ...topology },
  actions: actions as Action[],
});
const cutOf = (broker: number | null) => ({
  kind: 'cut-link',
  atMs: 1_000,
  durationMs: 500,
  link: { process: id, broker },
  direction: 'both',
});
const start = { command: 'start' } as StartCommand;

async function open(scenario: Scenario) {
  const toxiproxy = new FakeToxiproxy();
  const addresses = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
  const links = await RunLinks.open(scenario, addresses, toxiproxy as unknown as Toxiproxy, 'run.');
  const told: Command[] = [];
  const client = {
    exited: new Promise(() => {}),
    command: (one: Command) => told.push(one),
  } as unknown as ClientProcess;
  links.attach(id, client);
  toxiproxy.told.length = 0;
  return { links, toxiproxy, told };
}

test('only links that are broken have a proxy: those of the actions, or all where the network has a speed', () => {
  expect(brokenLinks(scenarioOf(3, []))).toEqual([]);
  expect(brokenLinks(scenarioOf(3, [cutOf(2), cutOf(2)]))).toEqual([{ process: id, broker: 2 }]);
  expect(brokenLinks(scenarioOf(3, [cutOf(null)]))).toHaveLength(3);
  const network = { latencyMs: { min: 1, max: 2 }, bytesPerSecond: null, lossPerThousand: 0 };
  const processes = base.producers.length + base.groups.flatMap(({ members }) => members).length;
  expect(brokenLinks(scenarioOf(3, [], { network }))).toHaveLength(3 * processes);
});

test('a process is told of its own links with its start, and any other of nothing', async () => {
  const { links } = await open(scenarioOf(1, [cutOf(1)]));
  await links.cut(id, 1, 'to-process');
  expect(links.startOf(id, start)).toMatchObject({
    links: [{ address: '127.0.0.1:1', proxy: { host: '127.0.0.1', port: 40_001 }, isCut: true }],
  });
  expect(links.startOf('another', start)).toBe(start);
});

test('cuts that overlap add up, and the process hears of a cut first and of its end last', async () => {
  const { links, toxiproxy, told } = await open(scenarioOf(1, [cutOf(1)]));
  const heal = await links.cut(id, 1, 'to-broker');
  const healOther = await links.cut(id, 1, 'to-broker');
  await heal();
  const held = [
    'run.producer-1.1 to-broker.close {"delay":86400000}',
    'run.producer-1.1 to-broker.cut {"latency":86400000,"jitter":0}',
  ];
  expect(toxiproxy.told).toEqual(held);
  expect(told.map((one) => 'isCut' in one && one.isCut)).toEqual([true, true, true]);
  await healOther();
  expect(toxiproxy.told.slice(2)).toEqual([
    'run.producer-1.1 to-broker.close {"delay":0}',
    'run.producer-1.1 to-broker.cut {"latency":0,"jitter":0}',
  ]);
  expect(told.at(-1)).toMatchObject({ isCut: false });
});

test('of several conditions the last one counts, and in the end those that the link had at first', async () => {
  const network = { latencyMs: { min: 2, max: 4 }, bytesPerSecond: null, lossPerThousand: 0 };
  const { links, toxiproxy, told } = await open(scenarioOf(1, [cutOf(1)], { network }));
  const conditions = (ms: number) => ({ ...network, latencyMs: { min: ms, max: ms } });
  const [endFirst, endSecond] = await Promise.all([
    links.slow(id, 1, conditions(100)),
    links.slow(id, 1, conditions(200)),
  ]);
  await endSecond();
  await endFirst();
  const latencies = toxiproxy.told
    .filter((line) => line.includes('to-broker.latency'))
    .map((line) => /"latency":(\d+)/.exec(line)?.[1]);
  expect(latencies.slice(-2)).toEqual(['100', '3']);
  expect(told.at(-1)).toMatchObject({ latencyMs: { min: 2, max: 4 } });
});

test('an end of connections is the process alone to carry out', async () => {
  const { links, toxiproxy, told } = await open(scenarioOf(1, [cutOf(1)]));
  links.reset(id, 1, 'half-open');
  expect(told).toMatchObject([{ command: 'link', address: '127.0.0.1:1', ending: 'half-open' }]);
  expect(toxiproxy.told).toEqual([]);
});

test('a fault that Toxiproxy does not take is not passed over, and the proxies are closed all the same', async () => {
  const { links, toxiproxy } = await open(scenarioOf(1, [cutOf(1)]));
  toxiproxy.failure = new Error('gone');
  await expect(links.cut(id, 1, 'to-broker')).rejects.toThrow('gone');
  await expect(
    links.slow(id, 1, { latencyMs: { min: 0, max: 0 }, bytesPerSecond: null, lossPerThousand: 1 }),
  ).rejects.toThrow('lossPerThousand');
  toxiproxy.failure = null;
  await links[Symbol.asyncDispose]();
  expect(toxiproxy.told).toEqual(['close run.producer-1.1']);
});
