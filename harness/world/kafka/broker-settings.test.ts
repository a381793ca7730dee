/** The settings of trial brokers: sets of one and three enter, what each container is told is checked. */
import { describe, expect, test } from 'vitest';
import { brokerEnvironment, brokerSettings, environmentName, type SettingsInput } from './broker-settings.ts';

const input = (brokerCount: number): SettingsInput => ({
  brokers: Array.from({ length: brokerCount }, (_, index) => ({
    id: index + 1,
    internalHost: `broker-${index + 1}`,
    advertisedHost: '127.0.0.1',
    advertisedPort: 20_001 + index,
  })),
  clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
  groupInitialRebalanceDelayMs: 250,
  extraSettings: {},
});

test('settings travel as the official image reads them', () => {
  expect(environmentName('log.dirs')).toBe('KAFKA_LOG_DIRS');
  expect(environmentName('some_setting.with-dash')).toBe('KAFKA_SOME__SETTING_WITH___DASH');
});

test('a broker alone keeps one copy of everything', () => {
  expect(brokerSettings(input(1), 1)).toMatchObject({
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'min.insync.replicas': '1',
    'controller.quorum.voters': '1@broker-1:9093',
  });
});

test('a broker in a rack lets consumers read from followers in theirs', () => {
  const { brokers, ...rest } = input(3);
  const placed = { ...rest, brokers: brokers.map((one) => ({ ...one, rack: `rack-${one.id}` })) };
  expect(brokerSettings(placed, 2)).toMatchObject({
    'broker.rack': 'rack-2',
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  });
  expect(brokerSettings(input(3), 2)).not.toHaveProperty('broker.rack');
});

describe('one of three brokers', () => {
  const settings = brokerSettings(input(3), 2);

  test('has coordinators and copies to spare', () => {
    expect(settings).toMatchObject({
      'offsets.topic.num.partitions': '3',
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      'min.insync.replicas': '2',
    });
  });

  test('says where clients find it, where brokers find it, and where all controllers are', () => {
    expect(settings).toMatchObject({
      'node.id': '2',
      'advertised.listeners': 'CLIENT://127.0.0.1:20002,INTERNAL://broker-2:19092',
      'controller.quorum.voters': '1@broker-1:9093,2@broker-2:9093,3@broker-3:9093',
    });
  });
});

test('the environment holds settings, cluster id and JVM options; settings of the caller win', () => {
  const extraSettings = { 'group.min.session.timeout.ms': '10', 'log.retention.ms': '60000' };
  expect(brokerEnvironment({ ...input(1), extraSettings }, 1)).toMatchObject({
    CLUSTER_ID: 'MkU3OEVBNTcwNTJENDM2Qg',
    KAFKA_HEAP_OPTS: expect.stringContaining('-Xmx512m'),
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '250',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '10',
    KAFKA_LOG_RETENTION_MS: '60000',
  });
});
