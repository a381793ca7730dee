/**
 * The order in which a scenario is made smaller: a scenario enters, and passes leave, each a way to make it smaller,
 * those that take most away first.
 */
import type { Scenario } from '../schema.ts';
import {
  keepActions,
  keepBrokers,
  keepDead,
  keepGroups,
  keepMembers,
  keepPartitions,
  keepProducers,
  keepTopics,
} from './parts.ts';
import { fewerRecords, plainerConfiguration, rounderTimes, shorterWindows } from './simpler.ts';

/** Resolves to whether the scenario still fails in the same way; then it is the smallest so far. */
export type Attempt = (smaller: Scenario) => Promise<boolean>;

/** Makes the scenario smaller as long as attempts succeed, and returns the smallest. */
export type Pass = (scenario: Scenario, attempt: Attempt) => Promise<Scenario>;

/**
 * Takes out parts of a list: all of them, then halves, quarters and so on down to single ones (Zeller's delta
 * debugging, without its tests of the complements, which the next round makes).
 */
export const dropping =
  (
    list: (scenario: Scenario) => readonly string[],
    keep: (scenario: Scenario, kept: (one: string) => boolean) => Scenario | null,
  ): Pass =>
  async (scenario, attempt) => {
    let best = scenario;
    for (let size = list(best).length; size >= 1; size = Math.floor(size / 2))
      for (let from = 0; from < list(best).length; ) {
        const all = list(best);
        const dropped = new Set(all.slice(from, from + size));
        const smaller = keep(best, (one) => !dropped.has(one));
        if (smaller !== null && (await attempt(smaller))) best = smaller;
        else from += size;
      }
    return best;
  };

/** Tries simpler values, and again from the simplest that still fails, until none does. */
export const simplifying =
  (simpler: (scenario: Scenario) => Iterable<Scenario>): Pass =>
  async (scenario, attempt) => {
    let best = scenario;
    for (;;) {
      const next = await firstThat(simpler(best), attempt);
      if (next === null) return best;
      best = next;
    }
  };

async function firstThat(scenarios: Iterable<Scenario>, attempt: Attempt): Promise<Scenario | null> {
  for (const one of scenarios) if (await attempt(one)) return one;
  return null;
}

/** So many draws of chance are tried for each part that would not go. */
const SEEDS = 4;

/**
 * The same, but each attempt may draw chance anew: where a failure hangs on timing, taking anything away shifts it, and
 * the smaller scenario fails with another seed.
 */
const withOtherSeeds =
  (pass: Pass): Pass =>
  async (scenario, attempt) => {
    let best = scenario;
    await pass(scenario, async (smaller) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const reseeded = { ...smaller, seed };
        if (await attempt(reseeded)) {
          best = reseeded;
          return true;
        }
      }
      return false;
    });
    return best;
  };

/** In the words of `keepDead`. */
const deadOnes = ({ settling: { dead } }: Scenario): string[] => [
  ...(dead?.members ?? []).map((id) => `member ${id}`),
  ...(dead?.brokers ?? []).map((id) => `broker ${id}`),
];

/** An action by its place, since two of them can be alike. */
const actionPlaces = ({ actions }: Scenario): string[] => actions.map((_, i) => String(i));

const memberIds = ({ groups }: Scenario): string[] =>
  groups.flatMap(({ members }) => members.map(({ id }) => id));

function* fewerBrokers(scenario: Scenario): Generator<Scenario> {
  for (let brokers = 1; brokers < scenario.topology.brokers; brokers++) yield keepBrokers(scenario, brokers);
}

function* fewerPartitions(scenario: Scenario): Generator<Scenario> {
  for (const { name, partitions } of scenario.topology.topics)
    for (let gap = partitions - 1; gap > 0; gap = Math.floor(gap / 2))
      yield keepPartitions(scenario, name, partitions - gap);
}

/** Everything that happens after the breach has been proven. */
export const cutAfter =
  (timeMs: number): Pass =>
  async (scenario, attempt) => {
    const cut = keepActions(scenario, ({ atMs }) => atMs <= timeMs);
    const stopped = {
      ...cut,
      producers: cut.producers.map((producer) => ({
        ...producer,
        startMs: Math.min(producer.startMs, Math.floor(timeMs)),
        stopMs: Math.min(producer.stopMs, Math.max(0, Math.floor(timeMs))),
      })),
    };
    for (const one of [stopped, cut]) if (await attempt(one)) return one;
    return scenario;
  };

const droppingGroups = dropping(({ groups }) => groups.map(({ id }) => id), keepGroups);
const droppingMembers = dropping(memberIds, keepMembers);

/** For what is still large when the passes have come to their end. */
export const persistentPasses: readonly Pass[] = [droppingGroups, droppingMembers].map(withOtherSeeds);

/** Again and again in this order, until a whole round has made nothing smaller. */
export const passes: readonly Pass[] = [
  droppingGroups,
  droppingMembers,
  dropping(({ producers }) => producers.map(({ id }) => id), keepProducers),
  dropping(({ topology }) => topology.topics.map(({ name }) => name), keepTopics),
  dropping(deadOnes, keepDead),
  dropping(actionPlaces, (scenario, kept) => keepActions(scenario, (_, i) => kept(String(i)))),
  simplifying(fewerBrokers),
  simplifying(fewerPartitions),
  simplifying(fewerRecords),
  simplifying(plainerConfiguration),
  simplifying(shorterWindows),
  simplifying(rounderTimes),
];
