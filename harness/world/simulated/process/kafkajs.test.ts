/** The unmodified kafkajs, bundled as in production, in simulated processes against canned answers. */
import { describe, expect, it } from 'vitest';
import type { StartCommand } from '../../../client/protocol.ts';
import type { UnplacedEvent } from '../../../history/schema.ts';
import type { ClientExit } from '../../client-process.ts';
import { Network } from '../network.ts';
import { RandomStreams } from '../random.ts';
import { Scheduler, type SchedulerOptions } from '../scheduler.ts';
import { CannedBroker } from '../testing/canned-broker.ts';
import { label, Trace } from '../trace.ts';
import { loadBundle } from './client-bundle.ts';
import { NO_SKEW, VIRTUAL_EPOCH_MS } from './clock.ts';
import { SimulatedProcess } from './simulated-process.ts';

const producerStart = (records: number): StartCommand => ({
  command: 'start',
  protocol: 1,
  process: 'producer-1.1',
  connection: { bootstrapServers: ['broker-1:9092'], tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: VIRTUAL_EPOCH_MS,
  mutant: null,
  role: 'producer',
  producer: {
    id: 'producer-1',
    topics: ['orders'],
    acks: 'all',
    idempotent: false,
    keys: 5,
    records,
    recordsPerSend: 1,
    valueBytes: 50,
    startMs: 500,
    stopMs: 10_000,
  },
});

const signal = label('test');

interface RunOptions {
  readonly seed?: number;
  readonly drain?: NonNullable<SchedulerOptions['drain']>;
  readonly during?: (tools: {
    at: (timeMs: number, action: () => void) => void;
    client: SimulatedProcess;
    network: Network;
    broker: CannedBroker;
  }) => void;
  readonly endMs?: number;
}

async function runProducer({ seed = 7, drain, during, endMs }: RunOptions = {}) {
  const trace = new Trace({ from: 0, to: 10_000 });
  const scheduler = new Scheduler({ trace, ...(drain === undefined ? {} : { drain }) });
  const streams = new RandomStreams(seed);
  const network = new Network(scheduler, streams);
  const broker = new CannedBroker(scheduler, 1);
  network.attach(1, broker);
  const events: UnplacedEvent[] = [];
  const log: string[] = [];
  let exit: ClientExit | null = null;
  await scheduler.run(async () => {
    const client = new SimulatedProcess(
      {
        start: producerStart(20),
        id: 'producer-1',
        skew: NO_SKEW,
        scheduler,
        network,
        streams,
        bundle: loadBundle('kafkajs'),
        resolve: (host) => (host === 'broker-1' ? 1 : null),
        onEvent: (event) => events.push(event),
        onLog: (line) => log.push(line),
        timeOriginUs: 0,
      },
      1,
    );
    const at = (timeMs: number, action: () => void): void => {
      scheduler.after(scheduler.harness, timeMs * 1_000, signal, action);
    };
    during?.({ at, client, network, broker });
    const ended = client.exited.then((how) => {
      exit = how;
    });
    const bound = new Promise<void>((resolve) => at(endMs ?? 120_000, resolve));
    // Where the test names an end, the run goes on after the process has ended.
    await (endMs === undefined ? Promise.race([ended, bound]) : bound);
  });
  const kinds = events.map((event) => event.kind);
  return { trace: trace.summary(), events, kinds, log, exit: exit as ClientExit | null, broker, scheduler };
}

describe('kafkajs in a simulated process', () => {
  it('connects, sends every record at its virtual time and ends by itself', async () => {
    const { events, kinds, exit, broker, log } = await runProducer();
    expect(log).toEqual([]);
    expect(exit).toEqual({ code: 0, signal: null, invalidLines: 0 });
    expect(kinds.filter((kind) => kind === 'produce-ok')).toHaveLength(20);
    expect(broker.requests.filter((name) => name === 'Produce')).toHaveLength(20);
    const invokes = events.filter((event) => event.kind === 'produce-invoke').map(({ time }) => time);
    expect(invokes[0]).toBeGreaterThanOrEqual(500);
    expect(invokes.at(-1)).toBeGreaterThanOrEqual(10_000);
    expect(invokes.at(-1)).toBeLessThan(10_100);
  });

  it('gives the same trace and the same events on every run, and others for another seed', async () => {
    const first = await runProducer();
    const second = await runProducer();
    expect(second.trace.hash).toBe(first.trace.hash);
    expect(second.events).toEqual(first.events);
    const other = await runProducer({ seed: 8 });
    expect(other.trace.hash).not.toBe(first.trace.hash);
  });

  it('gives the same trace where each event has a turn of the event loop of its own', async () => {
    const first = await runProducer();
    const second = await runProducer({ drain: 'event-loop' });
    expect(second.trace.hash).toBe(first.trace.hash);
  });

  it('does nothing after a SIGKILL, and its broker sees the connection end', async () => {
    const { events, exit, trace } = await runProducer({
      during: ({ at, client }) => at(3_000, () => client.signal('SIGKILL')),
      endMs: 10_000,
    });
    const ran = trace.recorded.filter(({ owner }) => owner === 'producer-1.1').map(({ timeUs }) => timeUs);
    expect(ran.length).toBeGreaterThan(10);
    expect(Math.max(...ran)).toBeLessThanOrEqual(3_000_000);
    expect(exit).toEqual({ code: null, signal: 'SIGKILL', invalidLines: 0 });
    expect(events.length).toBeGreaterThan(3);
    expect(events.every(({ time }) => time <= 3_000)).toBe(true);
  });

  it('closes in order on SIGTERM', async () => {
    const { kinds, exit } = await runProducer({
      during: ({ at, client }) => at(3_000, () => client.signal('SIGTERM')),
    });
    expect(exit).toEqual({ code: 0, signal: null, invalidLines: 0 });
    expect(kinds.slice(-2)).toEqual(['producer-close', 'producer-close']);
  });

  it('does nothing while stopped, and catches up when continued', async () => {
    const { events, exit } = await runProducer({
      during: ({ at, client }) => {
        at(3_000, () => client.signal('SIGSTOP'));
        at(8_000, () => client.signal('SIGCONT'));
      },
    });
    expect(exit?.code).toBe(0);
    expect(events.filter(({ time }) => time > 3_000 && time < 8_000)).toEqual([]);
    expect(events.filter(({ kind }) => kind === 'produce-ok')).toHaveLength(20);
  });

  it('gets on after its connections were reset', async () => {
    const { events, exit, log } = await runProducer({
      during: ({ at, network }) => at(3_000, () => network.reset('producer-1', 1)),
    });
    expect(exit?.code).toBe(0);
    expect(log.join()).toContain('ECONNRESET');
    expect(events.filter(({ kind }) => kind === 'produce-ok').length).toBeGreaterThan(15);
  });

  it('ends with an error where nobody listens', async () => {
    const { events, exit, log } = await runProducer({
      during: ({ broker }) => {
        broker.listens = false;
      },
    });
    expect(exit?.code).toBe(1);
    expect(log.join()).toContain('ECONNREFUSED');
    expect(events.map(({ kind }) => kind)).toEqual(['application-error']);
  });

  it('waits for its connection timeout where the network is cut', async () => {
    const { events, log } = await runProducer({
      during: ({ network }) => network.cut('producer-1', 1, 'to-broker'),
      endMs: 60_000,
    });
    expect(log.join()).toContain('Connection timeout');
    expect(events.map(({ kind }) => kind)).toEqual(['application-error']);
  });
});
