/** convergence: the state of each group at the end of settling enters, what kept it from its goal leaves. */
import type { EventOf } from '../harness/history/schema.ts';
import { type Group, isByHand, isLifecycleAction, membersHit, processMates } from '../scenarios/schema.ts';
import { absence, frozenAt, hasGivenUp, placeIn } from './absent-member.ts';
import { proof, reporter } from './anomaly.ts';
import { coverageBreaches, howMissed, lastGeneration, missed, namePartitions } from './coverage.ts';
import { eventsOf } from './evidence/by-kind.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  hasTwin,
  inForceWhenSettled,
  isOfFormerLog,
  isPulledDown,
  mayLoseTouch,
  partitionsWithoutStart,
  rebalanceWaitMs,
} from './evidence/evidence.ts';
import { assignedPartitions, type GenerationEvidence } from './evidence/generations.ts';
import { endedWithMate, isRunningAt, type ProcessEvidence } from './evidence/processes.ts';
import { partitionKey, partitionOf } from './evidence/values.ts';
import { forgottenMembers } from './forgotten-member.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('convergence');

const AGAIN = 'group changed again right after it had settled';
const CANNOT_START = 'group cannot start without a committed offset';
const PULLED_DOWN = 'group shares a process with one that cannot start';
const ABORTS_AGAIN = 'not drained: a member aborts each transaction over the same error';
const AT_GAP = 'not drained: stuck where compaction took records';
const DEAD_FOLLOWER = 'not drained: waits for a follower that stays dead';
const SENT_AGAIN = 'not drained: a member is sent to a follower again and again, and does not read from it';
const FROZEN = 'not drained: a member computes without end';
const RESTARTED_FOLLOWER = 'not drained: waits for a follower that was away';
const CONTENDED = 'two processes contend for one group.instance.id';
const FORGOTTEN = 'static member that died while its return was written is counted on for good';
const FORMER_LOG = 'not drained: waits for a leader of an epoch that the deleted topic had';
const GONE = 'member ended by itself and stayed away';
const NEVER_STABLE = 'group never became stable';

export const convergence: Property = {
  id: 'convergence',
  title: 'The group recovers',
  statement:
    'Once all faults are over, each group that has live members reaches, within the settling bound, a stable generation whose members are exactly those live members and in which every partition has an owner; it has processed and committed everything, up to the marker that the harness writes into each partition; and the coordinator describes it so. Of a group whose members take their partitions by hand only the draining is asked, of these partitions. A live member is a process that runs at the end of settling and that no action has told to end; members that the scenario leaves dead when all else is healed are not wanted. A group with auto.offset.reset none whose members fail at every start, since a partition has no committed offset or one that was deleted from the log, or one of the log that its topic had before it was deleted and created again, cannot recover without an operator: that is observed, and nothing else is asked of it, nor of a group with members in the same processes, which end with them. Nor can one in which two processes with one group.instance.id still run: each that joins, after a stall or an overrun of its poll interval, fences the other (KIP-345). Nor can one that counts on a static member which died while the coordinator could not write that it was back, and for longer than its session: no session ends it any more. Partitions that were added, or whose topic was created again, while a static leader was away (KIP-814), or that a static member had to give up when it went away (KIP-345), have no owner until something else causes a rebalance: that they are not drained is observed too. Nor is a partition drained whose committed offset was committed by a member that had come to it before the topic was deleted and created again, since clients wait for a leader of the epoch that it had then (KIP-320): observed. Where a group is not drained and stands before offsets that a compaction took, or was last told to read from a follower that stays dead, or that has been away since, or had been cut off from its peers while metadata lasts, or that the leader has named five times with nothing handed over since (KIP-392), or one of its processes computes without end or has aborted its last three transactions over the same error, that is told apart.',
  check(history) {
    const evidence = evidenceOf(history);
    const { heal, settled } = evidence;
    if (heal === null || settled === null) return [];
    const wanted = evidence.groups.filter((group) => wantedMembers(evidence, group).length > 0);
    const contended = wanted.filter((group) => contenders(group, settled.seq).length > 0);
    const startless = wanted.filter((group) => partitionsWithoutStart(evidence, group).length > 0);
    const pulledDown = wanted.filter((group) => !startless.includes(group) && isPulledDown(evidence, group));
    const forgotten = wanted.flatMap((group) => {
      const last = lastGeneration(evidence, group);
      const members = last === null ? [] : forgottenMembers(evidence, group, last);
      return last === null || members.length === 0 ? [] : [{ group, last, members }];
    });
    const undrainable = [...contended, ...forgotten.map(({ group }) => group)];
    const judged = wanted.filter((group) => ![undrainable, startless, pulledDown].flat().includes(group));
    return [
      ...contended.map((group) =>
        report(
          CONTENDED,
          `Group ${group.id} has ${contenders(group, settled.seq).join(', ')} beside a second process of the same member, and each takes the place from the other whenever it joins.`,
          proof(settled.seq),
          { group: group.id },
        ),
      ),
      ...startless.map((group) =>
        report(
          CANNOT_START,
          `Group ${group.id} has auto.offset.reset none and no usable committed offset in ${partitionsWithoutStart(evidence, group).join(', ')}.`,
          proof(settled.seq),
          { group: group.id },
        ),
      ),
      ...pulledDown.map(({ id }) =>
        report(
          PULLED_DOWN,
          `Members of group ${id} run in processes with members of a group that cannot start, and end with them.`,
          proof(settled.seq),
          { group: id },
        ),
      ),
      ...forgotten.map(({ group, last, members }) =>
        report(
          FORGOTTEN,
          `Group ${group.id} counts on ${members.map(({ groupInstanceId }) => groupInstanceId).join(', ')}, which died while the coordinator was writing that it was back.`,
          proof(last.seq, settled.seq),
          { group: group.id },
        ),
      ),
      ...judged.flatMap((group) => groupBreaches(evidence, group, settled.seq)),
      // Where a group cannot drain, markers are written again and again, for all others that read the topic too.
      ...undrained(
        evidence,
        judged.filter(({ config }) => !undrainable.some((other) => sharesTopic(other.config, config))),
      ),
    ];
  },
  policy: (scenario, anomaly) =>
    anomaly.signature === AGAIN ||
    anomaly.signature === CANNOT_START ||
    anomaly.signature === PULLED_DOWN ||
    anomaly.signature === CONTENDED ||
    anomaly.signature === FORGOTTEN ||
    anomaly.signature === FORMER_LOG ||
    Object.values<string>(missed).includes(anomaly.signature) ||
    (anomaly.signature === GONE && mayLoseTouch(scenario))
      ? 'observed'
      : 'illegal',
};

/** Transactions in a row: what failed only while a fault lasted is tried again and done. */
const ABORTED_MIN = 3;

/** How often the leader names the same follower: who reads from it is not told again before its metadata is old. */
const SENT_MIN = 5;

/** A member that is told to end finishes the rebalance that it is in, and what it has in hand, before it leaves. */
const graceMs = ({ config }: GroupEvidence): number =>
  2 * (rebalanceWaitMs(config) + config.sessionTimeoutMs);

/** The scenario's members whose last action is to join: somebody has to run for each of them at the end. */
function wantedMembers(evidence: Evidence, group: GroupEvidence): string[] {
  const { scenario } = evidence;
  const dead = new Set(scenario.settling.dead?.members.flatMap((id) => processMates(scenario, id)));
  return group.config.members
    .map((member) => member.id)
    .filter((id) => {
      if (dead.has(id)) return false;
      const last = evidence.actions.findLast(
        ({ action }) => isLifecycleAction(action) && membersHit(scenario, action).includes(id),
      );
      // A history written without actions still shows what started and was not told to end.
      const ran = group.processes.findLast((process) => process.id === id);
      return last === undefined ? ran !== undefined && ran.order === null : last.action.kind === 'join';
    });
}

function groupBreaches(evidence: Evidence, group: GroupEvidence, settledSeq: number): Anomaly[] {
  const running = group.processes.filter((process) => isRunningAt(process, settledSeq));
  const live = running.filter((process) => process.order === null);
  const gone = wantedMembers(evidence, group).flatMap((id) => memberGone(evidence, group, id, live));
  const last = lastGeneration(evidence, group);
  // Without members there is nothing of the group but its offsets.
  if (live.length === 0 || isByHand(group.config)) return gone;
  if (last === null || !group.generations.some((generation) => generation.isStable)) {
    const gaveUp = live.filter((process) => hasGivenUp(process, settledSeq));
    return [
      ...gone,
      ...gaveUp.map((process) => report(...absence(evidence, group, last, process, settledSeq))),
      // Where all have given up there is nobody left of whom it could be asked.
      ...(gaveUp.length === live.length
        ? []
        : [
            report(
              NEVER_STABLE,
              `Group ${group.id} has the live members ${names(live)}, and its coordinator never wrote a stable generation.`,
              proof(settledSeq),
              { group: group.id },
            ),
          ]),
    ];
  }
  const breaches = [...membership(evidence, group, last, running, live), ...unowned(evidence, group, last)];
  // A description that differs says nothing new where the group itself is not what it has to be.
  return [...gone, ...(breaches.length > 0 ? breaches : disagreement(evidence, group, last))];
}

const sharesTopic = (one: Group, other: Group): boolean =>
  one.topics.some((topic) => other.topics.includes(topic));

/** Processes that run on although their members were started a second time: nobody has fenced them, or they came back. */
const contenders = (group: GroupEvidence, settledSeq: number): string[] =>
  group.processes
    .filter(
      (process) =>
        isRunningAt(process, settledSeq) && process.order === null && hasTwin(group, process, settledSeq),
    )
    .map(({ process }) => process);

const names = (processes: readonly ProcessEvidence[]): string =>
  processes.map(({ process }) => process).join(', ');

function memberGone(
  { processes }: Evidence,
  group: GroupEvidence,
  id: string,
  live: readonly ProcessEvidence[],
): Anomaly[] {
  if (live.some((process) => process.id === id)) return [];
  const last = group.processes.findLast((process) => process.id === id);
  // Of several members in one process, the one that failed is told of in its own group.
  if (last?.exit == null || last.order !== null || endedWithMate(processes, last)) return [];
  const error = last.applicationErrors.at(-1);
  return [
    report(
      GONE,
      `${last.process} ended with ${last.exit.signal ?? `code ${last.exit.code}`}${error === undefined ? '' : ` after ${error.call} had failed with ${error.error}`}, nobody had told it to, and it was not there at the end.`,
      proof(last.exit.seq, error?.seq),
      { group: group.id, process: last.process },
    ),
  ];
}

function membership(
  evidence: Evidence,
  group: GroupEvidence,
  last: GenerationEvidence,
  running: readonly ProcessEvidence[],
  live: readonly ProcessEvidence[],
): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const members = new Set(last.members.map((member) => member.clientId));
  const settledTime = evidence.settled?.time ?? Number.POSITIVE_INFINITY;
  const settledSeq = evidence.settled?.seq ?? Number.POSITIVE_INFINITY;
  const where = placeIn(group, last);
  // Where all is drained, what is left of a client that gave up has done it.
  const isDrained = evidence.settled?.undrained.length === 0;
  for (const process of live)
    if (!members.has(process.process) || (!isDrained && hasGivenUp(process, settledSeq)))
      anomalies.push(report(...absence(evidence, group, last, process, settledSeq)));
  const seen = new Set<string>();
  for (const { clientId, memberId } of last.members) {
    const process = running.find((one) => one.process === clientId);
    if (process === undefined || seen.has(clientId)) {
      const ended = evidence.processes.get(clientId)?.exit;
      anomalies.push(
        report(
          'ghost member',
          process === undefined
            ? `The member ${memberId} of ${where}, is ${clientId}, which does not run.`
            : `The member ${memberId} of ${where}, is ${clientId}, which has another membership there.`,
          proof(last.seq, ended?.seq, settledSeq),
          { group: group.id, process: clientId },
        ),
      );
    } else if (process.order !== null && settledTime - process.order.time > graceMs(group)) {
      anomalies.push(
        report(
          'member that was told to end goes on',
          `${clientId} was told to end (${process.order.kind}) and is still in ${where}.`,
          proof(process.order.seq, last.seq, settledSeq),
          { group: group.id, process: clientId },
        ),
      );
    }
    seen.add(clientId);
  }
  return anomalies;
}

function unowned(evidence: Evidence, group: GroupEvidence, last: GenerationEvidence): Anomaly[] {
  const atTime = evidence.settled?.time ?? last.time;
  return coverageBreaches(evidence, group, last, [atTime])
    .filter(({ kind }) => kind === 'unowned')
    .map((breach) => {
      const { topic, partitions } = breach;
      return report(
        howMissed(evidence, group, last, breach) ?? 'partition without an owner at the end',
        `Nobody owns ${namePartitions(topic, partitions)} in generation ${last.generation} of group ${group.id}, the last one.`,
        proof(last.seq, evidence.settled?.seq),
        {
          group: group.id,
          topic,
          ...(partitions.length === 1 ? { partition: partitions[0] as number } : {}),
        },
      );
    });
}

/** The description is taken after settling and before the members are told to end. */
function disagreement(evidence: Evidence, group: GroupEvidence, last: GenerationEvidence): Anomaly[] {
  const fact = eventsOf(evidence.history, 'fact-group').find((event) => event.group === group.id);
  if (fact === undefined) return [];
  const subject = { group: group.id };
  if (fact.state.toLowerCase() !== 'stable') {
    // A group that had settled has converged, whatever begins a moment later.
    const hadSettled = evidence.settled?.undrained.length === 0;
    return [
      report(
        hadSettled ? AGAIN : 'group is not stable at the end',
        `The coordinator describes group ${group.id} as ${fact.state} ${hadSettled ? 'right after it had settled' : 'at the end of settling'}.`,
        proof(last.seq, fact.seq),
        subject,
      ),
    ];
  }
  // Between the end of settling and the description another generation may have come.
  if ((group.generations[last.index + 1]?.time ?? Number.POSITIVE_INFINITY) <= fact.time) return [];
  const described = describeMembers(fact.members);
  const recorded = describeMembers(last.members);
  if (described === recorded) return [];
  return [
    report(
      'description of the group disagrees with its last generation',
      `The coordinator describes group ${group.id} as ${described || 'without members'}, and its last generation ${last.generation} has ${recorded}.`,
      proof(last.seq, fact.seq),
      subject,
    ),
  ];
}

const describeMembers = (members: GenerationEvidence['members']): string =>
  members
    .map((member) => `${member.memberId} with ${assignedPartitions(member).sort().join(' ') || 'nothing'}`)
    .sort()
    .join(', ');

function undrained(evidence: Evidence, judged: readonly GroupEvidence[]): Anomaly[] {
  const { settled, scenario } = evidence;
  return (settled?.undrained ?? []).flatMap((sentence) => {
    const words = new Set(sentence.split(/[^A-Za-z0-9-]+/));
    const named = scenario.groups.filter((group) => words.has(group.id));
    const group = named.length === 1 ? named[0] : undefined;
    // A group that nobody is left to drain is exempt.
    const evidenceOfGroup = judged.find((one) => one.id === group?.id);
    if (group !== undefined && evidenceOfGroup === undefined) return [];
    const why =
      evidenceOfGroup === undefined
        ? null
        : (hasFrozen(evidence, evidenceOfGroup) ??
          undrainedSince(evidence, evidenceOfGroup, words) ??
          stuckAtGap(evidence, evidenceOfGroup, words) ??
          stuckInFormerLog(evidence, evidenceOfGroup, words) ??
          waitsForDead(evidence, evidenceOfGroup, words));
    const aborts =
      why === null && evidenceOfGroup !== undefined ? abortsAgain(evidence, evidenceOfGroup) : null;
    return [
      report(
        why ?? (aborts === null ? 'not drained at the bound' : ABORTS_AGAIN),
        `The run did not settle within its bound of ${scenario.settling.boundMs} ms: ${sentence}${aborts === null ? '' : `; ${aborts.process} aborted its last ${ABORTED_MIN} transactions over ${aborts.because}`}`,
        proof(settled?.seq, aborts?.seq),
        group === undefined ? {} : { group: group.id },
      ),
    ];
  });
}

/** Whether a process of the group runs and computes without end, so that it neither works nor leaves. */
const hasFrozen = (evidence: Evidence, { processes }: GroupEvidence): string | null =>
  processes.some(
    (one) =>
      evidence.settled !== null &&
      isRunningAt(one, evidence.settled.seq) &&
      frozenAt(evidence, one.process, evidence.settled.seq) !== null,
  )
    ? FROZEN
    : null;

/** The last transaction of a running member, where that and the ones before it were aborted over one error. */
function abortsAgain(
  { history, settled }: Evidence,
  { processes }: GroupEvidence,
): EventOf<'transaction-end'> | null {
  if (settled === null) return null;
  for (const one of processes.filter((process) => isRunningAt(process, settled.seq))) {
    const last = eventsOf(history, 'transaction-end')
      .filter(({ process, seq }) => process === one.process && seq < settled.seq)
      .slice(-ABORTED_MIN);
    const [first] = last;
    if (
      first?.because !== undefined &&
      last.length === ABORTED_MIN &&
      last.every(({ because }) => because === first.because)
    )
      return last.at(-1) ?? null;
  }
  return null;
}

/** Whether the group stands before offsets that a compaction took, and has been handed nothing behind them. */
function stuckAtGap(
  { actions, logs }: Evidence,
  { consumption }: GroupEvidence,
  words: ReadonlySet<string>,
): string | null {
  const isCompacted = (topic: string): boolean =>
    actions.some(({ action }) => action.kind === 'compact-topic' && action.topic === topic);
  const isStuck = [...logs].some(([key, { topic, partition, logStartOffset, recordAt }]) => {
    if (!words.has(`${topic}-${partition}`) || !isCompacted(topic)) return false;
    const position = (consumption.get(key)?.stretches.at(-1)?.last ?? logStartOffset - 1) + 1;
    const next = Math.min(...[...recordAt.keys()].filter((offset) => offset >= position));
    return Number.isFinite(next) && next > position;
  });
  return isStuck ? AT_GAP : null;
}

/**
 * Whether the group stands where a member had come in the log that its topic had before it was deleted and created again, and
 * has committed since: a client waits for a leader of the epoch that was committed, and the new log begins with another (KIP-320;
 * Java's Metadata, updateLastSeenEpochIfNewer).
 */
function stuckInFormerLog(
  evidence: Evidence,
  group: GroupEvidence,
  words: ReadonlySet<string>,
): string | null {
  const isStuck = [...evidence.logs.values()].some(({ topic, partition }) => {
    if (!words.has(`${topic}-${partition}`)) return false;
    const entry = inForceWhenSettled(evidence, group, partitionKey(topic, partition));
    return entry?.offset != null && isOfFormerLog(evidence, group, entry);
  });
  return isStuck ? FORMER_LOG : null;
}

/** Whether a member was last told to read the partition from a follower that stays dead, or that has been away since. */
function waitsForDead(
  evidence: Evidence,
  { processes, config }: GroupEvidence,
  words: ReadonlySet<string>,
): string | null {
  const { scenario, actions, positions, settled } = evidence;
  const dead = scenario.settling.dead?.brokers ?? [];
  const running = processes.filter((one) => settled !== null && isRunningAt(one, settled.seq));
  const toldLast = running.flatMap(({ process }) =>
    [...(positions.positions.get(process) ?? [])].flatMap(([key, { followers }]) => {
      const { topic, partition } = partitionOf(key);
      return words.has(`${topic}-${partition}`) ? followers.slice(-1) : [];
    }),
  );
  if (toldLast.some(({ broker }) => dead.includes(broker))) return DEAD_FOLLOWER;
  const wasAway = toldLast.some(({ broker, time }) =>
    actions.some(
      ({ action, toTime }) =>
        ((action.kind === 'crash-broker' || action.kind === 'restart-broker') &&
          action.broker === broker &&
          toTime > time) ||
        // Its peers could not reach it, so that it was left out of metadata that the member may still have.
        (action.kind === 'isolate-brokers' &&
          action.brokers.includes(broker) &&
          toTime > time - config.metadataMaxAgeMs),
    ),
  );
  if (wasAway) return RESTARTED_FOLLOWER;
  return running.some(({ process }) => isSentAgain(evidence, process, words)) ? SENT_AGAIN : null;
}

/** Whether the leader has sent the member to one follower, and it has asked the leader again each time, and got nothing. */
const isSentAgain = (
  { history, positions, settled }: Evidence,
  process: string,
  words: ReadonlySet<string>,
) =>
  [...(positions.positions.get(process) ?? [])].some(([key, { followers }]) => {
    const { topic, partition } = partitionOf(key);
    const [first, ...others] = followers.filter(({ seq }) => seq < (settled?.seq ?? 0)).slice(-SENT_MIN);
    return (
      words.has(`${topic}-${partition}`) &&
      first !== undefined &&
      others.length === SENT_MIN - 1 &&
      others.every(({ broker }) => broker === first.broker) &&
      !eventsOf(history, 'delivery').some(
        (event) =>
          event.process === process &&
          event.topic === topic &&
          event.partition === partition &&
          event.seq > first.seq,
      )
    );
  });

/**
 * Why nobody owns the partition that the sentence is about, where that is as it has to be. What a static member that is back
 * subscribes to by now may be more than its assignment was made for, so whatever is without an owner counts (KIP-345).
 */
function undrainedSince(evidence: Evidence, group: GroupEvidence, words: ReadonlySet<string>): string | null {
  const last = lastGeneration(evidence, group);
  if (last === null) return null;
  for (const { topic, partition } of evidence.logs.values()) {
    if (!words.has(`${topic}-${partition}`) || last.owners.has(partitionKey(topic, partition))) continue;
    const why = howMissed(evidence, group, last, { kind: 'unowned', topic, partitions: [partition] });
    if (why !== null) return why;
  }
  return null;
}
