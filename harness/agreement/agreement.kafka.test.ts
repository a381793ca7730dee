/**
 * Ten generated scenarios on real Kafka and in the simulated world, one with a process of several members, and one with client
 * quotas: the two have to agree on each of them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge } from '../../properties/index.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { parseScenario } from '../../scenarios/schema.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { defaultJobs, type OpenedWorld, openWorld } from '../cli/worlds.ts';
import type { History } from '../history/schema.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { agreementOn } from './agree.ts';
import { inParallel } from './in-parallel.ts';
import { historyOf } from './judged-run.ts';

const SEED = 42;
/** A stretch with every kind of fault: brokers crash, pause and restart, members crash and stall, producers crash. */
const FROM = 70;
const SCENARIOS = 10;

const { signal } = new AbortController();
let opened: OpenedWorld;
beforeAll(async () => {
  const ignore = (): void => {};
  opened = await openWorld({ name: 'kafka', connection: null, onProgress: ignore, onLog: ignore, signal });
});
afterAll(async () => {
  await opened?.world[Symbol.asyncDispose]();
});

test(`scenarios ${SEED}:${FROM} to ${SEED}:${FROM + SCENARIOS - 1}`, { timeout: 600_000 }, async () => {
  const scenarios = Array.from({ length: SCENARIOS }, (_, index) => generateScenario(SEED, FROM + index));
  const subject = { client: 'kafkajs', mutant: null };
  const histories = await inParallel(scenarios, defaultJobs('kafka'), (scenario) =>
    historyOf(opened.world, scenario, subject, signal),
  );
  const knownIssueOf = await knownIssuesOf(describeSubject(subject), subject.mutant);
  const disagreements = new Map<string, readonly string[]>();
  for (const [index, scenario] of scenarios.entries()) {
    const one = await agreementOn(scenario, subject, knownIssueOf, histories[index] as History, signal);
    disagreements.set(scenario.name, one.disagreements);
  }
  expect(disagreements).toEqual(new Map(scenarios.map(({ name }) => [name, []])));
});

const group = (id: string, members: readonly object[]) => ({
  id,
  topics: ['orders'],
  sessionTimeoutMs: 1_500,
  rebalanceTimeoutMs: 3_000,
  heartbeatIntervalMs: 300,
  autoOffsetReset: 'earliest',
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 1, max: 3 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  members,
});
const producer = {
  id: 'producer-1',
  topics: ['orders'],
  acks: 'all',
  idempotent: false,
  keys: null,
  recordsPerSend: 1,
};
const inShop = (id: string) => ({ id, sharedProcess: 'shop' });
const shared = parseScenario(
  {
    version: 1,
    name: 'shared-process',
    seed: 5,
    topology: { brokers: 1, topics: [{ name: 'orders', partitions: 4, replicationFactor: 1 }] },
    producers: [{ ...producer, records: 60, valueBytes: 0, startMs: 500, stopMs: 4_500 }],
    groups: [group('billing', [inShop('m1'), inShop('m2'), { id: 'm3' }]), group('audit', [inShop('m4')])],
    actions: [
      ...['m1', 'm2', 'm3', 'm4'].map((member) => ({ kind: 'join', atMs: 0, member })),
      { kind: 'crash', atMs: 2_500, member: 'm4' },
      ...['m1', 'm2', 'm4'].map((member) => ({ kind: 'join', atMs: 2_800, member })),
      { kind: 'leave', atMs: 5_000, member: 'm2' },
    ],
    settling: { boundMs: 60_000 },
  },
  'the test',
);

test('a process in which members of two groups run is killed, and one of them leaves it', {
  timeout: 120_000,
}, async () => {
  const subjects = ['kafkajs', 'reference'].map((client) => ({ client, mutant: null }));
  const histories = await inParallel(subjects, subjects.length, (subject) =>
    historyOf(opened.world, shared, subject, signal),
  );
  for (const [index, subject] of subjects.entries()) {
    const history = histories[index] as History;
    const ends = history.events.filter(
      ({ kind, process }) => kind === 'process-exit' && process.startsWith('m'),
    );
    const first = ends.slice(0, 3).map(({ process }) => process);
    expect(first.toSorted(), subject.client).toEqual(['m1.1', 'm2.1', 'm4.1']);
    for (const end of ends.slice(0, 3)) expect(end).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(ends[3]).toMatchObject({ process: 'm2.2', code: 0, signal: null });
    const knownIssueOf = await knownIssuesOf(describeSubject(subject), subject.mutant);
    const verdict = judge(history);
    expect(verdict.unknown).toEqual([]);
    const illegal = verdict.anomalies.filter(
      (anomaly) => anomaly.policy === 'illegal' && knownIssueOf(anomaly, verdict) === null,
    );
    expect(illegal, subject.client).toEqual([]);
    // The control has no bugs whose instant has to be found in many simulated runs.
    if (subject.client !== 'reference') continue;
    const { disagreements } = await agreementOn(shared, subject, knownIssueOf, history, signal);
    expect(disagreements).toEqual([]);
  }
});

const QUOTAS_END_MS = 3_000;
const throttle = (process: string, quotas: object) => ({
  kind: 'throttle-client',
  atMs: 200,
  durationMs: QUOTAS_END_MS - 200,
  process,
  quotas,
});
const throttled = parseScenario(
  {
    version: 1,
    name: 'quotas',
    seed: 5,
    topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
    producers: [{ ...producer, records: 30, valueBytes: 500, startMs: 600, stopMs: 2_600 }],
    groups: [
      {
        ...group('billing', [{ id: 'm1' }, { id: 'm2' }]),
        sessionTimeoutMs: 6_000,
        // What comes at once makes a client wait for as long.
        maxPartitionFetchBytes: 1_000,
        commitMode: { kind: 'auto', intervalMs: 500, thresholdRecords: null },
      },
    ],
    actions: [
      ...['m1', 'm2'].map((member) => ({ kind: 'join', atMs: 0, member })),
      throttle('producer-1', { producerBytesPerSecond: 1_500 }),
      throttle('m1', { consumerBytesPerSecond: 700 }),
      throttle('m2', { requestPercent: 0.01 }),
    ],
    settling: { boundMs: 60_000 },
  },
  'the test',
);

/** By process, the APIs whose answers told it to wait, and whether that was ever for a second exactly, the most of a request. */
function waitsOf({ events }: History) {
  const told = events.filter((event) => event.kind === 'wire-throttle');
  const of = (id: string) => told.filter(({ process }) => process === `${id}.1`);
  const apisOf = (id: string): string[] => [...new Set(of(id).map(({ api }) => api))];
  const settledSeq = events.find(({ kind }) => kind === 'settled')?.seq ?? 0;
  const skipped = events.flatMap((event) => (event.kind === 'action' ? (event.reason ?? []) : []));
  return {
    written: apisOf('producer-1'),
    read: apisOf('m1'),
    isAskingHeldUp: of('m2').some(({ throttleTimeMs }) => throttleTimeMs === 1_000),
    // A quota that nobody took away would hold up what a member says at its end.
    late: told.filter(({ seq }) => seq > settledSeq),
    skipped,
  };
}

test('clients with quotas have to wait, for the same and until the same', { timeout: 120_000 }, async () => {
  const subjects = ['kafkajs', 'reference'].map((client) => ({ client, mutant: null }));
  for (const subject of subjects) {
    const real = await historyOf(opened.world, throttled, subject, signal);
    const simulated = await historyOf(new SimulatedWorld(), throttled, subject, signal);
    for (const history of [real, simulated])
      expect(waitsOf(history), subject.client).toEqual({
        written: ['Produce'],
        read: ['Fetch'],
        isAskingHeldUp: true,
        late: [],
        skipped: [],
      });
    const knownIssueOf = await knownIssuesOf(describeSubject(subject), subject.mutant);
    const { disagreements } = await agreementOn(throttled, subject, knownIssueOf, real, signal);
    expect(disagreements, subject.client).toEqual([]);
  }
});
