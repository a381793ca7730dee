/** Two clients compared: what differs is said, and what both can do, or timing decides, is not. */
import { describe, expect, it, test } from 'vitest';
import { generateScenario } from '../../../scenarios/arbitrary.ts';
import { compareConduct, comparedGenerations } from './compare.ts';
import { type Conduct, kafkaNameOf } from './conduct.ts';

const scenario = generateScenario(1, 0, 'calm');
const group = scenario.groups[0]?.id as string;

const conduct = (changes: Partial<Conduct> = {}): Conduct => ({
  end: {
    outcome: 'valid',
    illegal: [],
    known: new Set(),
    observed: new Set(),
    uncommitted: new Map(),
    stopped: new Map(),
    records: new Map(),
    skipped: new Map(),
  },
  errors: new Map(),
  fates: new Map(),
  generations: [],
  ...changes,
});
const errors = (...names: string[]): Partial<Conduct> => ({ errors: new Map([[group, new Set(names)]]) });
const fate = (record: string, isLeftOut: boolean, order = 'before'): Partial<Conduct> => ({
  fates: new Map([[group, new Map([[record, { isLeftOut, order }]])]]),
});
const generations = (...pairs: [string, string][]): Partial<Conduct> => ({
  generations: pairs.map(([question, answer]) => ({ question, answer })),
});

test.each([
  ['FencedInstanceIdException: fenced <- x', 'FENCED_INSTANCE_ID'],
  ['FENCED_INSTANCE_ID: commit', 'FENCED_INSTANCE_ID'],
  ['NoOffsetForPartitionException: Undefined offset', 'NO_OFFSET_FOR_PARTITION'],
  ['CommitFailedException', 'COMMIT_FAILED'],
])('the name of %s is %s', (error, name) => {
  expect(kafkaNameOf(error)).toBe(name);
});

describe('Java and the reference client agree', () => {
  it('where one run of the reference client did the same', () => {
    const references = [conduct(), conduct(errors('COMMIT_FAILED')), conduct(fate('p-1', true))];
    expect(compareConduct(scenario, references, conduct(errors('COMMIT_FAILED')))).toEqual([]);
    expect(compareConduct(scenario, references, conduct(fate('p-1', true)))).toEqual([]);
  });

  it('where the reference client never began in the same order with a record', () => {
    const references = [conduct(fate('p-1', false, 'after')), conduct()];
    expect(compareConduct(scenario, references, conduct(fate('p-1', true)))).toEqual([]);
  });

  it('where the reference client never had to assign the same', () => {
    const reference = conduct(generations(['m1', 'a']));
    const java = conduct(generations(['m1 m2', 'b']));
    expect(compareConduct(scenario, [reference], java)).toEqual([]);
    expect(comparedGenerations([reference], java)).toBe(0);
  });
});

const none = conduct();
const endingElsewhere = conduct({ end: { ...none.end, uncommitted: new Map([['g t-0', '3']]) } });

test.each([
  [
    endingElsewhere,
    none,
    'g t-0: Java ends with 3 records uncommitted, the reference client with no such partition',
  ],
  [conduct(errors('FENCED')), none, "billing: only Java's application is told FENCED"],
  [
    none,
    conduct(errors('FENCED')),
    "billing: only the reference client's application is told FENCED, and always",
  ],
  [conduct(fate('p-1', true)), conduct(fate('p-1', false)), 'billing: p-1 is left out by Java only'],
  [
    conduct(fate('p-1', false)),
    conduct(fate('p-1', true)),
    'billing: p-1 is left out by the reference client only',
  ],
  [
    conduct(generations(['q', 'a'])),
    conduct(generations(['q', 'b'])),
    'Java assigns a, and the reference client b',
  ],
])('they differ (%#)', (java, reference, sentence) => {
  expect(compareConduct(scenario, [reference], java).map((one) => one.sentence)).toEqual([sentence]);
});
