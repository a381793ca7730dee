/**
 * Simpler values for what is left of a scenario: a scenario enters, scenarios with fewer records, shorter windows,
 * rounder times or plainer configuration leave, the boldest first.
 */
import type { Action, Group, Producer, Scenario } from '../schema.ts';
import { coherent } from './parts.ts';

type Changes<T> = (value: T) => Iterable<T>;

/** Applies changes to one item of a list at a time. */
function* each<T>(items: readonly T[], changes: Changes<T>): Generator<T[]> {
  for (const [i, item] of items.entries())
    for (const changed of changes(item)) yield items.with(i, changed) as T[];
}

export function* fewerRecords(scenario: Scenario): Generator<Scenario> {
  const fewer: Changes<Producer> = function* (producer) {
    for (const records of lower(producer.records, 1)) yield { ...producer, records };
  };
  for (const producers of each(scenario.producers, fewer)) yield coherent({ ...scenario, producers });
}

/** Steps from the lowest value towards a value, half of what is between each time. */
function* lower(value: number, min: number): Generator<number> {
  for (let gap = value - min; gap > 0; gap = Math.floor(gap / 2)) yield value - gap;
}

/** Sending that takes less time or begins earlier, faults that take less time. */
export function* shorterWindows(scenario: Scenario): Generator<Scenario> {
  const shorter: Changes<Producer> = function* (producer) {
    const { startMs, stopMs } = producer;
    for (const lengthMs of lower(stopMs - startMs, 0)) yield { ...producer, stopMs: startMs + lengthMs };
    if (startMs > 0) yield { ...producer, startMs: 0, stopMs: stopMs - startMs };
  };
  for (const producers of each(scenario.producers, shorter)) yield coherent({ ...scenario, producers });
  const briefer: Changes<Action> = function* (action) {
    if (!('durationMs' in action)) return;
    for (const unitMs of [1_000, 500])
      for (const durationMs of lower(action.durationMs, unitMs))
        if (durationMs % unitMs === 0) yield { ...action, durationMs };
  };
  for (const actions of each(scenario.actions, briefer)) yield coherent({ ...scenario, actions });
}

/** The same actions, in the same order, at rounder and earlier times. */
export function* rounderTimes(scenario: Scenario): Generator<Scenario> {
  const { actions, producers } = scenario;
  for (const unitMs of [1_000, 500, 100]) {
    const round = (timeMs: number): number => Math.round(timeMs / unitMs) * unitMs;
    const rounded = actions.map((action) => rounderAction(action, round));
    yield coherent({
      ...scenario,
      actions: inOrder(rounded),
      producers: producers.map((producer) => ({
        ...producer,
        startMs: round(producer.startMs),
        stopMs: Math.max(round(producer.startMs), round(producer.stopMs)),
      })),
    });
    for (const [i, action] of rounded.entries())
      if (action.atMs !== actions[i]?.atMs)
        yield coherent({ ...scenario, actions: inOrder(actions.with(i, action)) });
  }
}

const rounderAction = (action: Action, round: (timeMs: number) => number): Action => ({
  ...action,
  atMs: round(action.atMs),
  ...('durationMs' in action ? { durationMs: Math.max(1, round(action.durationMs)) } : {}),
});

/** By time, those at the same time as they were. */
const inOrder = (actions: readonly Action[]): Action[] => actions.toSorted((a, b) => a.atMs - b.atMs);

/** Everything plain at once, then one thing after the other. */
export function* plainerConfiguration(scenario: Scenario): Generator<Scenario> {
  const changes = [...plainChanges(scenario)];
  const all = changes.reduce((so, change) => change(so), scenario);
  if (changes.length > 1) yield coherent(all);
  for (const change of changes) yield coherent(change(scenario));
}

type Change = (scenario: Scenario) => Scenario;

function* plainChanges(scenario: Scenario): Generator<Change> {
  const { network } = scenario.topology;
  if (network !== undefined)
    yield (one) => {
      const { network: _network, ...topology } = one.topology;
      return { ...one, topology };
    };
  for (const [i, group] of scenario.groups.entries())
    for (const key of Object.keys(PLAIN_GROUP) as (keyof typeof PLAIN_GROUP)[]) {
      const plain = PLAIN_GROUP[key];
      if (JSON.stringify(group[key]) === JSON.stringify(plain)) continue;
      yield (one) => ({ ...one, groups: one.groups.with(i, withKey(one.groups[i] as Group, key, plain)) });
    }
  const shared = scenario.groups.flatMap(({ members }) => members.flatMap((one) => one.sharedProcess ?? []));
  for (const name of new Set(shared)) yield (one) => apart(one, name);
  for (const [i, group] of scenario.groups.entries())
    if (group.members.some(({ clock }) => clock !== undefined))
      yield (one) => {
        const changed = one.groups[i] as Group;
        return {
          ...one,
          groups: one.groups.with(i, {
            ...changed,
            members: changed.members.map(({ clock: _clock, ...member }) => member),
          }),
        };
      };
  for (const [i, producer] of scenario.producers.entries())
    for (const key of Object.keys(PLAIN_PRODUCER) as (keyof typeof PLAIN_PRODUCER)[]) {
      const plain = PLAIN_PRODUCER[key];
      if (JSON.stringify(producer[key]) === JSON.stringify(plain)) continue;
      yield (one) => ({
        ...one,
        producers: one.producers.with(i, withKey(one.producers[i] as Producer, key, plain)),
      });
    }
  for (const [i, action] of scenario.actions.entries())
    if (action.kind === 'throttle-client' && Object.keys(action.quotas).length > 1)
      for (const key of Object.keys(action.quotas) as QuotaKey[])
        yield (one) => ({
          ...one,
          actions: one.actions.with(i, withoutQuota(one.actions[i] as Action, key)),
        });
}

/** As long as another is left. */
function withoutQuota(action: Action, key: QuotaKey): Action {
  if (action.kind !== 'throttle-client') return action;
  const { [key]: _gone, ...quotas } = action.quotas;
  return Object.keys(quotas).length === 0 ? action : { ...action, quotas };
}
type QuotaKey = keyof Extract<Action, { kind: 'throttle-client' }>['quotas'];

/** Each member of a shared process has one to itself. */
const apart = (scenario: Scenario, name: string): Scenario => ({
  ...scenario,
  groups: scenario.groups.map((group) => ({
    ...group,
    members: group.members.map(({ sharedProcess, ...member }) =>
      sharedProcess === undefined || sharedProcess === name ? member : { ...member, sharedProcess },
    ),
  })),
});

/** An optional key whose plain value is `undefined` goes. */
function withKey<T extends object>(value: T, key: keyof T, plain: unknown): T {
  const changed = { ...value, [key]: plain };
  if (plain === undefined) delete changed[key];
  return changed;
}

/** What a reader need not think about; a change that matters is refused by the run. */
const PLAIN_GROUP = {
  handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  partitionsConsumedConcurrently: 1,
  maxPartitionFetchBytes: 1_048_576,
  fetchMaxWaitMs: 200,
  sessionTimeoutMs: 3_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatIntervalMs: 500,
  metadataMaxAgeMs: 300_000,
  consumeMode: 'each-message',
  commitOrder: 'process-then-commit',
  commitMode: { kind: 'auto', intervalMs: null, thresholdRecords: null },
  autoOffsetReset: 'earliest',
  fetchMinBytes: undefined,
  assignors: undefined,
  staticMembership: undefined,
  maxPollRecords: undefined,
  maxPollIntervalMs: undefined,
  isolationLevel: undefined,
  subscription: undefined,
  native: undefined,
  resolvesPartially: undefined,
  onClientCrash: undefined,
} as const satisfies Partial<Record<keyof Group, unknown>>;

const PLAIN_PRODUCER = {
  acks: 'all',
  idempotent: false,
  keys: null,
  recordsPerSend: 1,
  valueBytes: 0,
  lingerMs: undefined,
  batchBytes: undefined,
  closing: undefined,
  native: undefined,
} as const satisfies Partial<Record<keyof Producer, unknown>>;
