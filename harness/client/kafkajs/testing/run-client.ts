/** Runs clients against a cluster for tests: changes to a usual start command enter, a running process and its events leave. */

import type { EventKind, EventOf, UnplacedEvent } from '../../../history/schema.ts';
import type { ClientProcess } from '../../../world/client-process.ts';
import { spawnClient } from '../../../world/kafka/client-process.ts';
import type { RunLinks } from '../../../world/kafka/links/run-links.ts';
import type { MemberStart, ProducerStart } from '../../protocol.ts';

export type MemberGroup = MemberStart['group'];

export const usualGroup = (
  changes: Partial<MemberGroup> & Pick<MemberGroup, 'id' | 'topics'>,
): MemberGroup => ({
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatIntervalMs: 300,
  autoOffsetReset: 'earliest',
  fetchMaxWaitMs: 100,
  maxPartitionFetchBytes: 1_048_576,
  partitionsConsumedConcurrently: 1,
  metadataMaxAgeMs: 300_000,
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 0, max: 2 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  ...changes,
});

export const usualProducer = (
  changes: Partial<ProducerStart['producer']> & Pick<ProducerStart['producer'], 'topics'>,
): ProducerStart['producer'] => ({
  id: 'p1',
  acks: 'all',
  idempotent: false,
  keys: null,
  records: 8,
  recordsPerSend: 1,
  valueBytes: 10,
  startMs: 0,
  stopMs: 0,
  ...changes,
});

export interface RunningClient {
  readonly process: ClientProcess;
  readonly events: UnplacedEvent[];
  readonly logs: string[];
  /** Resolves when the events so far satisfy the condition; rejects with the events after a while. */
  until(condition: (events: readonly UnplacedEvent[]) => boolean): Promise<void>;
}

type Event<K extends EventKind> = Extract<UnplacedEvent, { kind: K }>;

export const eventsOf = <K extends EventKind>(events: readonly UnplacedEvent[], kind: K): Event<K>[] =>
  events.filter((event): event is Event<K> => event.kind === kind);

export type { EventOf };

const UNTIL_TIMEOUT_MS = 60_000;

/**
 * Starts clients of one cluster; `stop` kills what still runs.
 * @param links those of the processes that can break, by the process's id
 */
export function createClients(
  bootstrapServers: readonly string[],
  { client: name = 'kafkajs', links }: { client?: string; links?: RunLinks } = {},
) {
  const running = new Set<ClientProcess>();
  const timeOriginEpochMs = Date.now();

  const run = (start: MemberStart | ProducerStart): RunningClient => {
    const events: UnplacedEvent[] = [];
    const logs: string[] = [];
    let wake: () => void = () => {};
    const id = start.process.replace(/\.\d+$/, '');
    const client = spawnClient(links?.startOf(id, start) ?? start, {
      client: name,
      sessionArguments: ['--kafka-trial-session=test'],
      onEvent: (event) => {
        events.push(event);
        wake();
      },
      onLog: (line) => logs.push(line),
    });
    links?.attach(id, client);
    running.add(client);
    void client.exited.finally(() => {
      running.delete(client);
      wake();
    });
    const until = async (condition: (events: readonly UnplacedEvent[]) => boolean): Promise<void> => {
      const deadline = performance.now() + UNTIL_TIMEOUT_MS;
      while (!condition(events)) {
        if (performance.now() > deadline || !running.has(client))
          throw new Error(
            `not reached:\n${events.map((one) => JSON.stringify(one)).join('\n')}\n${logs.join('\n')}`,
          );
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 200);
        });
      }
    };
    return { process: client, events, logs, until };
  };

  const common = (process: string, mutant: string | null) => ({
    command: 'start' as const,
    protocol: 1 as const,
    process,
    connection: { bootstrapServers: [...bootstrapServers], tls: null, sasl: null },
    seed: 1,
    timeOriginEpochMs,
    mutant,
  });

  return {
    member: (group: MemberGroup, { process = 'm1.1', mutant = null as string | null } = {}): RunningClient =>
      run({ ...common(process, mutant), role: 'member', group }),
    producer: (producer: ProducerStart['producer']): RunningClient =>
      run({ ...common(`${producer.id}.1`, null), role: 'producer', producer }),
    stop: async (): Promise<void> => {
      for (const one of running) one.signal('SIGKILL');
      await Promise.allSettled([...running].map((one) => one.exited));
    },
  };
}
