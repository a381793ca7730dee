/** An event's place in the picture is where a person would look for it. */
import { expect, test } from 'vitest';
import type { HistoryEvent } from '../../harness/history/schema.ts';
import { syntheticScenario } from '../testing/synthetic.ts';
import { laneOf } from './scenario.tsx';

const position = { topic: 'orders', partition: 2 };
const lane = (event: object, about?: string) =>
  laneOf({ time: 1, seq: 1, process: 'm1.2', ...event } as HistoryEvent, syntheticScenario(), about);

test.each([
  [
    'a delivery',
    { kind: 'delivery', group: 'billing', ...position, offsets: ['1'] },
    'partition billing orders-2',
  ],
  [
    'a commit',
    { kind: 'commit-invoke', group: 'billing', offsets: [{ ...position, offset: '1' }] },
    'partition billing orders-2',
  ],
  [
    'a refusal',
    { kind: 'commit-fail', group: 'billing', errors: [{ ...position, error: 'X' }] },
    'partition billing orders-2',
  ],
  [
    'a wire event without a group',
    { kind: 'wire-fetch-error', ...position, offset: '1', error: 'X' },
    'partition billing orders-2',
  ],
  ['an exit', { kind: 'process-exit', code: 0, signal: null }, 'member billing m1'],
  [
    'a heartbeat',
    { kind: 'wire-heartbeat', group: 'billing', memberId: 'x', generation: 1, error: 'X' },
    'member billing m1',
  ],
  [
    'a generation',
    { kind: 'group-generation', process: 'coordinator', group: 'archive', members: [] },
    'group archive',
  ],
  ['an action', { kind: 'action', process: 'harness', action: 1 }, 'faults'],
  ['a producer', { kind: 'produce-fail', process: 'p1.1', produce: 0, error: 'X' }, 'faults'],
  [
    'a process that the scenario does not know',
    { kind: 'process-exit', process: 'other', code: 0, signal: null },
    'faults',
  ],
])('%s', (_name, event, expected) => {
  const found = lane(event);
  const words = [
    found.kind,
    ...('group' in found ? [found.group] : []),
    ...('topic' in found ? [`${found.topic}-${found.partition}`] : []),
    ...('member' in found ? [found.member] : []),
  ];
  expect(words.join(' ')).toBe(expected);
});

test('what a partition log held stands in the lane of the group that the anomaly is about', () => {
  const log = { kind: 'fact-log', process: 'cluster', ...position, records: [] };
  expect(lane(log, 'billing')).toEqual({ kind: 'partition', group: 'billing', ...position });
  expect(lane(log)).toEqual({ kind: 'faults' });
});
