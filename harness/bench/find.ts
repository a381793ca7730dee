/**
 * Whether generated scenarios find the known bugs by themselves: bugs, a client that has them and a budget enter; after
 * how many scenarios and how much CPU time each was met first leaves. The generator is told nothing.
 */
import { catalogue } from '../../properties/index.ts';
import type { ProfileName } from '../../scenarios/arbitrary.ts';
import { hasBug, knownIssues, nameOf } from '../bugs/known-issues.ts';
import type { NamedBug } from '../bugs/load.ts';
import { inThisThread } from '../runner/unit.ts';
import { describeClient } from '../subject/builds.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';

/** In turn, since a person who looks for bugs does not know which of them is the right one. */
const PROFILES = [
  'default',
  'members',
  'brokers',
  'network',
  'consumer',
  'cluster',
  'resets',
  'transactions',
  'pipelines',
  'everything',
] as const satisfies readonly ProfileName[];

export interface Found {
  readonly id: string;
  readonly client: string;
  /** Scenarios until it was met, that one included, or null where it was not. */
  readonly scenarios: number | null;
  readonly cpuSeconds: number | null;
  /** For `replay`. */
  readonly path: string | null;
}

export interface Search {
  readonly client: string;
  readonly found: readonly Found[];
  readonly scenarios: number;
  readonly cpuSeconds: number;
  /** Illegal anomalies that are none of the known bugs: property, signature and where the first was met. */
  readonly others: ReadonlyMap<string, string>;
}

export interface SearchOptions {
  readonly client: string;
  /** Those that are looked for. */
  readonly bugs: readonly NamedBug[];
  /** All that have a name, which are not new where they show. */
  readonly named: readonly NamedBug[];
  readonly seed: number;
  readonly cpuSecondsMax: number;
  readonly onFound: (found: Found) => void;
  readonly signal: AbortSignal;
}

/** Ends when every bug was met, or the budget is spent. */
export async function search({
  client,
  bugs,
  named,
  seed,
  cpuSecondsMax,
  onFound,
  signal,
}: SearchOptions): Promise<Search> {
  const described = describeClient(client);
  const wanted = bugs.filter((bug) => hasBug(bug, described));
  const known = knownIssues(named, described);
  const found = new Map<string, Found>();
  const others = new Map<string, string>();
  const world = new SimulatedWorld();
  const executor = inThisThread({ world, subject: { client, mutant: null }, properties: catalogue });
  const startedCpu = process.cpuUsage();
  const spent = (): number => {
    const { user, system } = process.cpuUsage(startedCpu);
    return (user + system) / 1_000_000;
  };
  let scenarios = 0;
  while (found.size < wanted.length && spent() < cpuSecondsMax) {
    const profile = PROFILES[scenarios % PROFILES.length] as ProfileName;
    const index = Math.floor(scenarios / PROFILES.length);
    const { verdict } = await executor.execute({ index, seed, profile }, signal);
    scenarios++;
    const path = `${seed}:${index}:${profile}`;
    for (const anomaly of verdict.anomalies.filter(({ policy }) => policy === 'illegal')) {
      const name = known(anomaly, verdict);
      const bug = wanted.find((one) => nameOf(one) === name);
      if (name === null) {
        const kind = `${anomaly.property}: ${anomaly.signature}`;
        if (!others.has(kind)) others.set(kind, path);
      } else if (bug !== undefined && !found.has(bug.id)) {
        const first = { id: bug.id, client, scenarios, cpuSeconds: spent(), path };
        found.set(bug.id, first);
        onFound(first);
      }
    }
  }
  return {
    client,
    found: wanted.map(
      ({ id }) => found.get(id) ?? { id, client, scenarios: null, cpuSeconds: null, path: null },
    ),
    scenarios,
    cpuSeconds: spent(),
    others,
  };
}
