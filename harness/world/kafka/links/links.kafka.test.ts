/** Faults of links on real Kafka: each kind of them comes over a real client, and the history shows what that did. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge } from '../../../../properties/index.ts';
import { parseScenario, type Scenario } from '../../../../scenarios/schema.ts';
import type { EventKind, EventOf, History } from '../../../history/schema.ts';
import { HistoryRecorder } from '../../../history/writer.ts';
import { KafkaWorld } from '../kafka-world.ts';

const SESSION_MS = 2_000;
const LATENCY_MS = 150;
const group = (id: string, members: readonly string[]) => ({
  id,
  topics: ['orders'],
  sessionTimeoutMs: SESSION_MS,
  rebalanceTimeoutMs: 4_000,
  heartbeatIntervalMs: 400,
  autoOffsetReset: 'earliest',
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  members: members.map((member) => ({ id: member })),
});

/** The actions by what they are, in the order of the scenario. */
const SLOW = 3;
const CUT = 4;
const RESET = 5;
const HALF_OPEN = 6;
const scenario: Scenario = parseScenario(
  {
    version: 1,
    name: 'links',
    seed: 1,
    topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
    producers: [
      {
        id: 'p',
        topics: ['orders'],
        acks: 'all',
        idempotent: false,
        keys: null,
        records: 150,
        recordsPerSend: 1,
        valueBytes: 10,
        startMs: 1_000,
        stopMs: 8_000,
      },
    ],
    groups: [group('cut', ['cut-m1', 'cut-m2']), group('slow', ['slow-m1'])],
    actions: [
      { kind: 'join', atMs: 0, member: 'cut-m1' },
      { kind: 'join', atMs: 0, member: 'cut-m2' },
      { kind: 'join', atMs: 0, member: 'slow-m1' },
      {
        kind: 'slow-link',
        atMs: 4_000,
        durationMs: 4_000,
        link: { process: 'slow-m1', broker: null },
        latencyMs: { min: LATENCY_MS, max: LATENCY_MS },
        bytesPerSecond: null,
        lossPerThousand: 0,
      },
      {
        kind: 'cut-link',
        atMs: 4_000,
        durationMs: 4_000,
        link: { process: 'cut-m1', broker: 1 },
        direction: 'to-broker',
      },
      { kind: 'reset-link', atMs: 5_000, link: { process: 'slow-m1', broker: 1 }, ending: 'reset' },
      { kind: 'reset-link', atMs: 6_800, link: { process: 'slow-m1', broker: 1 }, ending: 'half-open' },
    ],
    settling: { boundMs: 40_000 },
  },
  'the test',
);

let world: KafkaWorld;
beforeAll(() => {
  world = new KafkaWorld({
    sessionId: randomUUID(),
    connection: null,
    onProgress: () => {},
    onLog: () => {},
    signal: new AbortController().signal,
  });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const of = <K extends EventKind>(history: History, kind: K): EventOf<K>[] =>
  history.events.filter((event): event is EventOf<K> => event.kind === kind);

function windowOf(history: History, index: number): { fromMs: number; toMs: number } {
  const events = of(history, 'action').filter(({ action }) => action === index);
  expect(events.map(({ outcome, reason }) => [outcome, reason])).toEqual(events.map(() => ['applied', null]));
  return { fromMs: events[0]?.time as number, toMs: events.at(-1)?.time as number };
}

/** Of the member's commits that were invoked and answered in the window. */
function commitTimesMs(history: History, fromMs: number, toMs: number): number[] {
  const mine = { invoked: of(history, 'commit-invoke'), answered: of(history, 'commit-ok') };
  return mine.answered.flatMap(({ process, commit, time }) => {
    if (!process.startsWith('slow-m1.')) return [];
    const invoked = mine.invoked.find((one) => one.process === process && one.commit === commit);
    return invoked !== undefined && invoked.time >= fromMs && time <= toMs ? [time - invoked.time] : [];
  });
}

/** Commits that the end of the member's connections left without an answer, and the first that got one again. */
function connectionsLost(history: History, fromMs: number) {
  const unknown = of(history, 'commit-unknown').find(
    ({ process, time }) => process.startsWith('slow-m1.') && time >= fromMs,
  );
  const again = of(history, 'commit-ok').find(
    ({ process, time }) =>
      process.startsWith('slow-m1.') && time > (unknown?.time ?? Number.POSITIVE_INFINITY),
  );
  return { reason: unknown?.reason, isBack: again !== undefined };
}

test.concurrent.each(['kafkajs', 'reference'])(
  '%s feels every kind of fault, and comes back',
  async (client) => {
    const recorder = new HistoryRecorder();
    await world.run(scenario, { client, mutant: null }, recorder);
    const history = recorder.finishHistory();

    const cut = windowOf(history, CUT);
    const generations = of(history, 'group-generation').filter((one) => one.group === 'cut');
    const processesOf = (one: (typeof generations)[number]) => one.members.map(({ clientId }) => clientId);
    // A heartbeat that was on its way may still have been heard.
    const without = generations.find(
      (one) => one.time > cut.fromMs + SESSION_MS - 100 && !processesOf(one).includes('cut-m1.1'),
    );
    expect(without && processesOf(without)).toEqual(['cut-m2.1']);
    const [last] = generations.slice(-1);
    expect(last && processesOf(last).sort()).toEqual(['cut-m1.1', 'cut-m2.1']);

    const slow = windowOf(history, SLOW);
    const before = commitTimesMs(history, 0, slow.fromMs);
    expect(Math.min(...before)).toBeLessThan(2 * LATENCY_MS);
    const during = commitTimesMs(history, slow.fromMs + 1_000, slow.toMs);
    expect(during.length).toBeGreaterThan(0);
    expect(Math.min(...during)).toBeGreaterThanOrEqual(2 * LATENCY_MS - 1);

    for (const index of [RESET, HALF_OPEN])
      expect(connectionsLost(history, windowOf(history, index).fromMs)).toEqual({
        reason: 'the connection failed',
        isBack: true,
      });

    const { unknown, anomalies } = judge(history);
    expect(unknown).toEqual([]);
    // The control keeps all its promises through this; what kafkajs does not keep is told elsewhere.
    const broken = anomalies.filter(({ policy }) => client === 'reference' && policy === 'illegal');
    expect(broken).toEqual([]);
  },
);
