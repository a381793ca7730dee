/** Goals about who is in the group: joins, expiries and rebalances, at the moments at which they hurt. */
import { isCooperative, withheldIn } from '../coverage.ts';
import { isRunningAt, type ProcessEvidence } from '../evidence/processes.ts';
import { type Goal, goal, type Reached, rare } from './goal.ts';

const heartbeat = (error: string) => (reached: Reached) =>
  reached.of('wire-heartbeat').some((one) => one.error === error);
const join =
  (...errors: string[]) =>
  (reached: Reached) =>
    reached.of('wire-join').some(({ error }) => error !== null && errors.includes(error));

/** Processes that ended between the answers to their JoinGroup and their SyncGroup. */
const endedBetween = (reached: Reached, isLeader: boolean): boolean =>
  reached.of('wire-join').some(({ process, seq, error, memberId, leaderMemberId, generation }) => {
    if (error !== null || (memberId === leaderMemberId) !== isLeader) return false;
    const exit = reached.evidence.processes.get(process)?.exit;
    if (exit == null || exit.signal !== 'SIGKILL') return false;
    const sync = reached
      .of('wire-sync')
      .find((one) => one.process === process && one.seq > seq && one.generation === generation);
    return (
      sync === undefined && !reached.of('wire-join').some((one) => one.process === process && one.seq > seq)
    );
  });

/** Members of one group that run in one process at the same time: those of each incarnation. */
const sharing = ({ evidence, of }: Reached): ProcessEvidence[][] => {
  const byProcess = new Map<string, ProcessEvidence[]>();
  for (const { process, group, sharedProcess } of of('process-start')) {
    const one = evidence.processes.get(process);
    if (sharedProcess === undefined || one === undefined) continue;
    const key = `${sharedProcess} ${group}`;
    byProcess.set(key, [...(byProcess.get(key) ?? []), one]);
  }
  return [...byProcess.values()].filter((all) =>
    all.some((one, i) => all.slice(0, i).some((other) => isRunningAt(other, one.startSeq))),
  );
};

/** Whether a member of a process ended in this way while another one of its group ran beside it. */
const endsBeside = (reached: Reached, isEnding: (process: ProcessEvidence) => boolean): boolean =>
  sharing(reached).some((all) =>
    all.some(
      (one) =>
        isEnding(one) &&
        all.some((other) => other !== one && one.exit !== null && isRunningAt(other, one.exit.seq - 1)),
    ),
  );

const generations = ({ evidence }: Reached) => evidence.groups.flatMap((group) => group.generations);

export const membershipGoals: readonly Goal[] = [
  goal(
    'leader-dies-between-join-and-sync',
    'the group leader is killed before it has handed out the assignment',
    (r) => endedBetween(r, true),
  ),
  goal('follower-dies-between-join-and-sync', 'a follower is killed before it has its assignment', (r) =>
    endedBetween(r, false),
  ),
  goal(
    'heartbeat-unknown-member',
    'a heartbeat is answered with UNKNOWN_MEMBER_ID',
    heartbeat('UNKNOWN_MEMBER_ID'),
  ),
  goal(
    'heartbeat-rebalance-in-progress',
    'a heartbeat is answered with REBALANCE_IN_PROGRESS',
    heartbeat('REBALANCE_IN_PROGRESS'),
  ),
  goal(
    'heartbeat-illegal-generation',
    'a heartbeat is answered with ILLEGAL_GENERATION',
    heartbeat('ILLEGAL_GENERATION'),
  ),
  goal(
    'heartbeat-not-coordinator',
    'a heartbeat is answered with NOT_COORDINATOR',
    heartbeat('NOT_COORDINATOR'),
  ),
  goal('join-unknown-member', 'a JoinGroup is answered with UNKNOWN_MEMBER_ID', join('UNKNOWN_MEMBER_ID')),
  goal(
    'coordinator-gone-during-join',
    'a JoinGroup is answered by a broker that does not coordinate the group, or not yet',
    join('NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'),
  ),
  goal('shared-process-is-killed', 'a process in which several members of one group run is killed', (r) =>
    endsBeside(r, ({ exit }) => exit?.signal === 'SIGKILL'),
  ),
  goal(
    'leaves-a-shared-process',
    'a member leaves while another one of its group goes on in the same process',
    (r) => endsBeside(r, ({ order, exit }) => order?.kind === 'leave' && exit?.code === 0),
  ),
  goal('sync-refused', 'a SyncGroup is refused', (r) =>
    r.of('wire-sync').some(({ error }) => error !== null),
  ),
  goal('group-empties-and-refills', 'a group loses all of its members and gets some again', (r) =>
    generations(r).some(
      (one, i, all) =>
        one.isStable && all[i - 1]?.group === one.group && all[i - 1]?.isStable === false && i > 1,
    ),
  ),
  goal('more-members-than-partitions', 'a member is without partitions', (r) =>
    generations(r).some(
      ({ isStable, members }) => isStable && members.some(({ assignment }) => assignment.length === 0),
    ),
  ),
  goal('two-rebalances-within-a-second', 'a generation lasts for less than a second', (r) =>
    generations(r).some((one, i, all) => {
      const before = all[i - 1];
      return before?.group === one.group && before.isStable && one.isStable && one.time - before.time < 1_000;
    }),
  ),
  goal(
    'different-subscriptions-in-a-generation',
    'members of one generation subscribe to different topics',
    (r) =>
      generations(r).some(
        ({ members }) => new Set(members.map(({ subscription }) => subscription.toSorted().join())).size > 1,
      ),
  ),
  goal('added-partition-is-assigned', 'a partition that was added is assigned', (r) => {
    const counts = new Map(
      r.evidence.scenario.topology.topics.map(({ name, partitions }) => [name, partitions]),
    );
    return generations(r).some(({ members }) =>
      members.some(({ assignment }) =>
        assignment.some(({ topic, partitions }) =>
          partitions.some((one) => one >= (counts.get(topic) ?? one + 1)),
        ),
      ),
    );
  }),
  rare(
    goal('cooperative-generation-withholds', 'a cooperative generation keeps a partition back', (r) =>
      r.evidence.groups.some(
        (group) =>
          isCooperative(group) &&
          group.generations.some(
            (one) => one.isStable && [...withheldIn(group, one).keys()].some((key) => !one.owners.has(key)),
          ),
      ),
    ),
  ),
  rare(
    goal('static-member-is-fenced', 'a static member is told that another one has its place', (r) =>
      [...r.of('wire-heartbeat'), ...r.of('wire-join'), ...r.of('wire-sync')].some(
        ({ error }) => error === 'FENCED_INSTANCE_ID',
      ),
    ),
  ),
  rare(
    goal('static-member-comes-back', 'a static member takes its place again without a rebalance', (r) =>
      generations(r).some((one, i, all) => {
        const before = all[i - 1];
        return before?.group === one.group && before.isStable && before.generation === one.generation;
      }),
    ),
  ),
  rare(
    goal(
      'poll-interval-overrun',
      'a member leaves since its application does not poll, and joins again',
      (r) =>
        r.of('wire-leave').some(({ process, seq }) => {
          const owner = r.evidence.processes.get(process);
          if (owner === undefined || owner.calls.some(({ call }) => call === 'stop')) return false;
          return (
            (owner.order === null || owner.order.seq > seq) &&
            r.of('wire-join').some((one) => one.process === process && one.seq > seq)
          );
        }),
    ),
  ),
];
