/** Settings of both arms, the same ones as far as an answer can tell. */

const shared = {
  // As a broker of its own has them (broker-settings.ts).
  'min.insync.replicas': '1',
  'auto.create.topics.enable': 'false',
  'group.min.session.timeout.ms': '500',
  'group.initial.rebalance.delay.ms': '0',
  // The check clears away groups without offsets, also those that a sequence is in the middle of.
  'offsets.retention.check.interval.ms': '2000000000',
  // Records of sequences are as old as they like; the first check comes 30 s after the start (log.initial.task.delay.ms).
  'log.retention.ms': '100000000000000',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
} as const;

export const simulatedSettings: Readonly<Record<string, string>> = shared;
export const realSettings: Readonly<Record<string, string>> = shared;
