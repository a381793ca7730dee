/**
 * A look into a simulated run, as `replay --until` and `--verbose` give it: events, messages and the state at one event
 * enter; lines of text or one JSON document leave. Nothing is cut: whoever asks for messages wants all of them.
 */
import { z } from 'zod';
import type { Plain } from '../harness/cluster/protocol/plain.ts';
import { type HistoryEvent, historyEventSchema } from '../harness/history/schema.ts';
import type { Happening } from '../harness/runner/inspect.ts';
import type { WireMessage } from '../harness/world/simulated/message-tap.ts';
import type { WorldState } from '../harness/world/simulated/world-state.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { count, describeEvent, formatAssignment, formatSeconds } from './describe-event.ts';
import { visible } from './escape.ts';

const counter = z.int().min(0);
const offset = z.string().regex(/^-?\d+$/);
const eventShapes = historyEventSchema.options;

const unansweredSchema = z.strictObject({
  /** When the broker got it. */
  time: z.number(),
  process: z.string().nullable(),
  broker: counter,
  api: z.string(),
  version: z.int(),
  correlationId: z.int(),
});

const messageSchema = unansweredSchema.extend({
  direction: z.enum(['request', 'answer']),
  /** Events of the history that had been recorded before it. */
  eventsBefore: counter,
  bytes: counter,
  /** The fields of its version; errors by name, 64-bit numbers as strings, batches as offset, count and bytes. */
  body: z.json(),
});

const stateSchema = z.strictObject({
  time: z.number(),
  groups: z.array(
    z.strictObject({
      group: z.string(),
      coordinator: counter.nullable(),
      state: z.string(),
      generation: z.int(),
      protocol: z.string().nullable(),
      leaderMemberId: z.string().nullable(),
      members: z.array(
        z.strictObject({
          memberId: z.string(),
          clientId: z.string(),
          groupInstanceId: z.string().nullable(),
          subscription: z.array(z.string()),
          assignment: z.array(z.strictObject({ topic: z.string(), partitions: z.array(counter) })),
          waitsFor: z.enum(['JoinGroup', 'SyncGroup']).nullable(),
        }),
      ),
      committed: z.array(z.strictObject({ topic: z.string(), partition: counter, offset })),
    }),
  ),
  logs: z.array(
    z.strictObject({
      topic: z.string(),
      partition: counter,
      leader: counter.nullable(),
      inSyncReplicas: z.array(counter),
      logStartOffset: offset,
      highWatermark: offset,
      logEndOffset: offset,
    }),
  ),
  brokers: z.array(z.strictObject({ id: counter, phase: z.string(), paused: z.boolean() })),
  processes: z.array(
    z.strictObject({
      id: z.string(),
      process: z.string().nullable(),
      state: z.enum(['not started', 'running', 'stalled', 'closing', 'waiting for its restart', 'ended']),
    }),
  ),
  connections: z.array(
    z.strictObject({
      process: z.string(),
      broker: counter,
      open: counter,
      opening: counter,
      cuts: z.array(z.enum(['to-broker', 'to-process'])),
    }),
  ),
  unanswered: z.array(unansweredSchema),
  pending: z.array(z.strictObject({ owner: z.string(), kind: z.string(), count: counter, inMs: z.number() })),
});

/** A line of what happened: an event of the history, or a message between two of them. */
export const happeningSchema = z.union([
  z.strictObject({ event: z.discriminatedUnion('kind', eventShapes) }),
  z.strictObject({ message: messageSchema }),
]);

export const inspectionSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('replay'),
  world: z.literal('simulated'),
  client: z.strictObject({ name: z.string(), version: z.string() }),
  mutant: z.string().nullable(),
  scenario: z.strictObject({ name: z.string(), seed: counter }),
  /** The event that was asked for, and the `seq` of the one that it is. */
  until: z.strictObject({ asked: z.string(), seq: counter }),
  /** What happened up to it and with it, in order; messages only where they were asked for. */
  happenings: z.array(happeningSchema),
  /** When everything that this event came with had run to its end. */
  state: stateSchema,
});

export type Inspection = z.infer<typeof inspectionSchema>;

/** Pretty, with a line end. */
export const renderInspectionJson = (inspection: Inspection): string =>
  `${JSON.stringify(inspection, null, 2)}\n`;

/** The published schema of what `renderInspectionJson` prints (JSON Schema, draft 2020-12). */
export const inspectionJsonSchema = (): object => ({
  ...z.toJSONSchema(inspectionSchema),
  title: 'Result of kafka-trial replay --until',
});

/** Microseconds are what the simulated world counts in. */
const TIME_DIGITS = 6;
const TIME_WIDTH = 14;
const formatTime = (timeMs: number): string => formatSeconds(timeMs, TIME_DIGITS).padStart(TIME_WIDTH);

/** One line of a transcript, with its line end. */
export const renderHappening = (happening: Happening, scenario: Scenario): string =>
  `${visible(
    'event' in happening
      ? eventLine(happening.event, scenario)
      : `${formatTime(happening.message.time)}  ${messageLine(happening.message)}`,
  )}\n`;

const eventLine = (event: HistoryEvent, scenario: Scenario): string =>
  `${formatTime(event.time)}  event ${event.seq} (${event.kind}): ${describeEvent(event, scenario)}`;

/** One message in words, without its time. */
export const messageLine = (message: WireMessage): string => {
  const { direction, process, broker, bytes, body } = message;
  const way = direction === 'request' ? '->' : '<-';
  const what = body === null ? `${count(bytes, 'byte')} that cannot be decoded` : compact(body);
  return `${process ?? 'a client'} ${way} broker ${broker}  ${nameOf(message)} ${what}`;
};

const nameOf = ({
  api,
  version,
  correlationId,
}: Pick<WireMessage, 'api' | 'version' | 'correlationId'>): string => `${api} v${version} #${correlationId}`;

/** Plain data on one line: `{groupId=g1 topics=[{name=orders partitions=[0, 1]}]}`. */
export function compact(value: Plain): string {
  if (isList(value)) return `[${value.map(compact).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}=${compact(item)}`)
      .join(' ')}}`;
  // Quoted only where it would not be seen where it ends.
  return typeof value === 'string' && !/^[\w.:/-]+$/.test(value) ? JSON.stringify(value) : String(value);
}

const isList = (value: Plain): value is readonly Plain[] => Array.isArray(value);

/** @param event what the event was, in words */
export function renderState(state: WorldState, seq: number, event: string): string {
  const sections: [title: string, lines: string[]][] = [
    ['Groups', state.groups.flatMap(groupLines)],
    ['Logs', state.logs.map(logLine)],
    [
      'Brokers',
      state.brokers.map(({ id, phase, paused }) => `broker ${id}: ${phase}${paused ? ', paused' : ''}`),
    ],
    ['Processes', state.processes.map(({ id, process, state: is }) => `${process ?? id}: ${is}`)],
    ['Connections', state.connections.map(connectionLine)],
    [
      'Requests without an answer',
      state.unanswered.map(
        (request) =>
          `${request.process ?? 'a client'} -> broker ${request.broker}: ${nameOf(request)}, for ${formatSeconds(state.time - request.time, 3)}`,
      ),
    ],
    [
      'Scheduled',
      state.pending.map(
        ({ owner, kind, count: number, inMs }) =>
          `${owner}: ${number} ${kind}, ${inMs < 0 ? 'overdue by' : number === 1 ? 'in' : 'the first in'} ${formatSeconds(Math.abs(inMs), TIME_DIGITS)}`,
      ),
    ],
  ];
  return `\nState at ${formatSeconds(state.time, TIME_DIGITS)}, after event ${seq}: ${visible(event)}\n${sections
    .map(
      ([title, lines]) =>
        `\n${title}\n${(lines.length === 0 ? ['none'] : lines).map((line) => `  ${visible(line)}\n`).join('')}`,
    )
    .join('')}`;
}

function groupLines(group: WorldState['groups'][number]): string[] {
  const { coordinator, protocol, leaderMemberId, members, committed } = group;
  if (coordinator === null) return [`${group.group}: no broker coordinates it at this instant`];
  const offsets = committed.map(({ topic, partition, offset: at }) => `${topic}-${partition} ${at}`);
  return [
    `${group.group}: ${group.state}, generation ${group.generation}, ${protocol ?? 'no protocol'}, coordinated by broker ${coordinator}`,
    ...members.map((member) => {
      const leads = member.memberId === leaderMemberId ? ', group leader' : '';
      const waits = member.waitsFor === null ? '' : `, waits for the answer to its ${member.waitsFor}`;
      const assigned = member.assignment
        .flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`))
        .join(', ');
      return `  ${member.clientId} (${member.memberId}${leads}): ${assigned || formatAssignment([])}${waits}`;
    }),
    `  committed: ${offsets.join(', ') || 'nothing'}`,
  ];
}

const logLine = (log: WorldState['logs'][number]): string =>
  `${log.topic}-${log.partition}: from ${log.logStartOffset} to the end at ${log.logEndOffset}, high watermark ${log.highWatermark}, ` +
  `${log.leader === null ? 'no leader' : `leader ${log.leader}`}, in sync ${log.inSyncReplicas.join(' ')}`;

const connectionLine = ({
  process,
  broker,
  open,
  opening,
  cuts,
}: WorldState['connections'][number]): string =>
  [
    `${process} -> broker ${broker}: ${open} open`,
    ...(opening === 0 ? [] : [`${opening} being opened`]),
    ...cuts.map((direction) => `cut ${direction}`),
  ].join(', ');
