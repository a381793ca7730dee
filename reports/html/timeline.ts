/**
 * Who owned what when: a history enters, a model of lanes leaves that knows nothing of pixels: per group the owners of
 * each partition as the coordinator saw them, what each member was doing, rebalances, work done and commits; and the
 * faults over all of them.
 */
import type { EventOf, GroupMember, History, HistoryEvent } from '../../harness/history/schema.ts';
import { membersHit, type Scenario } from '../../scenarios/schema.ts';
import { describeAction, describeLink, describeMates } from '../describe-event.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How an owner of a partition, or a member, was doing. */
export type Condition = 'alive' | 'stalled' | 'dead';

/** One stretch of a partition's lane in which nothing changes. */
export interface OwnershipSpan extends Span {
  /** `before`: no generation yet; `rebalance`: between two; `none`: a stable generation that left it out. */
  readonly kind: 'before' | 'rebalance' | 'none' | 'owned';
  /** Process ids; two or more where the coordinator gave the partition away twice. */
  readonly owners: readonly { readonly process: string; readonly condition: Condition }[];
  readonly generation: number | null;
}

/** Work on one record: processing from its beginning to its end (or the end of the process). */
export interface WorkSpan extends Span {
  readonly process: string;
  /** The record had been processed in this group before. */
  readonly again: boolean;
  /** The coordinator's generation did not give the partition to this process at that moment. */
  readonly foreign: boolean;
}

export interface CommitMark {
  readonly timeMs: number;
  readonly kind: 'accepted' | 'refused' | 'removed';
  readonly text: string;
}

export interface PartitionLane {
  readonly topic: string;
  readonly partition: number;
  readonly ownership: readonly OwnershipSpan[];
  readonly deliveries: readonly { readonly timeMs: number; readonly process: string }[];
  readonly work: readonly WorkSpan[];
  readonly commits: readonly CommitMark[];
}

/**
 * `expelled`: its process runs, but the coordinator's generation no longer counts it; `left`: the same, after the member
 * itself had told the coordinator that it leaves.
 */
export type MemberState =
  | 'dead'
  | 'joining'
  | 'rebalancing'
  | 'owning'
  | 'idle'
  | 'stalled'
  | 'expelled'
  | 'left';

export interface MemberSpan extends Span {
  readonly state: MemberState;
  /** Null before the first incarnation and between two. */
  readonly process: string | null;
}

export interface MemberLane {
  readonly member: string;
  readonly spans: readonly MemberSpan[];
  readonly exits: readonly {
    readonly timeMs: number;
    readonly process: string;
    readonly violent: boolean;
    readonly text: string;
  }[];
}

export interface GenerationMark {
  readonly timeMs: number;
  readonly generation: number;
  readonly members: number;
  readonly seq: number;
}

export interface GroupLanes {
  readonly group: string;
  readonly partitions: readonly PartitionLane[];
  readonly members: readonly MemberLane[];
  readonly generations: readonly GenerationMark[];
  readonly rebalances: readonly Span[];
}

export interface Fault extends Span {
  /** Index of the action in the scenario. */
  readonly action: number;
  readonly label: string;
  readonly text: string;
  readonly lasting: boolean;
  readonly skipped: boolean;
  /** The group whose member it hits, or null where it concerns everything. */
  readonly group: string | null;
  /** `moment`: no fault at all, but a moment of the run that the eye should find. */
  readonly severity: 'planned' | 'fault' | 'moment';
}

export interface Timeline extends Span {
  readonly groups: readonly GroupLanes[];
  readonly faults: readonly Fault[];
  /** Where all faults were over, or null. */
  readonly healMs: number | null;
  readonly settledMs: number | null;
}

/** Room after the end of settling: what follows there is the harness closing everything. */
const TAIL_SHARE = 0.01;

export function timelineOf(history: History): Timeline {
  const { scenario } = history.start;
  const last = history.events.reduce((latest, event) => Math.max(latest, event.time), 0);
  const settledMs = history.events.find((event) => event.kind === 'settled')?.time ?? null;
  const healMs = history.events.find((event) => event.kind === 'heal')?.time ?? null;
  const fromMs = Math.min(0, history.start.time);
  const toMs = Math.max(
    fromMs + 1,
    settledMs === null ? last : settledMs + (settledMs - fromMs) * TAIL_SHARE,
  );
  const span = { fromMs, toMs };
  const processes = processesOf(history, span);
  const byGroup = new Map<string, HistoryEvent[]>();
  for (const event of history.events) {
    if (!('group' in event) || event.group === null) continue;
    const events = byGroup.get(event.group);
    if (events === undefined) byGroup.set(event.group, [event]);
    else events.push(event);
  }
  // Groups of the scenario in its order, then any other that the history knows.
  const names = new Set([...scenario.groups.map((group) => group.id), ...byGroup.keys()]);
  return {
    ...span,
    groups: [...names].map((name) => groupLanes(name, byGroup.get(name) ?? [], scenario, processes, span)),
    faults: faultsOf(history, span),
    healMs,
    settledMs,
  };
}

/** The life of one incarnation of a member. */
interface Process extends Span {
  readonly process: string;
  readonly id: string;
  readonly group: string | null;
  readonly exit: EventOf<'process-exit'> | null;
  readonly stalls: readonly Span[];
}

function processesOf(history: History, whole: Span): Process[] {
  const exits = new Map<string, EventOf<'process-exit'>>();
  for (const event of history.events) if (event.kind === 'process-exit') exits.set(event.process, event);
  const stalls = stallsOf(history, whole);
  return history.events.flatMap((event): Process[] => {
    if (event.kind !== 'process-start') return [];
    const exit = exits.get(event.process) ?? null;
    const span = { fromMs: event.time, toMs: exit?.time ?? Number.POSITIVE_INFINITY };
    const own = (stalls.get(event.id) ?? []).filter(
      (stall) => stall.fromMs < span.toMs && stall.toMs > span.fromMs,
    );
    return [{ ...span, process: event.process, id: event.id, group: event.group, exit, stalls: own }];
  });
}

/** When each member was stopped with SIGSTOP. */
function stallsOf(history: History, whole: Span): Map<string, Span[]> {
  const stalls = new Map<string, Span[]>();
  for (const fault of faultsOf(history, whole)) {
    const action = history.start.scenario.actions[fault.action];
    if (action?.kind !== 'stall') continue;
    for (const id of membersHit(history.start.scenario, action))
      stalls.set(id, [...(stalls.get(id) ?? []), fault]);
  }
  return stalls;
}

function groupLanes(
  group: string,
  events: readonly HistoryEvent[],
  scenario: Scenario,
  processes: readonly Process[],
  whole: Span,
): GroupLanes {
  const own = processes.filter((process) => process.group === group);
  const generations = generationsOf(events);
  const rebalances = rebalancesOf(events, generations, whole);
  const partitions = partitionsOf(group, events, scenario).map(({ topic, partition }) => {
    const ownership = ownershipOf(topic, partition, generations, rebalances, own, whole);
    return { topic, partition, ownership, ...activityOf(topic, partition, events, generations, own) };
  });
  const members = scenario.groups.find((one) => one.id === group)?.members.map((member) => member.id) ?? [];
  const leaves = events.filter((event) => event.kind === 'wire-leave');
  const lanes = [...new Set([...members, ...own.map((process) => process.id)])].map((member) =>
    memberLane(
      member,
      own.filter((process) => process.id === member),
      generations,
      rebalances,
      leaves,
      whole,
    ),
  );
  return {
    group,
    partitions,
    members: lanes,
    generations: generations.flatMap(({ timeMs, generation, members: all, seq }) =>
      generation === null || timeMs > whole.toMs ? [] : [{ timeMs, generation, members: all.length, seq }],
    ),
    rebalances,
  };
}

/** A generation, or (with `generation` null) the moment at which the coordinator forgot the group. */
interface Generation {
  readonly timeMs: number;
  readonly seq: number;
  readonly generation: number | null;
  readonly members: readonly GroupMember[];
}

const generationsOf = (events: readonly HistoryEvent[]): Generation[] =>
  events.flatMap((event): Generation[] => {
    if (event.kind === 'group-generation')
      return [{ timeMs: event.time, seq: event.seq, generation: event.generation, members: event.members }];
    return event.kind === 'group-removed'
      ? [{ timeMs: event.time, seq: event.seq, generation: null, members: [] }]
      : [];
  });

/**
 * From the first sign that a rebalance had begun to the generation that ended it. The coordinator's log holds only
 * the end, so the beginning is what the members saw first.
 */
function rebalancesOf(
  events: readonly HistoryEvent[],
  generations: readonly Generation[],
  whole: Span,
): Span[] {
  const signs = events.filter(
    (event) =>
      event.kind === 'client-rebalancing' ||
      event.kind === 'wire-leave' ||
      (event.kind === 'wire-heartbeat' && event.error === 'REBALANCE_IN_PROGRESS'),
  );
  return generations.flatMap((generation, index) => {
    if (generation.members.length === 0) return [];
    const toMs = generations[index + 1]?.timeMs ?? whole.toMs;
    const sign = signs.find((event) => event.time > generation.timeMs && event.time < toMs);
    return sign === undefined ? [] : [{ fromMs: sign.time, toMs }];
  });
}

function partitionsOf(
  group: string,
  events: readonly HistoryEvent[],
  scenario: Scenario,
): { topic: string; partition: number }[] {
  const found = new Map<string, Set<number>>();
  const add = (topic: string, partition: number): void => {
    const partitions = found.get(topic);
    if (partitions === undefined) found.set(topic, new Set([partition]));
    else partitions.add(partition);
  };
  for (const event of events) {
    if (event.kind === 'delivery' || event.kind === 'processing-begin' || event.kind === 'commit-accepted')
      add(event.topic, event.partition);
    if (event.kind === 'group-generation')
      for (const member of event.members)
        for (const { topic, partitions } of member.assignment) for (const one of partitions) add(topic, one);
  }
  // What the scenario promises belongs in the picture even where nobody ever owned it.
  const subscribed = scenario.groups.find((one) => one.id === group)?.topics ?? [];
  for (const topic of scenario.topology.topics)
    if (subscribed.includes(topic.name))
      for (let partition = 0; partition < topic.partitions; partition += 1) add(topic.name, partition);
  const order = new Map(subscribed.map((topic, index) => [topic, index]));
  const place = (topic: string): number => order.get(topic) ?? order.size;
  return [...found]
    .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
    .flatMap(([topic, partitions]) =>
      [...partitions].sort((a, b) => a - b).map((partition) => ({ topic, partition })),
    );
}

const processOf = ({ process, clientId }: GroupMember): string => process ?? clientId;

const ownersIn = (generation: Generation, topic: string, partition: number): string[] =>
  generation.members
    .filter((member) =>
      member.assignment.some((one) => one.topic === topic && one.partitions.includes(partition)),
    )
    .map(processOf);

/** The generation in force at a moment, or undefined before the first. */
const generationAt = (generations: readonly Generation[], timeMs: number): Generation | undefined =>
  generations.findLast((generation) => generation.timeMs <= timeMs);

function ownershipOf(
  topic: string,
  partition: number,
  generations: readonly Generation[],
  rebalances: readonly Span[],
  processes: readonly Process[],
  whole: Span,
): OwnershipSpan[] {
  const pieces = piecesBetween(whole, [
    ...generations.map((generation) => generation.timeMs),
    ...rebalances.flatMap(ends),
    ...processes.flatMap((process) => [process.toMs, ...process.stalls.flatMap(ends)]),
  ]).map((piece): OwnershipSpan => {
    const generation = generationAt(generations, piece.fromMs);
    const common = { ...piece, generation: generation?.generation ?? null };
    const owners =
      generation === undefined
        ? []
        : ownersIn(generation, topic, partition).map((process) => ({
            process,
            condition: conditionAt(
              processes.find((one) => one.process === process),
              piece.fromMs,
            ),
          }));
    const known = generations.some(
      (one) => one.timeMs <= piece.fromMs && ownersIn(one, topic, partition).length > 0,
    );
    if (rebalances.some((span) => span.fromMs <= piece.fromMs && piece.fromMs < span.toMs))
      return { ...common, kind: known ? 'rebalance' : 'before', owners: [] };
    if (owners.length > 0) return { ...common, kind: 'owned', owners };
    // A group without members owns nothing, and owes nothing either.
    return {
      ...common,
      kind: known && (generation?.members.length ?? 0) > 0 ? 'none' : 'before',
      owners: [],
    };
  });
  return mergeNeighbours(pieces, (span) => [span.kind, span.generation, span.owners]);
}

const conditionAt = (process: Process | undefined, timeMs: number): Condition => {
  if (process === undefined) return 'alive';
  if (timeMs >= process.toMs) return 'dead';
  return process.stalls.some((stall) => stall.fromMs <= timeMs && timeMs < stall.toMs) ? 'stalled' : 'alive';
};

function activityOf(
  topic: string,
  partition: number,
  events: readonly HistoryEvent[],
  generations: readonly Generation[],
  processes: readonly Process[],
): Pick<PartitionLane, 'deliveries' | 'work' | 'commits'> {
  const deliveries: { timeMs: number; process: string }[] = [];
  const work: WorkSpan[] = [];
  const commits: CommitMark[] = [];
  const seen = new Set<string>();
  const open = new Map<string, { fromMs: number; again: boolean }>();
  const invoked = new Map<string, EventOf<'commit-invoke'>>();
  const close = (process: string, offset: string, toMs: number): void => {
    const begun = open.get(`${process} ${offset}`);
    if (begun === undefined) return;
    open.delete(`${process} ${offset}`);
    const generation = generationAt(generations, begun.fromMs);
    const foreign = generation !== undefined && !ownersIn(generation, topic, partition).includes(process);
    work.push({ ...begun, toMs, process, foreign });
  };
  for (const event of events) {
    if (event.kind === 'commit-invoke') invoked.set(`${event.process} ${event.commit}`, event);
    if (event.kind === 'commit-fail')
      for (const refused of event.errors)
        if (refused.topic === topic && refused.partition === partition) {
          const position = invoked
            .get(`${event.process} ${event.commit}`)
            ?.offsets.find((one) => one.topic === topic && one.partition === partition)?.offset;
          const text = `commit of offset ${position ?? '?'} by ${event.process} refused: ${refused.error}`;
          commits.push({ timeMs: event.time, kind: 'refused', text });
        }
    if (!('topic' in event && 'partition' in event)) continue;
    if (event.topic !== topic || event.partition !== partition) continue;
    if (event.kind === 'delivery') deliveries.push({ timeMs: event.time, process: event.process });
    if (event.kind === 'processing-begin') {
      open.set(`${event.process} ${event.offset}`, { fromMs: event.time, again: seen.has(event.offset) });
      seen.add(event.offset);
    }
    if (event.kind === 'processing-end') close(event.process, event.offset, event.time);
    if (event.kind === 'commit-accepted')
      commits.push({ timeMs: event.time, kind: 'accepted', text: `offset ${event.offset} committed` });
    if (event.kind === 'commit-removed')
      commits.push({ timeMs: event.time, kind: 'removed', text: 'committed offset removed' });
  }
  // What a process had begun when it was killed.
  for (const key of [...open.keys()]) {
    const [process = '', offset = ''] = key.split(' ');
    const begun = open.get(key);
    const exitMs = processes.find((one) => one.process === process)?.toMs ?? Number.POSITIVE_INFINITY;
    if (begun !== undefined) close(process, offset, Number.isFinite(exitMs) ? exitMs : begun.fromMs);
  }
  work.sort((a, b) => a.fromMs - b.fromMs);
  return { deliveries, work, commits };
}

function memberLane(
  member: string,
  processes: readonly Process[],
  generations: readonly Generation[],
  rebalances: readonly Span[],
  leaves: readonly EventOf<'wire-leave'>[],
  whole: Span,
): MemberLane {
  const pieces = piecesBetween(whole, [
    ...generations.map((generation) => generation.timeMs),
    ...rebalances.flatMap(ends),
    ...processes.flatMap((process) => [...ends(process), ...process.stalls.flatMap(ends)]),
  ]).map((piece): MemberSpan => {
    const process = processes.findLast((one) => one.fromMs <= piece.fromMs && piece.fromMs < one.toMs);
    if (process === undefined) return { ...piece, state: 'dead', process: null };
    return {
      ...piece,
      process: process.process,
      state: stateAt(process, piece.fromMs, generations, rebalances, leaves),
    };
  });
  const exits = processes.flatMap(({ exit, process }) => {
    if (exit === null || exit.time > whole.toMs) return [];
    const how = exit.signal ?? (exit.code === 0 ? 'ended by itself' : `exit code ${exit.code}`);
    const violent = exit.signal === 'SIGKILL' || (exit.signal === null && exit.code !== 0);
    return [{ timeMs: exit.time, process, violent, text: `${process}: ${how}` }];
  });
  return { member, spans: mergeNeighbours(pieces, (span) => [span.state, span.process]), exits };
}

function stateAt(
  process: Process,
  timeMs: number,
  generations: readonly Generation[],
  rebalances: readonly Span[],
  leaves: readonly EventOf<'wire-leave'>[],
): MemberState {
  if (conditionAt(process, timeMs) === 'stalled') return 'stalled';
  const isIn = (generation: Generation): GroupMember | undefined =>
    generation.members.find((member) => processOf(member) === process.process);
  const generation = generationAt(generations, timeMs);
  const membership = generation === undefined ? undefined : isIn(generation);
  if (membership === undefined) {
    const last = generations.findLast((one) => one.timeMs <= timeMs && isIn(one) !== undefined);
    if (last === undefined) return 'joining';
    const left = leaves.some(
      (leave) => leave.process === process.process && leave.time >= last.timeMs && leave.time <= timeMs,
    );
    return left ? 'left' : 'expelled';
  }
  if (rebalances.some((span) => span.fromMs <= timeMs && timeMs < span.toMs)) return 'rebalancing';
  return membership.assignment.some((one) => one.partitions.length > 0) ? 'owning' : 'idle';
}

function faultsOf(history: History, whole: Span): Fault[] {
  const { scenario } = history.start;
  const groupOf = new Map(
    scenario.groups.flatMap((group) => group.members.map((member) => [member.id, group.id])),
  );
  const ends = new Map<number, EventOf<'action'>>();
  for (const event of history.events)
    if (event.kind === 'action' && event.phase === 'end') ends.set(event.action, event);
  return history.events.flatMap((event): Fault[] => {
    if (event.kind !== 'action' || event.phase !== 'begin') return [];
    const action = scenario.actions[event.action];
    const end = ends.get(event.action);
    // Some actions turn out to be impossible only while they are carried out.
    const skipped = event.outcome === 'skipped' || end?.outcome === 'skipped';
    const reason = event.reason ?? end?.reason ?? null;
    const lasting = action !== undefined && 'durationMs' in action && !skipped;
    const text =
      action === undefined ? event.actionKind : `${describeAction(action)}${describeMates(action, scenario)}`;
    const groups = new Set(
      action === undefined ? [] : membersHit(scenario, action).map((id) => groupOf.get(id) ?? null),
    );
    return [
      {
        fromMs: event.time,
        toMs: lasting ? (end?.time ?? whole.toMs) : event.time,
        action: event.action,
        label: action === undefined ? event.actionKind : labelOf(action),
        text: skipped ? `skipped: ${text}${reason === null ? '' : ` (${reason})`}` : text,
        lasting,
        skipped,
        group: groups.size === 1 ? ([...groups][0] ?? null) : null,
        severity: action?.kind === 'join' || action?.kind === 'leave' ? 'planned' : 'fault',
      },
    ];
  });
}

/** A few words for the picture; the whole sentence is in the tool tip. */
function labelOf(action: Scenario['actions'][number]): string {
  switch (action.kind) {
    case 'join':
    case 'twin':
    case 'leave':
    case 'crash':
    case 'stall':
      return `${action.kind} ${action.member}`;
    case 'seek':
    case 'commit':
    case 'position':
    case 'committed':
      return `${action.kind} ${action.member}`;
    case 'pause-partitions':
      return `pause ${action.topic} in ${action.member}`;
    case 'stop-consumer':
      return `stop consumer of ${action.member}`;
    case 'terminate':
      return `SIGTERM ${action.member}`;
    case 'crash-producer':
      return `crash ${action.producer}`;
    case 'crash-broker':
      return `crash broker ${action.broker}`;
    case 'restart-broker':
      return `restart broker ${action.broker}`;
    case 'pause-broker':
      return `pause broker ${action.broker}`;
    case 'cut-link':
    case 'slow-link':
    case 'reset-link':
      return `${action.kind.replace('-link', '')} ${describeLink(action.link)}`;
    case 'add-partitions':
      return `${action.topic} to ${action.partitions} partitions`;
    case 'delete-records':
      return `delete ${action.percent} % of ${action.topic}-${action.partition}`;
    case 'compact-topic':
      return `compact ${action.topic}`;
    case 'delete-offsets':
      return `delete offsets of ${action.topic}`;
    case 'alter-offsets':
      return `set offset of ${action.topic}-${action.partition}`;
    case 'recreate-topic':
      return `recreate ${action.topic}`;
    case 'answer-error':
      return `${action.api} ${action.error}`;
    case 'move-leader':
      return `move leader of ${action.topic}-${action.partition}`;
    case 'move-coordinator':
      return `move coordinator of ${action.group}`;
    case 'throttle-broker':
      return `throttle broker ${action.broker}`;
    case 'throttle-client':
      return `quota for ${action.process ?? 'all'}`;
    case 'isolate-brokers':
      return `cut brokers ${action.brokers.join(' and ')}`;
    case 'isolate-controller':
      return `cut broker ${action.broker} and controller`;
  }
}

const ends = (span: Span): number[] => [span.fromMs, span.toMs];

/** Cuts a span at every boundary inside it. */
function piecesBetween(whole: Span, boundaries: readonly number[]): Span[] {
  const inside = boundaries.filter((time) => time > whole.fromMs && time < whole.toMs);
  const cuts = [...new Set([whole.fromMs, ...inside, whole.toMs])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((fromMs, index) => ({ fromMs, toMs: cuts[index + 1] ?? whole.toMs }));
}

function mergeNeighbours<S extends Span>(spans: readonly S[], whatOf: (span: S) => unknown): S[] {
  const merged: S[] = [];
  for (const span of spans) {
    const previous = merged.at(-1);
    if (previous !== undefined && JSON.stringify(whatOf(previous)) === JSON.stringify(whatOf(span)))
      merged[merged.length - 1] = { ...previous, toMs: span.toMs };
    else merged.push(span);
  }
  return merged;
}
