/**
 * What the benchmark runs: a case enters, a scenario leaves. Three brokers, a topic of 12 partitions and four members,
 * 600 virtual seconds, with kafkajs' defaults, for every client, for the times that decide how much there is to do; only the session
 * timeout is shorter, so that a group gets on although a member crashes every 30 s.
 */
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import type { ClientName } from '../client/clients.ts';

export interface BenchCase {
  readonly name: string;
  readonly client: ClientName;
  readonly recordsPerSecond: number;
  /** Whether a member crashes and another one joins every 30 virtual seconds. */
  readonly churns: boolean;
  /** Virtual seconds per CPU second, simulation and judging together. */
  readonly target: number;
}

/** Virtual seconds per CPU second by records per second. */
const TARGETS: Readonly<Record<ClientName, ReadonlyMap<number, number>>> = {
  kafkajs: new Map([
    [0, 10_000],
    [5, 1_000],
    [50, 300],
  ]),
  // The control does less for each request than kafkajs, so it has to leave more of the time to the scenarios.
  reference: new Map([
    [0, 20_000],
    [5, 4_000],
    [50, 600],
  ]),
};

const benchCase = (client: ClientName, recordsPerSecond: number, churns: boolean): BenchCase => ({
  name: `${client === 'kafkajs' ? '' : `${client} `}${recordsPerSecond === 0 ? 'idle' : `${recordsPerSecond}/s`}${churns ? ', crashes' : ''}`,
  client,
  recordsPerSecond,
  churns,
  target: TARGETS[client].get(recordsPerSecond) as number,
});

export const cases: readonly BenchCase[] = (['kafkajs', 'reference'] as const).flatMap((client) => [
  benchCase(client, 0, false),
  benchCase(client, 5, false),
  benchCase(client, 50, false),
  benchCase(client, 5, true),
  benchCase(client, 50, true),
]);

const LENGTH_MS = 600_000;
const MEMBERS = 4;
const CHURN_MS = 30_000;
/** Members whose turn has not come, so that none has to crash and join in the same instant. */
const SPARE_MEMBERS = 1;

const memberId = (index: number): string => `m${1 + (index % (MEMBERS + SPARE_MEMBERS))}`;

function* actions({ churns }: BenchCase, lengthMs: number) {
  for (let i = 0; i < MEMBERS; i++) yield { kind: 'join', atMs: 0, member: memberId(i) };
  if (churns)
    for (let i = 0; (i + 1) * CHURN_MS < lengthMs; i++) {
      const atMs = (i + 1) * CHURN_MS;
      yield { kind: 'crash', atMs, member: memberId(i) };
      yield { kind: 'join', atMs, member: memberId(i + MEMBERS) };
    }
  // Something has to happen at the end, or an idle run would be over at once.
  const last = Math.floor((lengthMs - 1) / CHURN_MS) + MEMBERS - 1;
  yield { kind: 'leave', atMs: lengthMs, member: memberId(churns ? last : 0) };
}

/**
 * @param seed of everything drawn at run time
 * @param lengthMs virtual time until the settling begins
 */
export function benchScenario(one: BenchCase, seed: number, lengthMs = LENGTH_MS): Scenario {
  const records = (one.recordsPerSecond * lengthMs) / 1_000;
  return parseScenario(
    {
      version: 1,
      name: one.name,
      seed,
      topology: { brokers: 3, topics: [{ name: 'orders', partitions: 12, replicationFactor: 3 }] },
      producers:
        records === 0
          ? []
          : [
              {
                id: 'producer',
                topics: ['orders'],
                acks: 'all',
                idempotent: false,
                keys: 100,
                records,
                recordsPerSend: 1,
                valueBytes: 100,
                startMs: 1_000,
                stopMs: lengthMs - 1_000,
              },
            ],
      groups: [
        {
          id: 'group',
          topics: ['orders'],
          sessionTimeoutMs: 10_000,
          rebalanceTimeoutMs: 60_000,
          heartbeatIntervalMs: 3_000,
          fetchMaxWaitMs: 5_000,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'auto', intervalMs: 5_000, thresholdRecords: null },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: Array.from({ length: MEMBERS + SPARE_MEMBERS }, (_, i) => ({ id: memberId(i) })),
        },
      ],
      actions: [...actions(one, lengthMs)],
      settling: { boundMs: 120_000 },
    },
    `the benchmark's case '${one.name}'`,
  );
}
