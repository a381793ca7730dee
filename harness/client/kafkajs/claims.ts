/** What kafkajs says of itself: a consumer enters, its claims leave as events, to be held against the coordinator's view. */
import type { Consumer } from 'kafkajs';
import type { Assignment } from '../../history/schema.ts';
import { describeError } from '../application/describe-error.ts';
import type { Host } from '../host.ts';

const byName = (a: { topic: string }, b: { topic: string }): number => (a.topic < b.topic ? -1 : 1);

const toAssignment = (memberAssignment: Record<string, number[]>): Assignment =>
  Object.entries(memberAssignment)
    .map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
    .sort(byName);

/** @param onAssigned hears what the consumer says that it owns, before the event leaves */
export function recordClaims(
  consumer: Pick<Consumer, 'events' | 'on'>,
  group: string,
  host: Host,
  onAssigned: (assignment: Assignment) => void = () => {},
): void {
  const { GROUP_JOIN, REBALANCING, CRASH, STOP } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const assignment = toAssignment(payload.memberAssignment);
    onAssigned(assignment);
    host.emit({
      kind: 'client-joined',
      group,
      memberId: payload.memberId,
      leader: Boolean(payload.isLeader),
      protocol: payload.groupProtocol,
      assignment,
    });
  });
  consumer.on(REBALANCING, ({ payload }) => {
    // Null after the coordinator forgot the member, whatever kafkajs' types say.
    const memberId = (payload.memberId as string | null) ?? '';
    host.emit({ kind: 'client-rebalancing', group, memberId });
  });
  consumer.on(CRASH, ({ payload: { error, restart } }) => {
    // A crash without a restart leaves a process that does nothing, as it leaves most applications: kafkajs itself
    // just stops. The process stays, so that the properties about progress show what that costs.
    host.emit({ kind: 'client-crashed', group, error: describeError(error), restart: Boolean(restart) });
  });
  consumer.on(STOP, () => host.emit({ kind: 'client-stopped', group }));
}
