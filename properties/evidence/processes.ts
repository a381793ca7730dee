/**
 * The processes of a run and the actions that hit them: lifecycle events enter, one lifetime per process with how it
 * ended, its stalls and its claims leaves.
 */
import type { EventOf, History } from '../../harness/history/schema.ts';
import { type Action, isLifecycleAction, membersHit, type Scenario } from '../../scenarios/schema.ts';
import { eventsOf } from './by-kind.ts';
import { listAt } from './values.ts';

/** One action of the scenario that was carried out, from its first event to its last. */
export interface AppliedAction {
  readonly action: Action;
  readonly seq: number;
  readonly fromTime: number;
  /** Infinity for a fault that has begun and whose end the history does not show. */
  readonly toTime: number;
  /** False where it was begun and then given up: it may have happened all the same, or in part. */
  readonly isCertain: boolean;
  readonly detail: Readonly<Record<string, string | number>>;
}

export interface ProcessEvidence {
  readonly process: string;
  readonly role: 'member' | 'producer';
  /** The id of the member or producer in the scenario. */
  readonly id: string;
  readonly group: string | null;
  /** The process of the machine that it shares with others; null where it is alone. */
  readonly sharedProcess: string | null;
  readonly startSeq: number;
  readonly startTime: number;
  readonly exit: EventOf<'process-exit'> | null;
  /** The action that told it to end, or null. */
  readonly order: {
    readonly kind: 'crash' | 'leave' | 'terminate';
    readonly seq: number;
    readonly time: number;
  } | null;
  readonly stalls: readonly { readonly seq: number; readonly fromTime: number; readonly toTime: number }[];
  readonly clientCrashes: readonly EventOf<'client-crashed'>[];
  readonly applicationErrors: readonly EventOf<'application-error'>[];
  /** Calls of the consumer's API that the scenario asked for, those that the client refused included. */
  readonly calls: readonly EventOf<'application-call'>[];
  /** Whether anything of its traffic was recorded: a driver in another language may have no tap. */
  readonly hasWire: boolean;
  /** Whether it joined, was given records or committed: what a process with a tap cannot do unseen. */
  readonly hasActed: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Building = Mutable<ProcessEvidence> & {
  stalls: { seq: number; fromTime: number; toTime: number }[];
  clientCrashes: EventOf<'client-crashed'>[];
  applicationErrors: EventOf<'application-error'>[];
  calls: EventOf<'application-call'>[];
};

/** The names in a history's `process` field that are no process of the scenario. */
const BYSTANDERS: ReadonlySet<string> = new Set(['harness', 'coordinator', 'cluster']);

const WIRE_KINDS: ReadonlySet<string> = new Set([
  'wire-join',
  'wire-sync',
  'wire-heartbeat',
  'wire-leave',
  'wire-offset-fetch',
  'wire-list-offsets',
  'wire-fetch-error',
  'wire-read-replica',
  'wire-throttle',
  'commit-invoke',
]);

const DEEDS: ReadonlySet<string> = new Set([
  'client-joined',
  'delivery',
  'processing-begin',
  'application-commit',
]);

const DURATION_KINDS: ReadonlySet<string> = new Set([
  'stall',
  'crash-broker',
  'restart-broker',
  'pause-broker',
  'cut-link',
  'slow-link',
  'pause-partitions',
  'stop-consumer',
  'recreate-topic',
  'throttle-broker',
  'throttle-client',
  'isolate-brokers',
  'isolate-controller',
]);

export function indexActions(history: History, scenario: Scenario): AppliedAction[] {
  const byIndex = new Map<number, EventOf<'action'>[]>();
  for (const event of eventsOf(history, 'action')) listAt(byIndex, event.action).push(event);
  const applied: AppliedAction[] = [];
  for (const [index, events] of byIndex) {
    const action = scenario.actions[index];
    if (action === undefined)
      throw new Error(`the history names action ${index}, which its scenario does not have`);
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined || first.outcome === 'skipped') continue;
    const hasEnded = last.phase === 'end' || !DURATION_KINDS.has(action.kind);
    applied.push({
      action,
      seq: first.seq,
      fromTime: first.time,
      toTime: hasEnded ? last.time : Number.POSITIVE_INFINITY,
      // A stall or a fault that could not be ended has still happened; a request that was refused may not have.
      isCertain: last.outcome === 'applied' || DURATION_KINDS.has(action.kind),
      detail: Object.assign({}, ...events.map((event) => event.detail ?? {})) as AppliedAction['detail'],
    });
  }
  return applied.sort((a, b) => a.seq - b.seq);
}

export function indexProcesses(
  history: History,
  actions: readonly AppliedAction[],
): Map<string, ProcessEvidence> {
  const processes = new Map<string, Building>();
  const byId = new Map<string, Building[]>();
  for (const event of history.events) {
    if (event.kind === 'process-start') {
      const process: Building = {
        process: event.process,
        role: event.role,
        id: event.id,
        group: event.group,
        sharedProcess: event.sharedProcess ?? null,
        startSeq: event.seq,
        startTime: event.time,
        exit: null,
        order: null,
        stalls: [],
        clientCrashes: [],
        applicationErrors: [],
        calls: [],
        hasWire: false,
        hasActed: false,
      };
      processes.set(event.process, process);
      listAt(byId, event.id).push(process);
      continue;
    }
    const process = processes.get(event.process);
    if (process === undefined) {
      if (!BYSTANDERS.has(event.process) && (DEEDS.has(event.kind) || WIRE_KINDS.has(event.kind)))
        throw new Error(`event ${event.seq} is of process '${event.process}', which never started`);
      continue;
    }
    if (event.kind === 'process-exit') process.exit = event;
    else if (event.kind === 'client-crashed') process.clientCrashes.push(event);
    else if (event.kind === 'application-error') process.applicationErrors.push(event);
    else if (event.kind === 'application-call') process.calls.push(event);
    process.hasWire ||= WIRE_KINDS.has(event.kind);
    process.hasActed ||= DEEDS.has(event.kind);
  }
  for (const event of eventsOf(history, 'core')) {
    for (const id of event.deadMembers) {
      const target = byId.get(id)?.at(-1);
      if (target?.exit == null || target.exit.seq > event.seq)
        if (target !== undefined) target.order ??= { kind: 'crash', seq: event.seq, time: event.time };
    }
  }
  for (const { action, seq, fromTime, toTime } of actions) {
    if (action.kind !== 'stall' && !isLifecycleAction(action)) continue;
    for (const id of membersHit(history.start.scenario, action)) {
      // More than one where a member has a twin.
      const running = (byId.get(id) ?? []).filter(
        (process) => process.startSeq < seq && (process.exit === null || process.exit.seq > seq),
      );
      if (action.kind === 'stall') {
        // A twin that shares a process with the one before it stands still along with it.
        const last = running.at(-1);
        for (const process of running)
          if (
            process === last ||
            (process.sharedProcess !== null && process.sharedProcess === last?.sharedProcess)
          )
            process.stalls.push({ seq, fromTime, toTime });
      } else if (action.kind !== 'join')
        for (const process of running) process.order ??= { kind: action.kind, seq, time: fromTime };
    }
  }
  return processes;
}

/** Whether the process runs at this place of the history, by its own start and exit. */
export const isRunningAt = (process: ProcessEvidence, seq: number): boolean =>
  process.startSeq < seq && (process.exit === null || process.exit.seq > seq);

/** Whether a stall of the process overlaps the time span. */
export const isStalledWithin = (process: ProcessEvidence, fromTime: number, toTime: number): boolean =>
  process.stalls.some((stall) => stall.fromTime <= toTime && stall.toTime >= fromTime);

/**
 * Whether it ended by itself because another member that ran in the same process had failed, and nothing of its own had.
 */
export const endedWithMate = (
  processes: ReadonlyMap<string, ProcessEvidence>,
  { process, sharedProcess, exit, applicationErrors }: ProcessEvidence,
): boolean =>
  sharedProcess !== null &&
  exit !== null &&
  exit.signal === null &&
  exit.code !== 0 &&
  applicationErrors.length === 0 &&
  [...processes.values()].some(
    (mate) =>
      mate.process !== process &&
      mate.sharedProcess === sharedProcess &&
      mate.exit?.code === exit.code &&
      mate.applicationErrors.some(({ seq }) => seq < exit.seq),
  );
