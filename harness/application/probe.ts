/**
 * Asks an application of the user's what it does: its bundle is started in a simulated process, up to the moment at
 * which it would begin to consume, and what it asked of kafkajs leaves. Nothing has been consumed by then.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import type { ApplicationConfiguration } from '../client/host.ts';
import { UsageError } from '../errors.ts';
import type { UnplacedEvent } from '../history/schema.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { BuiltApplication } from '../world/world.ts';

/** Virtual time; long enough for an application that waits for something before it consumes. */
const START_MAX_MS = 60_000;
/** Lines of the application's own that help a person to see why it did not start. */
const LOG_LINES = 12;

export interface Probe {
  readonly application: Pick<BuiltApplication, 'file' | 'bundle' | 'clientVersion'>;
  /** What the application finds as its group and topics. */
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** @throws UsageError where it does not come to consume, with what it said instead */
export async function probeApplication({
  application,
  groupId,
  topics,
}: Probe): Promise<ApplicationConfiguration> {
  const found = new AbortController();
  let configuration: ApplicationConfiguration | null = null;
  const log: string[] = [];
  const errors: string[] = [];
  const world = new SimulatedWorld({
    onConfigured(one) {
      configuration ??= one;
      found.abort(new Error('the application has said all'));
    },
    onLog: (_origin, line) => log.push(line),
  });
  const record = (event: UnplacedEvent): void => {
    if (event.kind === 'application-error') errors.push(event.error);
    // It would be started again and again, and end the same way.
    if (event.kind === 'process-exit') found.abort(new Error('the application has ended'));
  };
  const scenario = startingScenario(groupId, topics);
  const subject = {
    client: 'kafkajs',
    mutant: null,
    application: {
      ...application,
      shape: { topics: [], group: scenario.groups[0] as Scenario['groups'][0] },
    },
  };
  try {
    await world.run(scenario, subject, { record }, found.signal);
  } catch (error) {
    if (!found.signal.aborted) throw error;
  }
  if (configuration !== null) return configuration;
  const said = [...errors, ...log.slice(-LOG_LINES)].map((line) => `  ${line}`).join('\n');
  throw new UsageError(`${application.file} has not begun to consume with kafkajs.\n${said}`, {
    hint:
      'An application on trial creates its consumer and calls run() when its module is imported, or in an exported ' +
      'function start({ brokers, groupId, topics, signal }) or default function.',
  });
}

/** One member that starts, and time. */
const startingScenario = (groupId: string, topics: readonly string[]): Scenario => ({
  version: 1,
  name: 'application-start',
  seed: 1,
  topology: {
    brokers: 1,
    topics: topics.map((name) => ({ name, partitions: 1, replicationFactor: 1 })),
    groupInitialRebalanceDelayMs: 0,
  },
  producers: [],
  groups: [
    {
      id: groupId,
      topics: [...topics],
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      heartbeatIntervalMs: 3_000,
      autoOffsetReset: 'latest',
      fetchMaxWaitMs: 5_000,
      maxPartitionFetchBytes: 1_048_576,
      partitionsConsumedConcurrently: 1,
      metadataMaxAgeMs: 300_000,
      consumeMode: 'each-message',
      commitMode: { kind: 'none' },
      commitOrder: 'process-then-commit',
      handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
      members: [{ id: 'member-1' }],
    },
  ],
  actions: [{ kind: 'join', atMs: 0, member: 'member-1' }],
  settling: { boundMs: START_MAX_MS },
});
