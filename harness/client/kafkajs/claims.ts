/** What kafkajs says of itself: the events of its consumer enter, claims in the words of the history leave through the host. */
import type { Consumer } from 'kafkajs';
import type { Assignment } from '../../history/schema.ts';
import { describeError } from '../application/describe-error.ts';
import type { Host } from '../host.ts';

const byName = (a: { topic: string }, b: { topic: string }): number => (a.topic < b.topic ? -1 : 1);

const toAssignment = (memberAssignment: Record<string, number[]>): Assignment =>
  Object.entries(memberAssignment)
    .map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
    .sort(byName);

/**
 * Null after the coordinator forgot the member, whatever kafkajs' types say: it can forget one while it joins, so that
 * kafkajs tells of a join by nobody.
 */
const memberIdOf = (payload: { readonly memberId: string | null }): string => payload.memberId ?? '';

export interface ClaimListeners {
  /** Hears what the consumer says that it owns, before the event leaves, and says what the event is to name. */
  readonly onAssigned?: (owned: Assignment) => Assignment;
  /** Called when kafkajs says that it crashed. */
  readonly onCrash?: () => void;
}

/** Records what kafkajs says of itself: claims, to be held against the coordinator's view. */
export function recordClaims(
  consumer: Pick<Consumer, 'events' | 'on'>,
  group: string,
  host: Pick<Host, 'emit'>,
  { onAssigned, onCrash }: ClaimListeners = {},
): void {
  const { GROUP_JOIN, REBALANCING, CRASH, STOP } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const owned = toAssignment(payload.memberAssignment);
    const assignment = onAssigned?.(owned) ?? owned;
    host.emit({
      kind: 'client-joined',
      group,
      memberId: memberIdOf(payload),
      leader: Boolean(payload.isLeader),
      protocol: payload.groupProtocol,
      assignment,
    });
  });
  consumer.on(REBALANCING, ({ payload }) => {
    host.emit({ kind: 'client-rebalancing', group, memberId: memberIdOf(payload) });
  });
  consumer.on(CRASH, ({ payload: { error, restart } }) => {
    // A crash without a restart leaves a process that does nothing, as it leaves most applications: kafkajs itself
    // just stops. The process stays, so that the properties about progress show what that costs.
    host.emit({ kind: 'client-crashed', group, error: describeError(error), restart: Boolean(restart) });
    onCrash?.();
  });
  consumer.on(STOP, () => host.emit({ kind: 'client-stopped', group }));
}
