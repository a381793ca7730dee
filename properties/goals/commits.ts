/** Goals about commits: refused in every way, unknown, too late, lower than before, and removed. */
import { type Goal, goal, type Reached, rare } from './goal.ts';

const requests = ({ evidence }: Reached) => evidence.groups.flatMap(({ commits }) => commits.requests);
const entries = ({ evidence }: Reached) =>
  evidence.groups.flatMap(({ commits }) => [...commits.entries.values()].flat());
const refused = (error: string) => (reached: Reached) => requests(reached).some((one) => one.error === error);

export const commitGoals: readonly Goal[] = [
  goal(
    'commit-illegal-generation',
    'a commit is refused with ILLEGAL_GENERATION',
    refused('ILLEGAL_GENERATION'),
  ),
  goal('commit-unknown-member', 'a commit is refused with UNKNOWN_MEMBER_ID', refused('UNKNOWN_MEMBER_ID')),
  goal(
    'commit-rebalance-in-progress',
    'a commit is refused with REBALANCE_IN_PROGRESS',
    refused('REBALANCE_IN_PROGRESS'),
  ),
  goal('commit-not-coordinator', 'a commit is refused with NOT_COORDINATOR', refused('NOT_COORDINATOR')),
  goal(
    'commit-while-coordinator-loads',
    'a commit is refused with COORDINATOR_LOAD_IN_PROGRESS',
    refused('COORDINATOR_LOAD_IN_PROGRESS'),
  ),
  goal('commit-never-answered', 'a commit gets no answer', (r) =>
    requests(r).some(({ outcome, error }) => outcome === 'unknown' && error === null),
  ),
  goal('commit-written-and-never-answered', 'a commit without an answer is in the log', (r) =>
    requests(r).some(({ outcome, entry }) => outcome === 'unknown' && entry !== null),
  ),
  goal('zombie-commit-after-resume', 'a commit of a member is refused after it stood still', (r) =>
    requests(r).some(
      ({ process, time, outcome }) =>
        outcome === 'refused' &&
        (r.evidence.processes.get(process)?.stalls ?? []).some(({ toTime }) => toTime <= time + 1),
    ),
  ),
  rare(
    goal('commit-written-after-death', 'a commit is written after its process was killed', (r) =>
      entries(r).some(({ request, time }) => {
        const exit = request === null ? null : (r.evidence.processes.get(request.process)?.exit ?? null);
        return exit?.signal === 'SIGKILL' && time > exit.time;
      }),
    ),
  ),
  goal('commit-goes-back', 'an accepted commit is lower than the one before it', (r) =>
    r.evidence.groups.some(({ commits }) =>
      [...commits.entries.values()].some((list) =>
        list.some((entry, i) => (entry.offset ?? Number.POSITIVE_INFINITY) < (list[i - 1]?.offset ?? -1)),
      ),
    ),
  ),
  rare(
    goal('negative-commit', 'a negative offset is committed', (r) =>
      entries(r).some(({ kind }) => kind === 'sentinel'),
    ),
  ),
  goal('committed-offset-removed', 'a committed offset is deleted', (r) => r.of('commit-removed').length > 0),
  goal('application-commit-fails', 'an application is told that its commit failed', (r) =>
    r.of('application-commit-end').some(({ outcome }) => outcome === 'failed'),
  ),
  goal('background-commit-is-overtaken', 'a commit is made before the one before it has its answer', (r) => {
    const calls = r.evidence.groups.flatMap(({ commits }) => commits.applicationCommits);
    return calls.some(({ begin }, i) => {
      const before = calls[i - 1];
      return (
        before?.begin.process === begin.process && (before.end?.seq ?? Number.POSITIVE_INFINITY) > begin.seq
      );
    });
  }),
];
