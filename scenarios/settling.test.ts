/** The bound of settling: what a configuration makes slow enters, and there is time for it. */
import { expect, it } from 'vitest';
import { generateScenario } from './arbitrary.ts';
import type { Group } from './schema.ts';
import { recordMs, settlingBoundMs } from './settling.ts';

it('has time for a fetch of few records each, every one behind a wait for other partitions', () => {
  const { groups, producers } = generateScenario(911, 23, 'consumer-java');
  const [group] = groups as [Group];
  const records = producers.reduce((sum, producer) => sum + producer.records, 0);
  const boundOf = (maxPartitionFetchBytes: number): number =>
    settlingBoundMs([{ ...group, maxPartitionFetchBytes }], producers, []);
  // At 600 bytes a record with what it takes in a batch, three fit.
  expect(boundOf(2_048) - boundOf(1_048_576)).toBe(2 * (Math.ceil(records / 3) - 1) * group.fetchMaxWaitMs);
});

it('a pipeline has a poll interval that holds the work on one record, which takes half of its bound on average', () => {
  const scenarios = Array.from({ length: 300 }, (_, i) => generateScenario(920, i, 'everything-java'));
  const short = scenarios.flatMap(({ name, groups, topology: { network } }) =>
    groups
      .filter(({ commitMode }) => commitMode.kind === 'transaction')
      .filter((group) => (group.maxPollIntervalMs ?? group.rebalanceTimeoutMs) < recordMs(group, network) / 2)
      .map(({ id }) => `${name} ${id}`),
  );
  expect(short).toEqual([]);
});
