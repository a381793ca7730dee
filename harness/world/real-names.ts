/** A group as a member process gets it: the scenario's group and the names of this run enter, the group in these leaves. */
import type { Group } from '../../scenarios/schema.ts';
import type { RunContext } from './run-context.ts';

export function inRealNames(
  { members: _members, ...group }: Group,
  { real }: Pick<RunContext['names'], 'real'>,
): Omit<Group, 'members'> {
  const { commitMode } = group;
  return {
    ...group,
    id: real(group.id),
    topics: group.topics.map(real),
    // Where a pipeline writes to is a topic of the run too.
    commitMode:
      commitMode.kind === 'transaction' ? { ...commitMode, topic: real(commitMode.topic) } : commitMode,
  };
}
