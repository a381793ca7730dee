/** Configurations put over an application of a user's: they arrive at its client, and what cannot be is refused by name. */
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fitToApplication } from '../../scenarios/application.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import { firstRequestsOf } from '../testing/first-requests.ts';
import { packageRoot } from '../version.ts';
import { refusalsOf } from '../world/simulated/simulated-world.ts';
import { configureApplication, refuseForApplication } from './configure.ts';
import { openApplication } from './open.ts';

const file = relative(process.cwd(), join(packageRoot, 'harness/application/testing/modules/awaiting.ts'));
const values = '{"id":"{record}","number":{number}}';

describe('a configuration over an application', () => {
  it('arrives at its client, and is what its group is held to', async () => {
    await using opened = await openApplication({ file, values });
    const { application } = opened;
    const subject = { client: 'kafkajs', mutant: null, application };
    const fitted = fitToApplication(generateScenario(1, 0, 'calm'), application.shape);
    const configuration: Configuration = {
      consumer: {
        'session.timeout.ms': 21_000,
        'fetch.max.wait.ms': 321,
        'isolation.level': 'read_uncommitted',
        'auto.offset.reset': 'latest',
      },
      producer: { acks: 1 },
      native: { kafkajs: { consumer: { maxBytes: 54_321 } } },
    };
    const scenario = configureApplication(fitted, configuration, application);
    expect(scenario.groups[0]).toMatchObject({
      sessionTimeoutMs: 21_000,
      autoOffsetReset: 'latest',
      native: {
        application: {
          consumer: { sessionTimeout: 21_000, maxWaitTimeInMs: 321, maxBytes: 54_321 },
          subscribe: { fromBeginning: false },
        },
      },
    });
    // What the module gives is as the scenario says; only what differs is put over it.
    expect(scenario.groups[0]?.native?.application?.consumer).not.toHaveProperty('rebalanceTimeout');
    expect(refusalsOf(scenario, subject)).toEqual([]);

    const requests = await firstRequestsOf(scenario, subject);
    expect(requests.get('JoinGroup')).toMatchObject({ sessionTimeoutMs: 21_000 });
    expect(requests.get('Fetch')).toMatchObject({ maxWaitMs: 321, maxBytes: 54_321, isolationLevel: 0 });
    // Kafka's own word for the log's end.
    expect(JSON.stringify(requests.get('ListOffsets'))).toMatch(/"timestamp":"-1"/);
  });

  it('goes over an earlier one, and leaves what it does not speak of', async () => {
    await using opened = await openApplication({ file, values });
    const { application } = opened;
    const fitted = fitToApplication(generateScenario(1, 0, 'calm'), application.shape);
    const earlier = { consumer: { 'session.timeout.ms': 21_000, 'fetch.max.wait.ms': 321 } };
    const scenario = [earlier, { consumer: { 'session.timeout.ms': 22_000 } }].reduce(
      (before, configuration) => configureApplication(before, configuration, application),
      fitted,
    );
    expect(scenario.groups[0]).toMatchObject({ sessionTimeoutMs: 22_000, fetchMaxWaitMs: 321 });
    expect(scenario.groups[0]?.native).toEqual({
      application: { consumer: { sessionTimeout: 22_000, maxWaitTimeInMs: 321 } },
    });
  });

  it('is refused where the module itself decides', async () => {
    await using opened = await openApplication({ file, values });
    const refusal = (configuration: Configuration): string => {
      try {
        refuseForApplication(configuration, opened.application, 'billing.yaml');
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error('it was taken');
    };
    expect(
      refusal({
        consumer: { 'enable.auto.commit': true, 'partition.assignment.strategy': ['roundrobin'] },
        application: { consumeMode: 'each-batch' },
      }).split('\n'),
    ).toEqual([
      expect.stringMatching(/^billing\.yaml asks for what cannot be put over .*awaiting\.ts:$/),
      expect.stringMatching(/^ {2}application: consumeMode: the module itself does that/),
      expect.stringMatching(/^ {2}consumer: partition\.assignment\.strategy: /),
      expect.stringMatching(/^ {2}consumer: enable\.auto\.commit: the module commits by itself/),
    ]);
    expect(refusal({ consumer: { 'max.poll.records': 5 } })).toMatch(
      /max\.poll\.records: kafkajs hands over/,
    );
  });
});
