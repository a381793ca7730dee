/**
 * What a sequence may begin with, so that later steps have something to speak of: the announced APIs enter, an arbitrary
 * of steps leaves, none of which fails where nothing stands in its way.
 */
import fc from 'fast-check';
import type { Announced } from './generate.ts';
import { type BatchPlan, int64, named, references, type Step } from './step.ts';

const PRODUCE = 0;
const JOIN_GROUP = 11;
const SYNC_GROUP = 14;
const INIT_PRODUCER_ID = 22;
const ADD_PARTITIONS = 24;
/** The last version of AddPartitionsToTxn that clients send. */
const ADD_PARTITIONS_OF_CLIENTS = 3;

const TIMEOUT_MS = 60_000;

export function openings(announced: readonly Announced[]): fc.Arbitrary<Step[]> {
  const ranges = new Map(announced.map(({ api, min, max }) => [api.key, { min, max }]));
  /** A step in any version up to `last`, from `first` on. */
  const step = (apiKey: number, body: object, { first = 0, last = 99 } = {}): fc.Arbitrary<Step> => {
    const { min, max } = ranges.get(apiKey) ?? { min: 0, max: 0 };
    return fc
      .integer({ min: Math.max(min, first), max: Math.min(max, last) })
      .map((version) => ({ connection: 0, apiKey, version, body }));
  };
  const produce = (batch: BatchPlan, transactionalId: string | null): fc.Arbitrary<Step> => {
    const partitionData = [{ index: 0, records: { batch } }];
    const topicData = [{ name: named('orders'), topicId: `${references.topicId}orders`, partitionData }];
    return step(PRODUCE, { transactionalId, acks: -1, timeoutMs: TIMEOUT_MS, topicData });
  };
  const initProducerId = (transactionalId: string | null): fc.Arbitrary<Step> =>
    step(INIT_PRODUCER_ID, {
      transactionalId,
      transactionTimeoutMs: TIMEOUT_MS,
      producerId: int64(-1),
      producerEpoch: -1,
    });
  const addPartitions = step(
    ADD_PARTITIONS,
    {
      v3AndBelowTransactionalId: named('t'),
      v3AndBelowProducerId: references.producerId,
      v3AndBelowProducerEpoch: references.producerEpoch,
      v3AndBelowTopics: [{ name: named('orders'), partitions: [0, 1] }],
    },
    { last: ADD_PARTITIONS_OF_CLIENTS },
  );
  const join = step(JOIN_GROUP, {
    groupId: named('g'),
    sessionTimeoutMs: TIMEOUT_MS,
    rebalanceTimeoutMs: TIMEOUT_MS,
    memberId: references.memberId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: { hex: '' } }],
  });
  const sync = step(SYNC_GROUP, {
    groupId: named('g'),
    generationId: references.generationId,
    memberId: references.memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: references.memberId, assignment: { hex: '00ff' } }],
  });
  const plain: BatchPlan = { count: 3, fault: 'none', producer: 'none', sequence: -1 };
  const first = (producer: BatchPlan['producer']): BatchPlan => ({ ...plain, producer, sequence: 0 });
  const transaction = [initProducerId(named('t')), addPartitions];
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant([] as Step[]) },
    { weight: 1, arbitrary: fc.tuple(produce(plain, null)) },
    { weight: 1, arbitrary: fc.tuple(initProducerId(null), produce(first('idempotent'), null)) },
    { weight: 1, arbitrary: fc.tuple(initProducerId(named('t'))) },
    { weight: 1, arbitrary: fc.tuple(...transaction) },
    { weight: 1, arbitrary: fc.tuple(...transaction, produce(first('transactional'), named('t'))) },
    { weight: 1, arbitrary: fc.tuple(join, join) },
    { weight: 1, arbitrary: fc.tuple(join, join, sync) },
  );
}
