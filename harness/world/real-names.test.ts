/** The names that a member process is told: all of them are the run's own. */
import { expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Group } from '../../scenarios/schema.ts';
import { inRealNames } from './real-names.ts';

const names = { real: (name: string) => `run-1.${name}` };

it('gives a group the names of the run, also of what a pipeline writes to', () => {
  const [group] = generateScenario(1, 0, 'calm').groups as [Group];
  const commitMode = { kind: 'transaction', topic: 'copies', abortEvery: null } as const;
  const { members: _members, ...told } = { ...group, topics: ['orders'], commitMode };
  expect(inRealNames({ ...group, topics: ['orders'], commitMode }, names)).toEqual({
    ...told,
    id: `run-1.${group.id}`,
    topics: ['run-1.orders'],
    commitMode: { ...commitMode, topic: 'run-1.copies' },
  });
  const other = { kind: 'per-record' } as const;
  expect(inRealNames({ ...group, commitMode: other }, names).commitMode).toEqual(other);
});
