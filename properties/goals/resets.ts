/**
 * Goals about starts without a usable committed offset: one for each cell of auto.offset.reset x why there is none x what
 * comes before the first commit, as the history shows them.
 */
import type { Evidence, GroupEvidence } from '../evidence/evidence.ts';
import { entriesOf } from '../evidence/evidence.ts';
import { partitionOf } from '../evidence/values.ts';
import { type Goal, goal, type Reached, rare } from './goal.ts';

const policies = ['earliest', 'latest', 'none'] as const;
const reasons = [
  'never-committed',
  'expired',
  'deleted',
  'below-the-log',
  'above-the-log',
  'topic-recreated',
] as const;
const interruptions = ['undisturbed', 'crash', 'rebalance'] as const;
type Reason = (typeof reasons)[number];
type Interruption = (typeof interruptions)[number];

const cells = new WeakMap<Evidence, ReadonlySet<string>>();

/** Names of the cells that the history has, as the goals' names. */
function cellsOf({ evidence }: Reached): ReadonlySet<string> {
  let found = cells.get(evidence);
  if (found === undefined) {
    found = new Set(evidence.groups.flatMap((group) => [...cellsIn(evidence, group)]));
    cells.set(evidence, found);
  }
  return found;
}

function* cellsIn(evidence: Evidence, group: GroupEvidence): Generator<string> {
  for (const { process } of group.processes)
    for (const [key, { fetched, outOfRange }] of evidence.positions.positions.get(process) ?? []) {
      for (const { seq, time, offset } of fetched) {
        if (offset !== null) continue;
        const reason = whyNone(evidence, group, key, seq, time);
        yield cellName(
          group.config.autoOffsetReset,
          reason,
          interruptionOf(evidence, group, key, process, seq, time),
        );
      }
      for (const { seq, time, offset } of outOfRange) {
        const log = evidence.logs.get(key);
        const reason = isRecreated(evidence, key, seq)
          ? 'topic-recreated'
          : offset < (log?.logStartOffset ?? 0)
            ? 'below-the-log'
            : 'above-the-log';
        yield cellName(
          group.config.autoOffsetReset,
          reason,
          interruptionOf(evidence, group, key, process, seq, time),
        );
      }
    }
}

const cellName = (policy: string, reason: Reason, interruption: Interruption): string =>
  `reset-${policy}-${reason}-${interruption}`;

const isRecreated = ({ actions }: Evidence, key: string, beforeSeq: number): boolean =>
  actions.some(
    ({ action, seq }) =>
      action.kind === 'recreate-topic' && action.topic === partitionOf(key).topic && seq < beforeSeq,
  );

function whyNone(evidence: Evidence, group: GroupEvidence, key: string, seq: number, time: number): Reason {
  if (isRecreated(evidence, key, seq)) return 'topic-recreated';
  const last = entriesOf(group, key).findLast((entry) => entry.time <= time);
  if (last === undefined) return 'never-committed';
  const isAsked = evidence.actions.some(
    ({ action, seq: at }) => action.kind === 'delete-offsets' && action.group === group.id && at < seq,
  );
  return isAsked || evidence.scenario.topology.offsetsRetentionMs === undefined ? 'deleted' : 'expired';
}

/** What came between the question and the partition's next commit. */
function interruptionOf(
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
  process: string,
  seq: number,
  time: number,
): Interruption {
  const commit = entriesOf(group, key).find((entry) => entry.seq > seq && entry.offset !== null);
  const until = commit?.seq ?? evidence.settled?.seq ?? Number.POSITIVE_INFINITY;
  const isKilled = group.processes.some(
    ({ process: one, exit }) =>
      one === process && exit?.signal === 'SIGKILL' && exit.seq > seq && exit.seq < until,
  );
  if (isKilled) return 'crash';
  const isRebalanced = group.generations.some(
    (one) => one.isStable && one.seq > seq && one.seq < until && one.time > time,
  );
  return isRebalanced ? 'rebalance' : 'undisturbed';
}

/** With none the application ends by itself, so that little can interrupt it. */
const isRareCell = (policy: (typeof policies)[number], interruption: Interruption): boolean =>
  policy === 'none' && interruption !== 'undisturbed';

export const resetGoals: readonly Goal[] = policies.flatMap((policy) =>
  reasons.flatMap((reason) =>
    interruptions.map((interruption) => {
      const name = cellName(policy, reason, interruption);
      const words = `a group with auto.offset.reset ${policy} starts where the offset is ${reason.replaceAll('-', ' ')}, ${interruption === 'undisturbed' ? 'and commits' : `and a ${interruption} comes before its first commit`}`;
      const one = goal(name, words, (reached) => cellsOf(reached).has(name));
      return isRareCell(policy, interruption) ? rare(one) : one;
    }),
  ),
);
