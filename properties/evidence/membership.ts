/**
 * What each process was told about its own place in its group: joins, leaves and refusals on its sockets enter, its
 * changes of membership leave in its own order.
 */
import type { EventOf } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { Evidence } from './evidence.ts';
import { listAt, partitionKey } from './values.ts';

/** The answers that tell a member that its membership, or its generation, is over. */
const LOST: ReadonlySet<string | null> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
]);

export interface MembershipChange {
  /** `joining`: a generation has begun with it, and it has no assignment in it yet. */
  readonly kind: 'joining' | 'assigned' | 'lost' | 'left';
  readonly process: string;
  readonly seq: number;
  readonly time: number;
  readonly memberId: string;
  /** -1 where it is not told. */
  readonly generation: number;
  /** The partitions of the assignment; empty for any other change. */
  readonly partitions: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();
const known = new WeakMap<Evidence, Map<string, MembershipChange[]>>();

/** The changes of a process, in its own order; none where its traffic is not recorded. */
export function membershipOf(evidence: Evidence, process: string): readonly MembershipChange[] {
  let changes = known.get(evidence);
  if (changes === undefined) {
    changes = index(evidence);
    known.set(evidence, changes);
  }
  return changes.get(process) ?? [];
}

function index({ history }: Evidence): Map<string, MembershipChange[]> {
  const changes = new Map<string, MembershipChange[]>();
  const identities = new Map<string, { memberId: string; generation: number }>();
  for (const event of eventsOf(history, 'wire-join', 'wire-sync', 'wire-heartbeat', 'wire-leave')) {
    const change = changeOf(event, identities.get(event.process));
    if (change === null) continue;
    const { process, seq, time } = event;
    const { memberId, generation } = change;
    if (change.kind === 'assigned') identities.set(process, { memberId, generation });
    listAt(changes, process).push({ partitions: NOTHING, ...change, process, seq, time });
  }
  return changes;
}

type Change = Pick<MembershipChange, 'kind' | 'memberId' | 'generation'> & {
  partitions?: ReadonlySet<string>;
};

function changeOf(
  event: EventOf<'wire-join' | 'wire-sync' | 'wire-heartbeat' | 'wire-leave'>,
  identity: { memberId: string; generation: number } | undefined,
): Change | null {
  switch (event.kind) {
    case 'wire-join':
      if (event.error === null)
        return { kind: 'joining', memberId: event.memberId, generation: event.generation };
      return LOST.has(event.error) ? { kind: 'lost', memberId: event.memberId, generation: -1 } : null;
    case 'wire-sync':
      if (event.error === null) return assigned(event);
      return LOST.has(event.error) ? { kind: 'lost', memberId: event.memberId, generation: -1 } : null;
    case 'wire-heartbeat':
      // An answer to a heartbeat of an identity that the process has given up already says nothing new.
      return LOST.has(event.error) && event.memberId === identity?.memberId
        ? { kind: 'lost', memberId: event.memberId, generation: -1 }
        : null;
    case 'wire-leave':
      return event.memberIds.includes(identity?.memberId ?? '')
        ? { kind: 'left', memberId: identity?.memberId ?? '', generation: -1 }
        : null;
  }
}

const assigned = ({ memberId, generation, assignment }: EventOf<'wire-sync'>): Change => ({
  kind: 'assigned',
  memberId,
  generation,
  partitions: new Set(
    assignment.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => partitionKey(topic, partition)),
    ),
  ),
});

const losses = new WeakMap<Evidence, Map<string, number[]>>();

/** Whether a process was told after this that it has lost its place, before its next assignment. */
export function hasLostPlace(evidence: Evidence, process: string, afterSeq: number): boolean {
  let byProcess = losses.get(evidence);
  if (byProcess === undefined) {
    byProcess = new Map();
    for (const event of eventsOf(
      evidence.history,
      'wire-heartbeat',
      'wire-join',
      'wire-sync',
      'commit-fail',
    )) {
      const isLoss =
        event.kind === 'commit-fail'
          ? event.errors.some(({ error }) => LOST.has(error))
          : LOST.has(event.error);
      if (isLoss) listAt(byProcess, event.process).push(event.seq);
    }
    losses.set(evidence, byProcess);
  }
  const next = (evidence.positions.joins.get(process) ?? []).find(({ seq }) => seq > afterSeq);
  const until = next?.seq ?? Number.POSITIVE_INFINITY;
  return (byProcess.get(process) ?? []).some((seq) => seq > afterSeq && seq < until);
}
