/** A lesson file is checked down to its keys, and records can be written as spans. */
import { describe, expect, it } from 'vitest';
import { generateScenario } from '../arbitrary.ts';
import { expandRecords, parseLesson, recordSpans } from './lesson.ts';

const lesson = {
  lesson: {
    title: 'A title',
    text: 'A text.',
    client: 'reference',
    expect: { simulated: { outcome: 'valid', anomalies: [] }, kafka: 'there is no such Kafka' },
  },
  scenario: generateScenario(1, 0),
};

describe('a lesson file', () => {
  it('is taken where it is one', () => {
    expect(parseLesson(lesson, 'a.json').lesson.expect.kafka).toBe('there is no such Kafka');
  });

  it.each([
    [
      'another client',
      { ...lesson.lesson, client: 'kafkajs' },
      /a\.json is not a lesson:\n {2}lesson\.client/,
    ],
    ['an unknown key', { ...lesson.lesson, level: 1 }, /lesson: .*level/],
    [
      'records that are none',
      {
        ...lesson.lesson,
        expect: {
          ...lesson.lesson.expect,
          simulated: { outcome: 'valid', anomalies: [], notInLog: ['p-1..p-3'] },
        },
      },
      /expect\.simulated\.notInLog/,
    ],
  ])('is refused with %s, by its path', (_, changed, message) => {
    expect(() => parseLesson({ ...lesson, lesson: changed }, 'a.json')).toThrow(message);
  });

  it('is refused with a scenario that is none', () => {
    const scenario = { ...lesson.scenario, actions: [{ kind: 'crash', atMs: 1, member: 'nobody' }] };
    expect(() => parseLesson({ ...lesson, scenario }, 'a.json')).toThrow(/scenario\.actions\[0\]\.member/);
  });
});

describe('spans of records', () => {
  it.each([
    [['p-1'], ['p-1']],
    [
      ['p-9 to p-11', 'q-a-0'],
      ['p-9', 'p-10', 'p-11', 'q-a-0'],
    ],
  ])('%j is %j', (spans, records) => {
    expect(expandRecords(spans)).toEqual(records);
    expect(recordSpans(records.toReversed())).toEqual(spans);
  });

  it('have a beginning before their end, of one producer', () => {
    expect(() => expandRecords(['p-3 to p-1'])).toThrow("'p-3 to p-1' is no span");
    expect(() => expandRecords(['p-1 to q-3'])).toThrow("'p-1 to q-3' is no span");
  });
});
