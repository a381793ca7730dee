/**
 * Whether real Kafka and the simulated world agree on a scenario: the end states of simulated runs of it, equal but
 * for the run-time randomness, and the end state of a real run enter; what the real one shows that no simulated one
 * allows, and the other way round, leaves.
 */
import { catalogue } from '../../properties/index.ts';
import type { Producer, Scenario } from '../../scenarios/schema.ts';
import { planSends } from '../client/application/send-plan.ts';
import type { EndState } from './end-state.ts';

export interface Comparison {
  /** The end state is that of the first simulated run, in every part. */
  readonly equal: boolean;
  /** What no simulated run showed, or all of them did and the real one did not; one sentence each. */
  readonly disagreements: readonly string[];
}

/** What the two sides are called in the sentences. */
export interface Names {
  readonly real: string;
  readonly simulated: string;
}
const WORLDS: Names = { real: 'real Kafka', simulated: 'the simulated world' };

/**
 * A real run is one draw of what can happen, so it has to be one of those that the simulated runs draw, part by part.
 * @param simulated at least one; the more there are, the fewer disagreements are chance
 */
export function compareEndStates(
  scenario: Scenario,
  simulated: readonly EndState[],
  real: EndState,
  names = WORLDS,
): Comparison {
  const [first] = simulated;
  if (first === undefined) throw new Error('there is no simulated run to compare with');
  return {
    equal: differences(scenario, [first], real, names).length === 0 && first.outcome === real.outcome,
    disagreements: differences(scenario, simulated, real, names),
  };
}

function differences(
  scenario: Scenario,
  simulated: readonly EndState[],
  real: EndState,
  names: Names,
): string[] {
  return [
    ...verdictDifferences(simulated, real, names),
    ...committedDifferences(simulated, real, names),
    ...recordDifferences(scenario, simulated, real),
    ...actionDifferences(simulated, real, names),
  ];
}

function* verdictDifferences(
  simulated: readonly EndState[],
  real: EndState,
  names: Names,
): Generator<string> {
  if (real.outcome === 'unknown') yield `${names.real} gave no verdict`;
  // A bug of the client is the same code in both worlds, and its window may be too small to be hit again by chance; that
  // the simulated world shows it too is what the bug's own scenario is for.
  for (const finding of real.illegal)
    if (!real.known.has(finding) && !simulated.some(({ illegal }) => illegal.includes(finding)))
      yield `only ${names.real} shows '${finding}'`;
  for (const finding of simulated[0]?.illegal ?? [])
    if (simulated.every(({ illegal }) => illegal.includes(finding)) && !isShown(finding, real))
      yield `only ${names.simulated} shows '${finding}', and always`;
}

const inRealTime = new Map<string, string>(
  catalogue.flatMap(({ id, inRealTime: names = {} }) =>
    Object.entries(names).map(([virtual, real]) => [`${id}: ${virtual}`, `${id}: ${real}`] as const),
  ),
);

/** By its own name, or by the one that it has where a busy machine may be the cause. */
const isShown = (finding: string, { illegal, observed }: EndState): boolean =>
  illegal.includes(finding) || observed.has(inRealTime.get(finding) ?? finding);

function* committedDifferences(
  simulated: readonly EndState[],
  real: EndState,
  names: Names,
): Generator<string> {
  for (const [key, left] of real.uncommitted) {
    const allowed = [...new Set(simulated.map(({ uncommitted }) => uncommitted.get(key) ?? 'missing'))];
    if (!allowed.includes(left) && !liesBetweenStops(simulated, real, key))
      yield `${key}: ${names.real} ends with ${describeLeft(left)}, ${names.simulated} with ${allowed.map(describeLeft).join(' or ')}`;
  }
}

/**
 * Whether the same known bug stopped the group here in simulated runs with the same verdict, in one of them no later, and
 * the group got at least as far in another one, stopped there or not stopped at all: the real run is then another instant of
 * it (see stopped.ts).
 */
function liesBetweenStops(simulated: readonly EndState[], real: EndState, key: string): boolean {
  const bug = real.stopped.get(key);
  if (bug === undefined) return false;
  const leftOf = ({ uncommitted }: EndState): number => Number(uncommitted.get(key));
  const others = simulated
    .filter(({ stopped, outcome }) => stopped.get(key) === bug && outcome === real.outcome)
    .map(leftOf);
  const left = leftOf(real);
  const wentOn = simulated.filter(({ stopped }) => !stopped.has(key)).map(leftOf);
  return others.some((other) => other >= left) && [...others, ...wentOn].some((other) => other <= left);
}

const describeLeft = (left: string): string =>
  left === 'none'
    ? 'nothing committed'
    : left === 'missing'
      ? 'no such partition'
      : `${left} records uncommitted`;

/** Record by record, but for those whose fate depends on the instant at which a fault hits. */
function* recordDifferences(
  scenario: Scenario,
  simulated: readonly EndState[],
  real: EndState,
): Generator<string> {
  const uncertain = uncertainRecords(scenario);
  for (const { name: topic } of scenario.topology.topics) {
    if (scenario.actions.some((action) => action.kind === 'delete-records' && action.topic === topic))
      continue;
    const count = ({ records }: EndState, record: string): number => records.get(topic)?.get(record) ?? 0;
    const all = new Set(
      [real, ...simulated].flatMap(({ records }) => [...(records.get(topic)?.keys() ?? [])]),
    );
    const wrong = [...all].filter(
      (record) =>
        !uncertain.has(record) && !simulated.some((one) => count(one, record) === count(real, record)),
    );
    if (wrong.length > 0)
      yield `${topic}: ${wrong.length} records are in the logs another number of times (${wrong.slice(0, 5).join(', ')})`;
  }
}

/** How far the start of a real process or fault may lie behind its schedule. */
const SCHEDULE_SLACK_MS = 1_500;

/**
 * Those on their way while their producer crashes, or closes and drops what it has not sent, and those sent from the first
 * fault of a broker, or of a link of their producer, on.
 */
function uncertainRecords(scenario: Scenario): Set<string> {
  const uncertain = new Set<string>();
  const brokerFaultMs = Math.min(
    ...scenario.actions.flatMap((action) => ('broker' in action ? [action.atMs] : [])),
  );
  for (const producer of scenario.producers) {
    const crash = scenario.actions.find(
      (action) => action.kind === 'crash-producer' && action.producer === producer.id,
    );
    const sends = [...planSends(producer, 0)];
    const closeMs = sends.at(-1)?.dueMs ?? 0;
    const faultMs = Math.min(
      brokerFaultMs,
      ...scenario.actions.flatMap((action) =>
        'link' in action && action.link.process === producer.id ? [action.atMs] : [],
      ),
    );
    for (const { dueMs, records } of sends) {
      const afterFault = dueMs >= faultMs - SCHEDULE_SLACK_MS;
      const nearCrash = crash !== undefined && Math.abs(dueMs - crash.atMs) <= SCHEDULE_SLACK_MS;
      if (afterFault || nearCrash || isNearClose(producer, dueMs, closeMs))
        for (const { record } of records) uncertain.add(record);
    }
  }
  return uncertain;
}

/** Whether the instant of a close that drops decides over a record: its batch is then about to be sent, or under way. */
function isNearClose(
  { closing, lingerMs = 0, batchBytes }: Producer,
  dueMs: number,
  closeMs: number,
): boolean {
  if (closing !== 'drop') return false;
  const isAboutToLeave = Math.abs(dueMs + lingerMs - closeMs) <= SCHEDULE_SLACK_MS;
  // A small batch may be full, and leave, before its time.
  return isAboutToLeave || (batchBytes !== undefined && closeMs - dueMs <= SCHEDULE_SLACK_MS);
}

function* actionDifferences(simulated: readonly EndState[], real: EndState, names: Names): Generator<string> {
  for (const [index, reason] of real.skipped)
    if (!simulated.some(({ skipped }) => skipped.has(index)))
      yield `only ${names.real} skipped action ${index}: ${reason}`;
  for (const [index, reason] of simulated[0]?.skipped ?? [])
    if (simulated.every(({ skipped }) => skipped.has(index)) && !real.skipped.has(index))
      yield `only ${names.simulated} skipped action ${index}: ${reason}`;
}
