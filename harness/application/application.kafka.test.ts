/** An application of a user's on real Kafka: as unmodified as in the simulated world, under names that are not its own. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judge } from '../../properties/index.ts';
import { fitToApplication } from '../../scenarios/application.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { parseScenario } from '../../scenarios/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { packageRoot } from '../version.ts';
import { KafkaWorld } from '../world/kafka/kafka-world.ts';
import { openApplication } from './open.ts';

it('is given its own names, watched, told to end, and judged', async () => {
  await using opened = await openApplication({
    file: join(packageRoot, 'harness/application/testing/modules/awaiting.ts'),
    values: '{"id":"{record}"}',
  });
  const { application } = opened;
  const fitted = fitToApplication(generateScenario(1, 0, 'calm'), application.shape);
  const scenario = parseScenario(
    {
      ...fitted,
      topology: {
        ...fitted.topology,
        brokers: 1,
        topics: fitted.topology.topics.map((topic) => ({ ...topic, partitions: 2, replicationFactor: 1 })),
      },
      producers: [
        { ...fitted.producers[0], records: 20, startMs: 500, stopMs: 4_000, topics: ['shop.orders'] },
      ],
      groups: [{ ...fitted.groups[0], members: [{ id: 'm1' }, { id: 'm2' }] }],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'join', atMs: 0, member: 'm2' },
        { kind: 'leave', atMs: 5_000, member: 'm1' },
      ],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );
  const recorder = new HistoryRecorder();
  await using world = new KafkaWorld({
    sessionId: randomUUID(),
    connection: null,
    onProgress: () => {},
    onLog: () => {},
    signal: new AbortController().signal,
  });
  await world.run(scenario, { client: 'kafkajs', mutant: null, application }, recorder);
  const history = recorder.finishHistory();
  expect(history.start.client).toEqual({ name: 'kafkajs', version: '2.2.4' });
  const processed = new Set(
    history.events.flatMap((event) =>
      event.kind === 'processing-begin' && event.topic === 'shop.orders' ? [event.record] : [],
    ),
  );
  const producer = scenario.producers[0]?.id;
  for (let n = 0; n < 20; n++) expect(processed).toContain(`${producer}-${n}`);
  const left = history.events.flatMap((event) => (event.kind === 'wire-leave' ? [event.process] : []));
  expect(left).toContain('m1.1');
  const { outcome, anomalies, unknown } = judge(history);
  expect(unknown).toEqual([]);
  expect(anomalies.filter(({ policy }) => policy === 'illegal')).toEqual([]);
  expect(outcome).toBe('valid');
});
