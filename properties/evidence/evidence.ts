/**
 * The one way into a history for checkers: a history enters, everything that can be known from it leaves, indexed
 * once however many checkers ask.
 */
import type { EventOf, History } from '../../harness/history/schema.ts';
import { type Group, isBrokerFault, isOutage, mayRead, type Scenario } from '../../scenarios/schema.ts';
import { throttleMs } from '../../scenarios/settling.ts';
import { eventsOf } from './by-kind.ts';
import { type CommitEntry, type GroupCommits, indexCommits } from './commits.ts';
import { indexConsumption, type PartitionConsumption } from './consumption.ts';
import { type GenerationEvidence, indexGenerations } from './generations.ts';
import { indexLogs, type LogEvidence, topicsWithAllLogs } from './logs.ts';
import { indexPositions, type PositionEvidence, positionsOf } from './positions.ts';
import {
  type AppliedAction,
  indexActions,
  indexProcesses,
  isRunningAt,
  type ProcessEvidence,
} from './processes.ts';
import { indexProducing, type ProducingEvidence } from './producing.ts';
import { indexThrottles, type Span } from './throttles.ts';
import { listAt, partitionKey } from './values.ts';

export interface GroupEvidence {
  readonly id: string;
  readonly config: Group;
  /** The processes of its members, in the order in which they started. */
  readonly processes: readonly ProcessEvidence[];
  readonly generations: readonly GenerationEvidence[];
  readonly commits: GroupCommits;
  /** By partition. */
  readonly consumption: ReadonlyMap<string, PartitionConsumption>;
  /** Whether the traffic of every process that did anything was recorded. */
  readonly hasWire: boolean;
}

export interface Evidence {
  readonly history: History;
  readonly scenario: Scenario;
  readonly actions: readonly AppliedAction[];
  readonly processes: ReadonlyMap<string, ProcessEvidence>;
  /** In the order of the scenario. */
  readonly groups: readonly GroupEvidence[];
  readonly logs: LogEvidence['logs'];
  readonly locations: LogEvidence['locations'];
  /** The topics of which every partition's final log is known: only there is a missing record a lost one. */
  readonly completeTopics: ReadonlySet<string>;
  readonly positions: PositionEvidence;
  readonly producing: ProducingEvidence;
  readonly heal: EventOf<'heal'> | null;
  readonly settled: EventOf<'settled'> | null;
  /** The actions under which requests may have failed: a broker away, a link broken, an error answered on purpose. */
  readonly outages: readonly AppliedAction[];
  /** When any client had been told to wait for the sake of a quota, in order and apart from each other. */
  readonly throttles: readonly Span[];
}

const known = new WeakMap<History, Evidence>();

export function evidenceOf(history: History): Evidence {
  let evidence = known.get(history);
  if (evidence === undefined) {
    evidence = index(history);
    known.set(history, evidence);
  }
  return evidence;
}

const NO_COMMITS: GroupCommits = {
  entries: new Map(),
  requests: [],
  requestsByProcess: new Map(),
  applicationCommits: [],
};

function index(history: History): Evidence {
  const { scenario } = history.start;
  const actions = indexActions(history, scenario);
  const processes = indexProcesses(history, actions);
  const generations = indexGenerations(history);
  const { logs, locations } = indexLogs(history);
  const heal = eventsOf(history, 'heal')[0] ?? null;
  const positions = indexPositions(history, processes, generations);
  const commits = indexCommits(history, generations);
  const consumption = indexConsumption(history, positions, logs);
  const ids = new Set(scenario.groups.map((group) => group.id));
  for (const group of [...generations.keys(), ...commits.keys(), ...consumption.keys()])
    if (!ids.has(group))
      throw new Error(`the history names group '${group}', which its scenario does not have`);
  const processesByGroup = new Map<string, ProcessEvidence[]>();
  for (const process of processes.values())
    if (process.group !== null) listAt(processesByGroup, process.group).push(process);
  const groups = scenario.groups.map((config) => {
    const ofGroup = processesByGroup.get(config.id) ?? [];
    return {
      id: config.id,
      config,
      processes: ofGroup,
      generations: generations.get(config.id) ?? [],
      commits: commits.get(config.id) ?? NO_COMMITS,
      consumption: consumption.get(config.id) ?? new Map(),
      hasWire:
        ofGroup.some((process) => process.hasWire) &&
        ofGroup.every((process) => process.hasWire || !process.hasActed),
    };
  });
  return {
    history,
    scenario,
    actions,
    processes,
    groups,
    logs,
    locations,
    completeTopics: topicsWithAllLogs(scenario, actions, logs),
    positions,
    producing: indexProducing(history, processes),
    heal,
    settled: eventsOf(history, 'settled')[0] ?? null,
    outages: actions
      .filter(({ action }) => isOutage(action))
      // An error on purpose waits for the request that it is for.
      .map((one) => (one.action.kind === 'answer-error' ? { ...one, toTime: heal?.time ?? one.toTime } : one))
      .map((one) => untilReleased(one, scenario, groups)),
    throttles: indexThrottles(history),
  };
}

/** Where nobody has seen how long clients were told to wait, a quota lasts for as long as that may be. */
function untilReleased(
  one: AppliedAction,
  scenario: Scenario,
  groups: readonly Pick<GroupEvidence, 'hasWire' | 'processes'>[],
): AppliedAction {
  const { action, toTime } = one;
  const isSeen = groups.every(
    ({ hasWire, processes }) => hasWire || processes.every((process) => !process.hasActed),
  );
  if (action.kind !== 'throttle-client' || isSeen) return one;
  return { ...one, toTime: toTime + throttleMs(scenario, action) };
}

/** Whether the scenario takes a broker away at any time. */
export const hasBrokerFault = (scenario: Scenario): boolean =>
  scenario.actions.some(isBrokerFault) || (scenario.settling.dead?.brokers.length ?? 0) > 0;

/** Whether anything may be slow, refused or break between a process and a running broker. */
const hasLinkFault = (scenario: Scenario): boolean =>
  scenario.topology.network !== undefined || scenario.actions.some(isOutage);

/** Whether a process may be cut off from a broker at any time: the broker is away, or the link to it breaks. */
export const mayLoseTouch = (scenario: Scenario): boolean =>
  hasBrokerFault(scenario) || hasLinkFault(scenario);

/** When brokers were killed for good, or never. */
const diedAt = ({ history }: Evidence): number =>
  eventsOf(history, 'core').find(({ deadBrokers }) => deadBrokers.length > 0)?.time ??
  Number.POSITIVE_INFINITY;

/** Whether a broker was away, or coming back, a link to one broken, or a client made to wait, at some time in the span. */
export const isOutageWithin = (evidence: Evidence, fromTime: number, toTime: number): boolean =>
  evidence.outages.some((fault) => fault.fromTime <= toTime && fault.toTime >= fromTime) ||
  evidence.throttles.some((span) => span.fromTime <= toTime && span.toTime >= fromTime) ||
  diedAt(evidence) <= toTime;

/** The group's accepted commits of a partition, in coordinator order. */
export const entriesOf = (group: GroupEvidence, key: string): readonly CommitEntry[] =>
  group.commits.entries.get(key) ?? [];

/** What the group had committed of a partition when settling ended. */
export const inForceWhenSettled = (
  { settled }: Evidence,
  group: GroupEvidence,
  key: string,
): CommitEntry | undefined =>
  entriesOf(group, key).findLast(({ time }) => time <= (settled?.time ?? Number.POSITIVE_INFINITY));

/**
 * The partitions that keep a group from working when settling ends: with auto.offset.reset none its members fail at every
 * start where a partition has no committed offset, or one that is not in the log, or is of a former one.
 */
export function partitionsWithoutStart(evidence: Evidence, group: GroupEvidence): string[] {
  if (group.config.autoOffsetReset !== 'none') return [];
  return [...evidence.logs.values()]
    .filter(({ topic }) => group.config.topics.includes(topic))
    .flatMap(({ topic, partition, logStartOffset, logEndOffset }) => {
      const key = partitionKey(topic, partition);
      const entry = inForceWhenSettled(evidence, group, key);
      if (entry?.offset == null || entry.offset < logStartOffset || entry.offset > logEndOffset) return [key];
      return failsAtFormerLog(evidence, group, entry) || wasBeyondEnd(evidence, group, entry) ? [key] : [];
    });
}

/**
 * Whether members of the group run in processes that end again and again, since members of another group, which nobody has
 * told to end, cannot start there.
 */
export const isPulledDown = (evidence: Evidence, group: GroupEvidence): boolean =>
  evidence.groups.some(
    (other) =>
      other !== group &&
      other.config.members.some(
        ({ id, sharedProcess }) =>
          sharedProcess !== undefined &&
          group.config.members.some((member) => member.sharedProcess === sharedProcess) &&
          other.processes.findLast((process) => process.id === id)?.order === null,
      ) &&
      partitionsWithoutStart(evidence, other).length > 0,
  );

/**
 * Whether the offset was committed, or a commit of it was under way, before its topic was deleted and created again, while
 * the coordinator was away that would have removed it, or by a member that had come to it by then and has been handed nothing
 * of the new log: the new log may have it, but not in the epoch that was committed with it.
 */
export function isOfFormerLog(evidence: Evidence, group: GroupEvidence, entry: CommitEntry): boolean {
  const { topic, partition, offset } = entry;
  const first = firstOfItsValue(group, entry);
  const recreation = recreationOf(evidence, topic);
  if (first === undefined || recreation === undefined) return false;
  if (first.time < recreation.fromTime) return true;
  const { request } = first;
  if (request === null) return false;
  // A coordinator that comes back when the topic is there again takes it up then.
  if (request.seq < recreation.seq) return true;
  const key = partitionKey(topic, partition);
  const stretches = group.consumption.get(key)?.stretches ?? [];
  const own = stretches.filter(({ process }) => process === request.process);
  const { fetched, listed } = positionsOf(evidence.positions, request.process, key);
  return (
    own.every(({ lastTime }) => lastTime <= recreation.toTime) &&
    (own.some(({ openSeq }) => openSeq < recreation.seq) ||
      [...fetched, ...listed].some((one) => one.seq < recreation.seq && one.offset === offset))
  );
}

const recreationOf = ({ actions }: Evidence, topic: string): AppliedAction | undefined =>
  actions.findLast(({ action }) => action.kind === 'recreate-topic' && action.topic === topic);

/**
 * Whether members fail at it since: a client that asks for that epoch takes the log for truncated (KIP-320; Java's
 * LogTruncationException).
 */
const failsAtFormerLog = (evidence: Evidence, group: GroupEvidence, entry: CommitEntry): boolean => {
  const { topic, partition } = entry;
  const recreation = recreationOf(evidence, topic);
  return (
    recreation !== undefined &&
    isOfFormerLog(evidence, group, entry) &&
    group.processes.some((process) => failedAt(process, topic, partition, recreation.seq) !== undefined)
  );
};

/**
 * Whether a member had failed at the offset for good, as it lay beyond the log's end, before the log came to reach it: a
 * supervisor that has started it again and again is at its end at some time, and records, of the harness too, go on to be
 * written for the sake of other groups.
 */
function wasBeyondEnd({ producing }: Evidence, group: GroupEvidence, entry: CommitEntry): boolean {
  const { topic, partition, offset } = entry;
  const first = firstOfItsValue(group, entry);
  return group.config.members.some(({ id }) => {
    const last = group.processes.findLast((process) => process.id === id);
    if (first === undefined || offset === null || last?.exit == null || last.order !== null) return false;
    const failure = failedAt(last, topic, partition, first.seq);
    return (
      failure !== undefined &&
      producing.sends.some(
        (send) =>
          send.topic === topic &&
          send.seq > failure.seq &&
          send.answers.some(
            (answer) =>
              answer.partition === partition && answer.baseOffset >= 0 && answer.baseOffset < offset,
          ),
      )
    );
  });
}

/** The first of the commits that the committed offset has been this since: on its way out a member commits what it found. */
function firstOfItsValue(
  group: GroupEvidence,
  { topic, partition, offset }: CommitEntry,
): CommitEntry | undefined {
  const entries = entriesOf(group, partitionKey(topic, partition));
  return entries[entries.findLastIndex((one) => one.offset !== offset) + 1];
}

/** The error about the partition that the process ended with, where it came after this place of the history. */
const failedAt = (
  { applicationErrors }: ProcessEvidence,
  topic: string,
  partition: number,
  afterSeq: number,
): EventOf<'application-error'> | undefined =>
  applicationErrors.findLast(
    ({ seq, error }) => seq > afterSeq && error.split(/[^\w.-]/).includes(`${topic}-${partition}`),
  );

/** The longest that a rebalance waits for a member: the Java client has one setting for it and for the poll interval. */
export const rebalanceWaitMs = ({ rebalanceTimeoutMs, maxPollIntervalMs = 0 }: Group): number =>
  Math.max(rebalanceTimeoutMs, maxPollIntervalMs);

/** Whether the member was started a second time, before this place of the history, while the process ran. */
export const hasTwin = (group: GroupEvidence, process: ProcessEvidence, beforeSeq: number): boolean =>
  group.processes.some(
    ({ id, startSeq }) =>
      id === process.id &&
      startSeq > process.startSeq &&
      startSeq < Math.min(beforeSeq, process.exit?.seq ?? Number.POSITIVE_INFINITY),
  );

/** Whether a second process of the same member ran beside this one before: each of the two may take the place of the other. */
export const hasRival = (group: GroupEvidence, process: ProcessEvidence, beforeSeq: number): boolean =>
  hasTwin(group, process, beforeSeq) ||
  group.processes.some((other) => other.id === process.id && hasTwin(group, other, process.startSeq + 1));

/**
 * The members that the group has to be drained by: processes that run at `heal` (after the last action), that no action has
 * told to end, and that no second process has taken the place of.
 */
export const liveMembers = (evidence: Evidence, group: GroupEvidence): ProcessEvidence[] => {
  const { heal } = evidence;
  if (heal === null) return [];
  return group.processes.filter(
    (process) =>
      isRunningAt(process, heal.seq) && process.order === null && !hasTwin(group, process, heal.seq),
  );
};

/** Whether its live members have to drain the partition: they subscribe to the topic, or have taken it by hand. */
export const hasToBeDrained = (
  evidence: Evidence,
  group: GroupEvidence,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): boolean => liveMembers(evidence, group).some(({ id }) => mayRead(group.config, id, topic, partition));

/** Whether the group had to process everything: the run healed and settled, and members that had joined were there. */
export const hadToDrain = (evidence: Evidence, group: GroupEvidence): boolean =>
  evidence.heal !== null &&
  evidence.settled !== null &&
  partitionsWithoutStart(evidence, group).length === 0 &&
  !isPulledDown(evidence, group) &&
  liveMembers(evidence, group).length > 0 &&
  (group.generations.some((generation) => generation.isStable) ||
    group.processes.some((process) => (evidence.positions.joins.get(process.process)?.length ?? 0) > 0));
