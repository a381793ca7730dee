/** What loads the classes of a Java driver: nothing enters, the lines for `WarmUp.java` leave. */
import type { Command, MemberStart, ProducerStart } from '../../client/protocol.ts';

const common = {
  command: 'start',
  protocol: 1,
  process: 'warm-up.1',
  // Nobody listens there.
  connection: { bootstrapServers: ['127.0.0.1:1'], tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: 0,
  mutant: null,
} satisfies Omit<MemberStart, 'role' | 'group'>;

const member: MemberStart = {
  ...common,
  role: 'member',
  group: {
    id: 'warm-up',
    topics: ['warm-up'],
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    heartbeatIntervalMs: 2_000,
    autoOffsetReset: 'earliest',
    fetchMaxWaitMs: 200,
    maxPartitionFetchBytes: 1_048_576,
    partitionsConsumedConcurrently: 1,
    metadataMaxAgeMs: 300_000,
    consumeMode: 'each-message',
    commitMode: { kind: 'per-record' },
    commitOrder: 'process-then-commit',
    handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  },
};

const producer: ProducerStart = {
  ...common,
  role: 'producer',
  producer: {
    id: 'warm-up',
    topics: ['warm-up'],
    acks: 'all',
    idempotent: true,
    keys: null,
    records: 1,
    recordsPerSend: 1,
    valueBytes: 0,
    startMs: 0,
    stopMs: 0,
  },
};

const lines: readonly Command[] = [member, producer];
export const warmUpCommands = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
