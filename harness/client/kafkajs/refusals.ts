/** What kafkajs cannot do: a scenario enters, one sentence for each thing leaves, with what to do instead. */
import { type Group, isByHand, type Producer, type Scenario } from '../../../scenarios/schema.ts';

const REFERENCE = '--client reference has it';

export const refusals = (scenario: Scenario): string[] => [
  ...scenario.groups.flatMap((group, i) =>
    [...groupRefusals(group)].map(([key, why]) => `groups[${i}].${key}: ${why}.`),
  ),
  ...scenario.producers.flatMap((producer, i) =>
    [...producerRefusals(producer)].map(([key, why]) => `producers[${i}].${key}: ${why}.`),
  ),
  ...instanceRefusals(scenario),
];

/** Members of one process have one instance of `Kafka`, which has one set of options. */
function* instanceRefusals({ groups }: Scenario): Generator<string> {
  const first = new Map<string, { readonly group: string; readonly options: string }>();
  for (const [i, { id, native, members }] of groups.entries())
    for (const { sharedProcess } of members) {
      if (sharedProcess === undefined) continue;
      const options = JSON.stringify(native?.kafkajs?.kafka ?? {});
      const other = first.get(sharedProcess);
      if (other === undefined) first.set(sharedProcess, { group: id, options });
      else if (other.options !== options) {
        yield `groups[${i}].native.kafkajs.kafka: members of ${id} and of ${other.group} share an instance of Kafka in ${sharedProcess}; give both groups the same options.`;
        break;
      }
    }
}

type Refusal = [key: string, why: string];

function* groupRefusals(group: Group): Generator<Refusal> {
  if (group.autoOffsetReset === 'none')
    yield [
      'autoOffsetReset',
      "kafkajs has no policy 'none', only 'earliest' (fromBeginning: true) and 'latest' (fromBeginning: false); use one of these or another client",
    ];
  if (group.assignors?.includes('cooperative-sticky'))
    yield [
      'assignors',
      `kafkajs gives everything up in each rebalance, so it has no 'cooperative-sticky'; ${REFERENCE}`,
    ];
  if (isByHand(group))
    yield [
      'members',
      `kafkajs reads what its group assigns, so it has no partitions 'assigned'; ${REFERENCE}`,
    ];
  if (group.staticMembership === true)
    yield ['staticMembership', `kafkajs has no group.instance.id; ${REFERENCE}`];
  if (group.maxPollRecords !== undefined)
    yield [
      'maxPollRecords',
      `kafkajs has no max.poll.records; maxPartitionFetchBytes bounds a batch; ${REFERENCE}`,
    ];
  if (group.maxPollIntervalMs !== undefined)
    yield ['maxPollIntervalMs', `kafkajs has no max.poll.interval.ms; ${REFERENCE}`];
  if (
    group.commitMode.kind === 'per-poll' ||
    (group.commitMode.kind === 'asynchronous' && group.commitMode.after === 'poll')
  )
    yield ['commitMode', `the application of kafkajs is called for one partition at a time; ${REFERENCE}`];
  if (group.closeTimeoutMs !== undefined)
    yield ['closeTimeoutMs', `disconnect of kafkajs takes no time to keep to; ${REFERENCE}`];
  if (group.commitMode.kind === 'asynchronous' && group.commitMode.callback === false)
    yield [
      'commitMode.callback',
      `a commit of kafkajs is a promise, which always tells its outcome; ${REFERENCE}`,
    ];
}

function* producerRefusals(producer: Producer): Generator<Refusal> {
  if (producer.lingerMs !== undefined)
    yield ['lingerMs', `kafkajs sends at once; recordsPerSend makes its batches; ${REFERENCE}`];
  if (producer.batchBytes !== undefined)
    yield ['batchBytes', `kafkajs sends what one call has; recordsPerSend makes its batches; ${REFERENCE}`];
  if (producer.deliveryTimeoutMs !== undefined)
    yield ['deliveryTimeoutMs', `kafkajs counts its attempts; ${REFERENCE}`];
  if (producer.closing === 'drop')
    yield ['closing', `kafkajs keeps no records back that a close could drop; ${REFERENCE}`];
}
