/** Faults of links on real Kafka: each kind of them comes over a real client, and what it does there is awaited. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateScenario } from '../../../../scenarios/arbitrary.ts';
import { type Action, parseScenario } from '../../../../scenarios/schema.ts';
import {
  createClients,
  eventsOf,
  type RunningClient,
  usualGroup,
} from '../../../client/kafkajs/testing/run-client.ts';
import type { EventKind, UnplacedEvent } from '../../../history/schema.ts';
import { HistoryRecorder } from '../../../history/writer.ts';
import type { FaultEnd } from '../../administration.ts';
import { type ClusterSet, startClusterSet } from '../cluster-set.ts';
import { KafkaWorld } from '../kafka-world.ts';
import { openAdmin } from '../observer/admin.ts';
import { pollUntil } from '../poll.ts';
import { RunLinks } from './run-links.ts';
import { Toxiproxy } from './toxiproxy.ts';

/** Time enough to break the link while a record is worked on. */
const HANDLER_MS = 2_000;
const LATENCY_MS = 150;
const TIMEOUT_MS = 30_000;

const options = { sessionId: randomUUID(), signal: new AbortController().signal, onProgress: () => {} };
let cluster: ClusterSet;
let admin: ReturnType<typeof openAdmin>;
let toxiproxy: Toxiproxy;

beforeAll(async () => {
  [cluster, toxiproxy] = await Promise.all([
    startClusterSet({ ...options, brokerCount: 1, groupInitialRebalanceDelayMs: 0 }),
    Toxiproxy.start(options),
  ]);
  admin = openAdmin({ bootstrapServers: [...cluster.bootstrapServers], tls: null, sasl: null });
});
afterAll(async () => {
  await admin?.close();
  await toxiproxy?.stop();
  await cluster?.stop();
});

const count = (events: readonly UnplacedEvent[], kind: EventKind): number => eventsOf(events, kind).length;
/** The next event of the kind after the first so many. */
const next = async (
  member: RunningClient,
  kind: EventKind,
  sofar = count(member.events, kind),
): Promise<void> => await member.until((events) => count(events, kind) > sofar);

const latencyOf = (ms: number) => ({
  latencyMs: { min: ms, max: ms },
  bytesPerSecond: null,
  lossPerThousand: 0,
});

/** From the invocation of a member's last commit to its answer. */
function lastCommitMs({ events }: RunningClient): number {
  const answered = eventsOf(events, 'commit-ok').at(-1);
  const invoked = eventsOf(events, 'commit-invoke').find(({ commit }) => commit === answered?.commit);
  return (answered?.time ?? Number.NaN) - (invoked?.time ?? Number.NaN);
}

test.concurrent.each(['kafkajs', 'reference'])(
  '%s feels every kind of fault, and comes back',
  async (client) => {
    const topic = `links-${client}`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
    const base = generateScenario(1, 0, 'calm');
    const action = {
      kind: 'reset-link',
      atMs: 0,
      link: { process: 'm1', broker: 1 },
      ending: 'reset',
    } as Action;
    const scenario = { ...base, topology: { ...base.topology, brokers: 1 }, actions: [action] };
    await using links = await RunLinks.open(scenario, cluster.bootstrapServers, toxiproxy, `${topic}.`);
    const clients = createClients(cluster.bootstrapServers, { client, links });
    const member = clients.member(
      usualGroup({
        id: topic,
        topics: [topic],
        handler: {
          timeMs: { min: HANDLER_MS, max: HANDLER_MS },
          failuresPerThousand: 0,
          failuresPerRecord: 1,
        },
      }),
    );
    try {
      await member.until((events) => count(events, 'client-joined') > 0);
      const counted = (kind: EventKind): number => count(member.events, kind);
      const handle = async (): Promise<void> => {
        const begun = counted('processing-begin');
        await admin.produce(topic, 0, 'a record');
        await next(member, 'processing-begin', begun);
      };

      /** Begins a fault while a record is worked on; where a machine was too slow for that, with the next record. */
      const whileAtWork = async (begin: () => Promise<FaultEnd>): Promise<FaultEnd> => {
        for (;;) {
          const done = counted('processing-end');
          await handle();
          const end = await begin();
          if (counted('processing-end') === done) return end;
          await end();
          await next(member, 'commit-ok', done);
        }
      };

      // A commit that cannot get to the broker, when the connection is reset.
      const heal = await whileAtWork(() => links.cut('m1', 1, 'to-broker'));
      await next(member, 'commit-invoke');
      const lost = counted('commit-unknown');
      const answered = counted('commit-ok');
      links.reset('m1', 1, 'reset');
      await next(member, 'commit-unknown', lost);
      await heal();
      await next(member, 'commit-ok', answered);

      // A connection of which the broker knows nothing any more: a commit of kafkajs finds that out, and the reference
      // client's heartbeats do before its commit.
      await handle();
      links.reset('m1', 1, 'half-open');
      await next(member, 'commit-ok', answered + 1);
      expect(counted('commit-unknown') - lost).toBeGreaterThanOrEqual(client === 'kafkajs' ? 2 : 1);

      const end = await whileAtWork(() => links.slow('m1', 1, latencyOf(LATENCY_MS)));
      await next(member, 'commit-ok');
      expect(lastCommitMs(member)).toBeGreaterThanOrEqual(2 * LATENCY_MS - 1);
      await end();

      // Cut off for longer than its session, it is a member no more; and is one again when that is over.
      const members = async (): Promise<number> => (await admin.describeGroup(topic)).members.length;
      expect(await members()).toBe(1);
      const joined = counted('client-joined');
      const ends = [await links.cut('m1', 1, 'to-broker'), await links.cut('m1', 1, 'to-process')];
      await pollUntil(async () => (await members()) === 0, {
        what: 'The end of the session',
        timeoutMs: TIMEOUT_MS,
      });
      for (const one of ends) await one();
      await next(member, 'client-joined', joined);
      expect(await members()).toBe(1);
    } finally {
      await clients.stop();
    }
  },
);

test.concurrent('a scenario that breaks links runs on a cluster of the user, too', async () => {
  const base = generateScenario(1, 0, 'calm');
  const [producer] = base.producers;
  const [group] = base.groups;
  const scenario = parseScenario(
    {
      ...base,
      topology: {
        ...base.topology,
        brokers: 1,
        topics: [{ name: 'orders', partitions: 1, replicationFactor: 1 }],
        network: latencyOf(LATENCY_MS),
      },
      producers: [{ ...producer, topics: ['orders'], acks: 'all', records: 10, startMs: 0, stopMs: 1_000 }],
      groups: [{ ...group, topics: ['orders'], commitMode: { kind: 'per-record' }, members: [{ id: 'm1' }] }],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'reset-link', atMs: 2_000, link: { process: 'm1', broker: null }, ending: 'reset' },
      ],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );
  const connection = { bootstrapServers: [...cluster.bootstrapServers], tls: null, sasl: null };
  await using world = new KafkaWorld({ ...options, sessionId: randomUUID(), connection, onLog: () => {} });
  const recorder = new HistoryRecorder();
  await world.run(scenario, { client: 'reference', mutant: null }, recorder);
  const { events } = recorder.finishHistory();
  expect(eventsOf(events, 'action').map(({ outcome }) => outcome)).toEqual(['applied', 'applied']);
  const invokedAt = new Map(
    eventsOf(events, 'produce-invoke').map(({ process, produce, time }) => [`${process} ${produce}`, time]),
  );
  // The harness's own markers go to the brokers themselves.
  const tookMs = eventsOf(events, 'produce-ok').flatMap(({ process, produce, time }) =>
    process === 'harness' ? [] : [time - (invokedAt.get(`${process} ${produce}`) ?? Number.NaN)],
  );
  expect(tookMs.length).toBeGreaterThan(0);
  expect(Math.min(...tookMs)).toBeGreaterThanOrEqual(2 * LATENCY_MS - 1);
});
