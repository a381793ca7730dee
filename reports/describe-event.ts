/**
 * Says in plain words what an event or an action is: an event of a history and its scenario enter, one sentence
 * without a full stop leaves. The text holds names from outside as they are; each renderer escapes for its own format.
 */
import type {
  Assignment,
  GroupMember,
  HistoryEvent,
  TopicPartitionOffset,
} from '../harness/history/schema.ts';
import { type Action, membersHit, type Scenario } from '../scenarios/schema.ts';

/** Things listed by name before the rest are counted. */
const LISTED_MAX = 6;

/** `3.25 s` of a time in milliseconds. */
export const formatSeconds = (timeMs: number, digits = 2): string => `${(timeMs / 1_000).toFixed(digits)} s`;

/** A duration in the unit that a person would use. */
export const formatDuration = (durationMs: number): string =>
  durationMs < 1_000 ? `${durationMs} ms` : `${Number((durationMs / 1_000).toFixed(1))} s`;

/** `1 record`, `2 records`. */
export const count = (number: number, singular: string, plural = `${singular}s`): string =>
  `${number} ${number === 1 ? singular : plural}`;

/** What the action does, as a noun: `crash of m2`. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'join':
      return `join of ${action.member}`;
    case 'twin':
      return `second start of ${action.member}`;
    case 'leave':
      return `leave of ${action.member}`;
    case 'terminate':
      return `SIGTERM to ${action.member}`;
    case 'crash':
      return `crash of ${action.member}`;
    case 'stall':
      return `stall of ${action.member} for ${formatDuration(action.durationMs)}`;
    case 'seek':
      return `seek of ${action.member} to ${formatSought(action.offset)} of ${action.topic}-${action.partition}`;
    case 'pause-partitions':
      return `${action.member} pausing ${action.topic}${action.partitions === null ? '' : `-${action.partitions.join(', ')}`} for ${formatDuration(action.durationMs)}`;
    case 'stop-consumer':
      return `stop of the consumer in ${action.member} for ${formatDuration(action.durationMs)}`;
    case 'commit':
      return `commit by ${action.member} outside its handler`;
    case 'position':
      return `question of ${action.member} for its position in ${action.topic}-${action.partition}`;
    case 'committed':
      return `question of ${action.member} for the committed offset of ${action.topic}-${action.partition}`;
    case 'crash-producer':
      return `crash of producer ${action.producer}`;
    case 'crash-broker':
      return `crash of broker ${action.broker} for ${formatDuration(action.durationMs)}`;
    case 'restart-broker':
      return `clean restart of broker ${action.broker}, down for ${formatDuration(action.durationMs)}`;
    case 'pause-broker':
      return `pause of broker ${action.broker} for ${formatDuration(action.durationMs)}`;
    case 'cut-link':
      return `cut between ${describeLink(action.link)}${action.direction === 'both' ? '' : `, ${action.direction.replace('-', ' the ')} only,`} for ${formatDuration(action.durationMs)}`;
    case 'slow-link':
      return `slow network between ${describeLink(action.link)} for ${formatDuration(action.durationMs)}`;
    case 'reset-link':
      return `${action.ending === 'reset' ? 'reset of the connections' : 'half-open connections'} between ${describeLink(action.link)}`;
    case 'add-partitions':
      return `growth of ${action.topic} to ${count(action.partitions, 'partition')}`;
    case 'delete-records':
      return `deletion of ${action.percent} % of ${action.topic}-${action.partition}`;
    case 'compact-topic':
      return `compaction of ${action.topic}`;
    case 'delete-offsets':
      return `deletion of the offsets of ${action.group} for ${action.topic}`;
    case 'alter-offsets':
      return `offset ${action.offset} set for ${action.group} in ${action.topic}-${action.partition}`;
    case 'recreate-topic':
      return `deletion of ${action.topic}, and its creation ${formatDuration(action.durationMs)} later`;
    case 'answer-error':
      return `${count(action.times, `${action.api} request`)} of ${action.process ?? 'any process'} answered with ${action.error}`;
    case 'move-leader':
      return `move of the leader of ${action.topic}-${action.partition}`;
    case 'move-coordinator':
      return `move of the coordinator of ${action.group}`;
    case 'throttle-broker':
      return `delay of ${formatDuration(action.delayMs)} for each request to broker ${action.broker} for ${formatDuration(action.durationMs)}`;
    case 'throttle-client':
      return `quota of ${describeQuotas(action.quotas)} for ${action.process ?? 'every process'} for ${formatDuration(action.durationMs)}`;
    case 'isolate-brokers':
      return `cut between brokers ${action.brokers.join(' and ')} for ${formatDuration(action.durationMs)}`;
    case 'isolate-controller':
      return `cut between broker ${action.broker} and the controller for ${formatDuration(action.durationMs)}`;
  }
}

const formatSought = (offset: number): string =>
  offset === -2 ? 'the beginning' : offset === -1 ? 'the end' : `offset ${offset}`;

export const describeQuotas = ({
  consumerBytesPerSecond,
  producerBytesPerSecond,
  requestPercent,
}: Extract<Action, { kind: 'throttle-client' }>['quotas']): string =>
  [
    ...(consumerBytesPerSecond === undefined ? [] : [`${consumerBytesPerSecond} bytes/s to read`]),
    ...(producerBytesPerSecond === undefined ? [] : [`${producerBytesPerSecond} bytes/s to write`]),
    ...(requestPercent === undefined ? [] : [`${requestPercent} % of a thread`]),
  ].join(' and ');

export const describeLink = ({ process, broker }: { process: string; broker: number | null }): string =>
  `${process} and ${broker === null ? 'all brokers' : `broker ${broker}`}`;

/** What an action does to others than the one it names, since they run in the same process; empty where there are none. */
export function describeMates(action: Action, scenario: Scenario): string {
  if (!('member' in action)) return '';
  const mates = membersHit(scenario, action).filter((id) => id !== action.member);
  return mates.length === 0 ? '' : `, with ${list(mates)} in the same process`;
}

/** One sentence for one event. */
export function describeEvent(event: HistoryEvent, scenario: Scenario): string {
  const who = event.process;
  switch (event.kind) {
    case 'start':
      return `the run began: ${event.client.name} ${event.client.version}${
        event.mutant === null ? '' : `, broken on purpose (${event.mutant}),`
      } in the ${event.world} world`;
    case 'finish':
      return event.incomplete.length === 0
        ? 'the run ended'
        : `the run ended, with evidence missing: ${list(event.incomplete)}`;
    case 'process-start':
      return describeProcessStart(event);
    case 'process-exit':
      return describeExit(event);
    case 'process-frozen':
      return `${who} began to compute without end, and heard nothing any more`;
    case 'action':
      return describeActionEvent(event, scenario);
    case 'core':
      return `killed for good: ${list([...event.deadMembers, ...event.deadBrokers.map((id) => `broker ${id}`)]) || 'nothing'}`;
    case 'heal':
      return 'all faults were over and all producers done: from here on the groups had to converge';
    case 'settled':
      return event.undrained.length === 0
        ? 'settling ended, everything drained'
        : `settling ended, not drained: ${list(event.undrained)}`;

    case 'client-joined':
      return `${who} said that it joined ${event.group}${event.leader ? ' as group leader' : ''} with ${formatAssignment(event.assignment)}`;
    case 'client-assigned':
      return `${who} assigned itself ${formatAssignment(event.assignment)}, in the name of ${event.group}`;
    case 'client-rebalancing':
      return `${who} said that ${event.group} was rebalancing`;
    case 'client-crashed':
      return `${who} said that its consumer crashed${event.restart ? ' and would restart' : ' for good'}: ${event.error}`;
    case 'client-stopped':
      return `${who} said that its consumer stopped`;
    case 'application-error':
      return `${event.call} failed in ${who}: ${event.error}`;

    case 'application-call':
      return `the application in ${who} called ${event.call}${event.topic === null ? '' : ` for ${event.topic}${event.partitions === null ? '' : `-${event.partitions.join(', ')}`}`}${event.offset === null ? '' : `: ${formatSought(Number(event.offset))}`}`;
    case 'application-call-end':
      return event.outcome === 'applied'
        ? `the call of ${event.call} in ${who} was done${event.answer === undefined ? '' : `, and answered ${event.answer ?? 'that there is none'}`}`
        : `the call of ${event.call} in ${who} was not done${because(event.reason)}`;

    case 'delivery':
      return `${who} was given ${formatOffsets(event.offsets)} of ${event.topic}-${event.partition}`;
    case 'processing-begin':
      return `${who} began to process offset ${event.offset} of ${event.topic}-${event.partition}${
        event.record === null ? '' : ` (${event.record})`
      }`;
    case 'processing-end':
      return event.outcome === 'ok'
        ? `${who} finished offset ${event.offset} of ${event.topic}-${event.partition}`
        : `the handler of ${who} threw at offset ${event.offset} of ${event.topic}-${event.partition}`;
    case 'application-commit':
      return `the application in ${who} asked to commit ${formatPositions(event.offsets)}`;
    case 'application-commit-end':
      return `the application in ${who} was told that its commit ${outcomeWords[event.outcome]}${because(event.error)}`;

    case 'wire-join':
      return event.error === null
        ? `the coordinator let ${who} join generation ${event.generation} of ${event.group}${
            event.leaderMemberId === event.memberId ? ' as group leader' : ''
          }`
        : `the coordinator refused the join of ${who} to ${event.group}: ${event.error}`;
    case 'wire-sync':
      return event.error === null
        ? `the coordinator gave ${who} ${formatAssignment(event.assignment)} in generation ${event.generation} of ${event.group}`
        : `the coordinator refused the sync of ${who} in generation ${event.generation} of ${event.group}: ${event.error}`;
    case 'wire-heartbeat':
      return `the coordinator answered a heartbeat of ${who} in ${event.group} with ${event.error}`;
    case 'wire-leave':
      return `${who} told the coordinator that it leaves ${event.group}`;
    case 'wire-offset-fetch':
      return event.error === null
        ? `${who} read its committed offsets: ${list(
            event.offsets.map((one) => `${one.topic}-${one.partition} ${one.offset ?? 'none'}`),
          )}`
        : `the coordinator refused to tell ${who} the committed offsets of ${event.group}: ${event.error}`;
    case 'wire-list-offsets':
      return event.error === null
        ? `${who} asked for the ${event.at} offset of ${event.topic}-${event.partition}: ${event.offset ?? 'none'}`
        : `${who} asked for the ${event.at} offset of ${event.topic}-${event.partition} and got ${event.error}`;
    case 'wire-fetch-error':
      return `${who} fetched ${event.topic}-${event.partition} from offset ${event.offset} and got ${event.error}`;
    case 'wire-read-replica':
      return `${who} was told to read ${event.topic}-${event.partition} from broker ${event.broker}`;
    case 'wire-throttle':
      return `${who} was told by the answer to its ${event.api} to wait for ${formatDuration(event.throttleTimeMs)}`;
    case 'commit-invoke':
      return `${who} sent a commit of ${formatPositions(event.offsets)}${
        event.generation < 0 ? '' : ` in generation ${event.generation}`
      }`;
    case 'commit-ok':
      return `${who} was told that its commit ${event.commit} was accepted`;
    case 'commit-fail':
      return `the coordinator refused commit ${event.commit} of ${who}: ${list(
        event.errors.map((one) => `${one.topic}-${one.partition} ${one.error}`),
      )}`;
    case 'commit-unknown':
      return `${who} will never know what became of its commit ${event.commit}: ${event.reason}`;

    case 'produce-invoke':
      return `${who} sent ${formatRecords(event.records.map((one) => one.record))} to ${event.topic} with acks ${event.acks}`;
    case 'transaction':
      return `${who} ${event.call === 'begin' ? 'began' : event.call === 'commit' ? 'commits' : 'aborts'} transaction ${event.transaction}`;
    case 'transaction-end':
      return event.outcome === 'ok'
        ? `${who} has ${event.ending === 'commit' ? 'committed' : 'aborted'} transaction ${event.transaction}`
        : `${who} was told that it could not ${event.ending} transaction ${event.transaction}: ${event.error}`;
    case 'produce-ok':
      return `${who} was told that its send ${event.produce} was written${
        event.answers.length === 0
          ? ''
          : ` (${list(event.answers.map((one) => `partition ${one.partition} from offset ${one.baseOffset}`))})`
      }`;
    case 'produce-fail':
      return `the broker refused send ${event.produce} of ${who}: ${event.error}`;
    case 'produce-unknown':
      return `${who} does not know whether its send ${event.produce} was written: ${event.error}`;
    case 'producer-close':
      return event.phase === 'begin' ? `${who} began to close` : `${who} closed${because(event.error)}`;

    case 'group-generation':
      return event.state === 'empty'
        ? `${event.group} was empty in generation ${event.generation}`
        : `generation ${event.generation} of ${event.group} was stable: ${formatMembers(event.members)}`;
    case 'group-removed':
      return `the coordinator forgot ${event.group}`;
    case 'commit-accepted':
      return `the coordinator accepted the commit of offset ${event.offset}, the next to read, of ${event.topic}-${event.partition} for group ${event.group}`;
    case 'commit-removed':
      return `the coordinator dropped the committed offset of ${event.topic}-${event.partition} for group ${event.group}`;

    case 'commit-rejected':
      return `the coordinator of ${event.group} refused to commit offset ${event.offset} of ${event.topic}-${event.partition}: ${event.error}`;
    case 'unclean-election':
      return `broker ${event.broker} was elected leader of ${event.topic}-${event.partition} though it was behind`;
    case 'error-answered':
      return `broker ${event.broker} answered ${event.client === '' ? 'a client' : event.client} with ${event.error} to ${event.api}, as ordered`;
    case 'fact-log':
      return `at the end ${event.topic}-${event.partition} held offsets ${event.logStartOffset} up to, not including, ${event.logEndOffset}`;
    case 'fact-committed':
      return event.offset === null
        ? `at the end ${event.group} had no committed offset for ${event.topic}-${event.partition}`
        : `at the end ${event.group} had committed offset ${event.offset} of ${event.topic}-${event.partition}`;
    case 'fact-group':
      return `at the end ${event.group} was ${event.state}: ${formatMembers(event.members)}`;
  }
}

const outcomeWords = { ok: 'succeeded', failed: 'failed', unknown: 'may or may not have succeeded' } as const;

const because = (error: string | null): string => (error === null ? '' : `: ${error}`);

function describeProcessStart(event: Extract<HistoryEvent, { kind: 'process-start' }>): string {
  const what = event.role === 'producer' ? `producer ${event.id}` : event.id;
  const where = event.group === null ? '' : ` in group ${event.group}`;
  const beside = event.sharedProcess === undefined ? '' : `, in the shared process ${event.sharedProcess}`;
  return event.incarnation === 1
    ? `${what} started as ${event.process}${where}${beside}`
    : `${what} started again as ${event.process}${where}${beside}`;
}

function describeExit(event: Extract<HistoryEvent, { kind: 'process-exit' }>): string {
  if (event.signal === 'SIGKILL') return `${event.process} was killed (SIGKILL)`;
  if (event.signal !== null) return `${event.process} was ended by ${event.signal}`;
  return event.code === 0
    ? `${event.process} ended by itself`
    : `${event.process} ended with exit code ${event.code}`;
}

function describeActionEvent(event: Extract<HistoryEvent, { kind: 'action' }>, scenario: Scenario): string {
  const action = scenario.actions[event.action];
  const what =
    action === undefined ? event.actionKind : `${describeAction(action)}${describeMates(action, scenario)}`;
  const details = Object.entries(event.detail ?? {}).map(([name, value]) => `${name} ${value}`);
  const detail = details.length === 0 ? '' : ` (${list(details)})`;
  if (event.outcome === 'skipped') return `skipped: ${what}${detail}${because(event.reason)}`;
  if (event.phase === 'end') return `over: ${what}${detail}`;
  return `fault or action: ${what}${detail}`;
}

/** `orders-0, orders-1, payments-2`, or `nothing`. */
export const formatAssignment = (assignment: Assignment): string =>
  list(assignment.flatMap((one) => one.partitions.map((partition) => `${one.topic}-${partition}`))) ||
  'nothing';

const formatMembers = (members: readonly GroupMember[]): string =>
  members.length === 0
    ? 'no members'
    : members
        .map(
          ({ process, clientId, assignment }) =>
            `${process ?? clientId} with ${formatAssignment(assignment)}`,
        )
        .join('; ');

const formatPositions = (offsets: readonly TopicPartitionOffset[]): string =>
  list(offsets.map((one) => `offset ${one.offset} of ${one.topic}-${one.partition}`)) || 'nothing';

const formatRecords = (records: readonly string[]): string =>
  records.length === 1 ? `record ${records[0]}` : `${count(records.length, 'record')} (${span(records)})`;

/** `offset 3`, or `offsets 3 to 17 (15 records)`. */
export const formatOffsets = (offsets: readonly string[]): string =>
  offsets.length === 1
    ? `offset ${offsets[0]}`
    : `offsets ${span(offsets)} (${count(offsets.length, 'record')})`;

const span = (items: readonly string[]): string =>
  items.length === 0 ? '' : `${items[0]} to ${items.at(-1)}`;

function list(items: readonly string[]): string {
  const shown = items.slice(0, LISTED_MAX);
  const rest = items.length - shown.length;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`;
}
