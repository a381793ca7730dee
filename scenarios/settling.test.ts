/** The bound of settling: what a configuration makes slow enters, and there is time for it. */
import { expect, it } from 'vitest';
import { generateScenario } from './arbitrary.ts';
import type { Group, Scenario } from './schema.ts';
import { bytesOf, recordMs, settlingBoundMs, throttleMs, workMs } from './settling.ts';

const markersOf = ({ topics }: Scenario['topology'], group: Group): number =>
  topics
    .filter(({ name }) => group.topics.includes(name))
    .reduce((sum, { partitions }) => sum + partitions, 0);

it('has time for the work on a marker in each partition, those that are added too, and for the commits after it', () => {
  const scenario = generateScenario(921, 108, 'consumer');
  const [drawn] = scenario.groups as [Group];
  const commitMode = { kind: 'auto', intervalMs: 5_000, thresholdRecords: null } as const;
  const boundOf = (handlerMs: number, change: Partial<Group> = {}, partitions = 0): number =>
    settlingBoundMs({
      ...scenario,
      topology: {
        brokers: 1,
        groupInitialRebalanceDelayMs: 250,
        topics: [{ name: 'quiet', partitions: 12, replicationFactor: 1 }],
      },
      groups: [
        {
          ...drawn,
          topics: ['quiet'],
          handler: { ...drawn.handler, timeMs: { min: 0, max: handlerMs } },
          ...change,
        },
      ],
      producers: [],
      actions: partitions === 0 ? [] : [{ kind: 'add-partitions', atMs: 0, topic: 'quiet', partitions }],
    });
  expect(boundOf(2_500) - boundOf(0)).toBe(2 * 12 * 2_500);
  expect(boundOf(2_500, {}, 20) - boundOf(0, {}, 20)).toBe(2 * 20 * 2_500);
  expect(boundOf(0, { commitMode }) - boundOf(0, { commitMode: { kind: 'per-record' } })).toBe(5_000);
});

it('has time for a batch that is worked on once more for each failure of its handler', () => {
  const { topology, groups, producers } = generateScenario(990, 49, 'resets-java');
  const [drawn] = groups as [Group];
  const handler = { timeMs: { min: 100, max: 300 }, failuresPerThousand: 100, failuresPerRecord: 2 };
  const group: Group = { ...drawn, rebalanceTimeoutMs: 12_000, handler };
  const records = producers.reduce((sum, producer) => sum + producer.records, 0) + markersOf(topology, group);
  const boundOf = (change: Partial<Group>): number =>
    settlingBoundMs({ topology, producers, groups: [{ ...group, ...change }], actions: [] });
  const failures = Math.ceil(records / 5);
  // Twenty records are worked on within half of the interval, and the ten before a failure come again.
  expect(boundOf({ consumeMode: 'each-batch' }) - boundOf({ consumeMode: 'each-message' })).toBe(
    failures * 9 * 305,
  );
  expect(
    boundOf({ consumeMode: 'each-batch', maxPollRecords: 4 }) - boundOf({ consumeMode: 'each-message' }),
  ).toBe(failures * 305);
  // So are markers, and no more of them are written than can be worked off.
  expect(
    workMs({ ...group, consumeMode: 'each-batch' }, 20) -
      workMs({ ...group, handler: { ...handler, failuresPerThousand: 0 } }, 20),
  ).toBe(4 * 10 * 305);
});

it('has time for a fetch of few records each, every one behind a wait for other partitions', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [group] = groups as [Group];
  const records = producers.reduce((sum, producer) => sum + producer.records, 0) + markersOf(topology, group);
  const boundOf = (maxPartitionFetchBytes: number): number =>
    settlingBoundMs({ topology, producers, groups: [{ ...group, maxPartitionFetchBytes }], actions: [] });
  // At 600 bytes a record with what it takes in a batch, three fit.
  expect(boundOf(2_048) - boundOf(1_048_576)).toBe(2 * (Math.ceil(records / 3) - 1) * group.fetchMaxWaitMs);
});

it('has time for an answer to each poll of which the application leaves a part', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [drawn] = groups as [Group];
  const group: Group = { ...drawn, maxPartitionFetchBytes: 1_048_576, maxPollRecords: 5 };
  const records = producers.reduce((sum, producer) => sum + producer.records, 0) + markersOf(topology, group);
  const boundOf = (resolvesPartially: boolean): number =>
    settlingBoundMs({ topology, producers, groups: [{ ...group, resolvesPartially }], actions: [] });
  // Three of the five are done each time.
  expect(boundOf(true) - boundOf(false)).toBe(2 * (Math.ceil(records / 3) - 1) * group.fetchMaxWaitMs);
});

it('has time for a rejoin after each poll whose commits take longer than the poll interval', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [drawn] = groups as [Group];
  const group: Group = {
    ...drawn,
    maxPollRecords: 50,
    maxPollIntervalMs: 800,
    handler: { ...drawn.handler, timeMs: { min: 1, max: 10 } },
  };
  const network = { latencyMs: { min: 5, max: 250 }, bytesPerSecond: null, lossPerThousand: 0 };
  const boundOf = (commitMode: Group['commitMode']): number =>
    settlingBoundMs({
      topology: { ...topology, network },
      producers,
      groups: [{ ...group, commitMode }],
      actions: [],
    });
  const records = producers.reduce((sum, producer) => sum + producer.records, 0);
  // It loses its place after one or two records, and a rejoin is half a dozen round trips.
  expect(boundOf({ kind: 'per-record' }) - boundOf({ kind: 'per-poll' })).toBeGreaterThan(records * 3_000);
});

it('has time for what a pipeline writes into a topic that a slow group reads', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [group] = groups as [Group];
  const topics = [...topology.topics, { name: 'invoices', partitions: 1, replicationFactor: 1 }];
  const handler = { ...group.handler, timeMs: { min: 0, max: 1_000 } };
  const slow: Group = { ...group, id: 'slow', topics: ['invoices'], handler };
  const boundOf = (commitMode: Group['commitMode']): number =>
    settlingBoundMs({
      topology: { ...topology, topics },
      producers,
      groups: [{ ...group, commitMode }, slow],
      actions: [],
    });
  const [pipeline, elsewhere] = ['invoices', 'elsewhere'].map((topic) =>
    boundOf({ kind: 'transaction', topic, abortEvery: null }),
  ) as [number, number];
  const records = producers.reduce((sum, producer) => sum + producer.records, 0);
  expect(pipeline - elsewhere).toBeGreaterThan(records * 1_000);
});

it('has time for the wait of a client that has read on between two quotas, which counts for the second', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const consumerBytesPerSecond = 200;
  const throttle = (atMs: number) =>
    ({
      kind: 'throttle-client',
      atMs,
      durationMs: 1_000,
      process: null,
      quotas: { consumerBytesPerSecond },
    }) as const;
  const [first, second] = [throttle(1_000), throttle(4_000)];
  const waitOf = (actions: Scenario['actions']): number => throttleMs({ groups, producers, actions }, second);
  // Kafka's eleventh window, and the broker that hears of it.
  const slackMs = 2_000;
  const bytes = 2 * bytesOf({ producers });
  expect(waitOf([first, second])).toBe(Math.ceil((bytes / consumerBytesPerSecond) * 1_000) + slackMs);
  expect(waitOf([second])).toBeLessThan(waitOf([first, second]));
  const boundOf = (actions: Scenario['actions']): number =>
    settlingBoundMs({ topology, groups, producers, actions });
  expect(boundOf([first, second]) - boundOf([second])).toBe(waitOf([first, second]) - waitOf([second]));
});

it('has time for a fetch that is under way when the handler has failed, before the record can come again', () => {
  const { topology, groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [group] = groups as [Group];
  const records = producers.reduce((sum, producer) => sum + producer.records, 0) + markersOf(topology, group);
  const boundOf = (failuresPerThousand: number): number => {
    const handler = { ...group.handler, failuresPerThousand, failuresPerRecord: 2 };
    return settlingBoundMs({ topology, producers, groups: [{ ...group, handler }], actions: [] });
  };
  // The record is worked on once more, with a round trip of five milliseconds.
  const eachMs = 1_000 + group.fetchMaxWaitMs + group.handler.timeMs.max + 5;
  expect(boundOf(100) - boundOf(0)).toBe(Math.ceil((records * 2) / 10) * eachMs);
});

it.each(['everything', 'everything-java'] as const)(
  'a pipeline has a poll interval that holds the work on one record, in %s',
  (profile) => {
    const scenarios = Array.from({ length: 300 }, (_, i) => generateScenario(920, i, profile));
    const short = scenarios.flatMap(({ name, groups, topology: { network } }) =>
      groups
        .filter(({ commitMode }) => commitMode.kind === 'transaction')
        .filter((group) => (group.maxPollIntervalMs ?? group.rebalanceTimeoutMs) < recordMs(group, network))
        .map(({ id }) => `${name} ${id}`),
    );
    expect(short).toEqual([]);
  },
);
