/** The vocabulary of configuration: what is taken, and what is refused with the key and what was expected. */
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './configuration.ts';

const refusal = (value: unknown): string => {
  try {
    parseConfiguration(value, 'billing.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

describe('a configuration', () => {
  it('has the words of Kafka, and every one may be left out', () => {
    expect(parseConfiguration({}, 'empty')).toEqual({});
    const { consumer, producer } = parseConfiguration(
      {
        consumer: { 'session.timeout.ms': 6_000, 'partition.assignment.strategy': 'range' },
        producer: { acks: '-1' },
        native: { kafkajs: { consumer: { maxBytes: 1_000 } } },
      },
      'file',
    );
    expect(consumer).toEqual({
      'session.timeout.ms': 6_000,
      'partition.assignment.strategy': ['range'],
    });
    expect(producer).toEqual({ acks: 'all' });
  });

  it('is refused with every offending key, and where a word belongs', () => {
    expect(
      refusal({
        consumer: { acks: 'all', 'session.timeout.ms': 'long', 'session.timeout': 5 },
        'session.timeout.ms': 6_000,
      }).split('\n'),
    ).toEqual([
      'billing.yaml is not a configuration:',
      expect.stringMatching(/^ {2}consumer: session\.timeout\.ms: Invalid input: expected number/),
      "  consumer: acks: expected below 'producer:'",
      expect.stringMatching(/^ {2}consumer: session\.timeout: expected no such key/),
      "  session.timeout.ms: expected below 'consumer:'",
    ]);
  });

  it.each([
    [{ consumer: { 'heartbeat.interval.ms': 3_000 } }, /expected session\.timeout\.ms beside it/],
    [
      { consumer: { 'heartbeat.interval.ms': 6_000, 'session.timeout.ms': 6_000 } },
      /expected less than session\.timeout\.ms \(6000\)/,
    ],
    [{ consumer: { 'enable.auto.commit': false } }, /application\.commitMode beside false/],
    [
      { consumer: { 'enable.auto.commit': true }, application: { commitMode: 'per-batch' } },
      /enable\.auto\.commit: expected false, or no application\.commitMode/,
    ],
    [
      { consumer: { 'auto.commit.interval.ms': 1_000 }, application: { commitMode: 'none' } },
      /auto\.commit\.interval\.ms: expected no such key beside/,
    ],
    [
      { application: { commitMode: 'per-batch', consumeMode: 'each-message' } },
      /consumeMode: expected 'each-batch' or 'manual'/,
    ],
    [{ application: { commitOrder: 'commit-then-process' } }, /commitOrder: expected commitMode/],
    [{ producer: { acks: 1, 'enable.idempotence': true } }, /acks: expected 'all'/],
  ])('is refused where its words contradict each other: %j', (value, message) => {
    expect(refusal(value)).toMatch(message);
  });
});
