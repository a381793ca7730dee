/** The error table against those of two clients. */
import { createRequire } from 'node:module';
import { protocolErrors } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { errorCode, errorName, errorOrNull } from './errors.ts';

const require = createRequire(import.meta.url);
const kafkajsErrors = (
  require('kafkajs/src/protocol/error.js') as { errorCodes: { code: number; type: string }[] }
).errorCodes;

/** Names that kafkajs keeps from before Kafka renamed them. */
const RENAMED = new Map([
  ['UNKNOWN', 'UNKNOWN_SERVER_ERROR'],
  ['NOT_LEADER_FOR_PARTITION', 'NOT_LEADER_OR_FOLLOWER'],
  ['GROUP_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ['GROUP_COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
  ['NOT_COORDINATOR_FOR_GROUP', 'NOT_COORDINATOR'],
]);

describe('error names', () => {
  test("agree with kafkajs'", () => {
    expect(kafkajsErrors.length).toBeGreaterThan(80);
    for (const { code, type } of kafkajsErrors)
      expect([code, errorName(code)]).toEqual([code, RENAMED.get(type) ?? type]);
  });

  test("agree with @platformatic/kafka's", () => {
    const theirs = Object.values(protocolErrors as Record<string, { code: number; id: string }>);
    expect(theirs.length).toBeGreaterThan(100);
    for (const { code, id } of theirs) expect([code, errorName(code)]).toEqual([code, id]);
  });

  test('go both ways', () => {
    expect(errorCode('ILLEGAL_GENERATION')).toBe(22);
    expect(errorOrNull(0)).toBeNull();
    expect(errorOrNull(27)).toBe('REBALANCE_IN_PROGRESS');
    expect(errorName(30_000)).toBe('UNKNOWN_ERROR_CODE_30000');
  });
});
