/** Settings of both arms, the same ones as far as an answer can tell. */

const shared = {
  'auto.create.topics.enable': 'false',
  'group.min.session.timeout.ms': '500',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
} as const;

export const simulatedSettings: Readonly<Record<string, string>> = shared;
export const realSettings: Readonly<Record<string, string>> = shared;
