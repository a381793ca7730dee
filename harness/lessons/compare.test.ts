/** Each difference between what a lesson expects and what came of it has its sentence, and what is as expected has none. */
import { describe, expect, it } from 'vitest';
import type { Expectation } from '../../scenarios/lessons/lesson.ts';
import { differences } from './compare.ts';
import type { Observation } from './observe.ts';

const anomaly = {
  property: 'at-least-once',
  policy: 'observed',
  signature: 'lost: never delivered',
  message: 'Gone.',
  events: [1],
  subject: {},
} as const;

const seen: Observation = {
  skippedActions: [],
  outcome: 'valid',
  anomalies: [anomaly],
  processedAgain: { billing: ['p-5', 'p-6', 'p-7'] },
  neverProcessed: { billing: [] },
  notInLog: ['p-9'],
  generations: { billing: [{ m1: 'orders-0', m2: '' }, { m2: 'orders-0' }] },
  commitRequests: { m1: 3, m2: 1 },
  commitFailures: { m1: 1, m2: 0 },
  deliveries: { m1: 2, m2: 1 },
  refusals: { m1: ['UNKNOWN_MEMBER_ID'], m2: [] },
  applicationErrors: { m1: [], m2: ['NoOffsetForPartitionException: none'] },
  fetchesWithRecords: { m1: 1, m2: 1 },
};

const asSeen: Expectation = {
  outcome: 'valid',
  anomalies: [
    { property: 'at-least-once', policy: 'observed', signature: 'lost: never delivered', count: 1 },
  ],
  processedAgain: { billing: ['p-5 to p-7'] },
  notInLog: ['p-9'],
  generations: { billing: [{ m2: '', m1: 'orders-0' }, { m2: 'orders-0' }] },
  passesThrough: { billing: [{ m2: 'orders-0' }] },
  commitRequests: { m1: 3 },
  commitFailures: { m1: 1 },
  deliveries: { m1: 2 },
  refusals: { m1: ['UNKNOWN_MEMBER_ID'] },
  applicationErrors: { m2: 'NoOffset' },
  fetchesWithRecords: { m1: 1 },
};

describe('what came as expected', () => {
  it('has no difference', () => {
    expect(differences(asSeen, seen)).toEqual([]);
  });

  it('may be a number where timing decides', () => {
    const processedAgain = { billing: { atLeast: 1, atMost: 3 } };
    const anomalies = [
      { property: 'at-least-once', policy: 'observed', signature: 'lost: never delivered' } as const,
      { property: 'convergence', policy: 'observed', signature: 'not drained' } as const,
    ];
    expect(differences({ ...asSeen, processedAgain, anomalies }, seen)).toEqual([]);
  });
});

describe('a difference is told', () => {
  it.each<[Partial<Expectation>, RegExp]>([
    [{ outcome: 'invalid' }, /verdict was to be invalid, and is valid/],
    [{ anomalies: [] }, /Not expected: observed at-least-once \(lost: never delivered\): Gone\./],
    [
      {
        anomalies: [
          { property: 'at-least-once', policy: 'observed', signature: 'lost: never delivered', count: 2 },
        ],
      },
      /2 times: observed at-least-once .*; it was 1 times/,
    ],
    [
      { processedAgain: { billing: ['p-5 to p-8'] } },
      /processed again were to be p-5 to p-8, and are p-5 to p-7/,
    ],
    [{ processedAgain: { billing: { atLeast: 0, atMost: 2 } } }, /were to be 0 to 2, and are 3/],
    [{ neverProcessed: { billing: ['p-1'] } }, /never processed were to be p-1, and are none/],
    [{ notInLog: [] }, /no log holds at the end were to be none, and are p-9/],
    [
      { generations: { billing: [{ m2: 'orders-0' }] } },
      /generations of billing were to be \{m2: orders-0\}/,
    ],
    [
      { passesThrough: { billing: [{ m2: 'orders-0' }, { m1: 'orders-0', m2: '' }] } },
      /was to pass through \{m2: orders-0\} \{m1: orders-0; m2: nothing\}/,
    ],
    [{ commitRequests: { m1: 4 } }, /m1 was to have 4 commit requests, and had 3/],
    [{ commitFailures: { m2: 1 } }, /m2 was to have 1 failed commits, and had 0/],
    [{ deliveries: { m1: 1 } }, /m1 was to have 1 handovers of records, and had 2/],
    [{ fetchesWithRecords: { m1: 2 } }, /m1 was to have 2 Fetch answers with records, and had 1/],
    [{ refusals: { m1: [] } }, /refuse m1 with none, and did with UNKNOWN_MEMBER_ID/],
    [{ applicationErrors: {} }, /No error was to reach the application of m2: NoOffset/],
    [{ applicationErrors: { m2: 'Timeout' } }, /'Timeout' was to reach the application of m2/],
  ])('%j', (changed, message) => {
    const found = differences({ ...asSeen, ...changed }, seen);
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it('where an action could not be carried out', () => {
    expect(differences(asSeen, { ...seen, skippedActions: ['crash of m1: m1 does not run'] })).toEqual([
      'The lesson needs what could not be done: crash of m1: m1 does not run.',
    ]);
  });

  it('and an expectation of somebody unknown is a mistake of the lesson', () => {
    expect(() => differences({ ...asSeen, commitRequests: { m7: 1 } }, seen)).toThrow("'m7'");
    expect(() =>
      differences({ ...asSeen, fetchesWithRecords: { m1: 1 } }, { ...seen, fetchesWithRecords: null }),
    ).toThrow("'m1'");
  });
});
