/**
 * A soak: clients, profiles and a limit of time or scenarios enter; rounds of generated scenarios run in the simulated
 * world, more of those profiles that reach what is reached least, and what all of them came to leaves.
 */
import { goals } from '../../properties/goals/index.ts';
import { catalogue } from '../../properties/index.ts';
import type { KnownIssueOf, RunResult } from '../../reports/results.ts';
import { type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import type { ClientName } from '../client/clients.ts';
import { runScenarios } from '../runner/runner.ts';
import type { Executor, Plan } from '../runner/unit.ts';
import { describeClient } from '../subject/builds.ts';

export interface SoakOptions {
  readonly clients: readonly ClientName[];
  readonly profiles: readonly ProfileName[];
  readonly seed: number;
  /** Null without a limit. */
  readonly timeMs: number | null;
  readonly scenariosMax: number | null;
  readonly scenariosPerRound: number;
  readonly jobs: number;
  /** Tells what is known of a client from what is new; left out, everything is new. */
  readonly knownIssueOf?: (client: ClientName) => KnownIssueOf;
  /** Where a client's scenarios are run. */
  readonly executorOf: (client: ClientName) => Executor;
  readonly onProgress: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/** What a client and a profile came to. */
export interface SoakPart {
  readonly client: ClientName;
  readonly profile: ProfileName;
  scenarios: number;
  invalid: number;
  unknown: number;
  /** By goal: how many scenarios reached it. */
  readonly goals: Map<string, number>;
}

/** Anomalies of one kind under one client. */
export interface SoakFinding {
  readonly client: ClientName;
  readonly property: string;
  readonly signature: string;
  readonly policy: 'illegal' | 'observed';
  /** The known issue that it is, or null for a new one. */
  readonly known: string | null;
  anomalies: number;
  /** A scenario that shows it, as `run --profile` and `replay` take it. */
  readonly example: string;
}

export interface SoakResult {
  readonly seed: number;
  readonly parts: readonly SoakPart[];
  readonly findings: readonly SoakFinding[];
  /** By goal, over all parts. */
  readonly goals: ReadonlyMap<string, number>;
  readonly scenarios: number;
  /** Why scenarios have no verdict, the first few. */
  readonly unknown: readonly string[];
}

/** The profiles that a client can be given. */
export const profilesOf = (client: ClientName, names: readonly ProfileName[]): ProfileName[] =>
  names.filter((name) => client === 'reference' || !profiles[name].hasJavaOptions);

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { clients, timeMs, scenariosMax, scenariosPerRound, signal, seed } = options;
  const parts = clients.flatMap((client) =>
    profilesOf(client, options.profiles).map(
      (profile): SoakPart => ({ client, profile, scenarios: 0, invalid: 0, unknown: 0, goals: new Map() }),
    ),
  );
  const total = new Map(goals.map(({ name }) => [name, 0]));
  const findings = new Map<string, SoakFinding>();
  const unknown: string[] = [];
  let scenarios = 0;
  const startedMs = performance.now();
  const isOver = (): boolean =>
    signal.aborted ||
    (timeMs !== null && performance.now() - startedMs >= timeMs) ||
    (scenariosMax !== null && scenarios >= scenariosMax);
  while (!isOver()) {
    const part = nextPart(parts, total);
    const left =
      scenariosMax === null ? scenariosPerRound : Math.min(scenariosPerRound, scenariosMax - scenarios);
    const leftMs = timeMs === null ? null : timeMs - (performance.now() - startedMs);
    const result = await round(options, part, left, leftMs);
    take(result, part, total, findings, seed);
    for (const { name, unknown: why } of result.results)
      if (unknown.length < UNKNOWN_MAX)
        unknown.push(...why.map((sentence) => `${part.client} ${name}: ${sentence}`));
    scenarios += result.scenarios.run;
    options.onProgress(
      `${scenarios} scenarios; ${part.client} ${part.profile}: ${result.scenarios.invalid} of ${result.scenarios.run} invalid; ${[...total.values()].filter((times) => times > 0).length} of ${total.size} goals reached`,
    );
    // Interrupted, or out of time before one could begin.
    if (result.scenarios.run === 0) break;
  }
  return { seed, parts, findings: [...findings.values()], goals: total, scenarios, unknown };
}

const UNKNOWN_MAX = 20;

/**
 * Each part once, then whichever has reached the goals that are rarest over all, for each scenario that it has had: so the
 * draw leans to what is reached least.
 */
export function nextPart(parts: readonly SoakPart[], total: ReadonlyMap<string, number>): SoakPart {
  const fresh = parts.find(({ scenarios }) => scenarios === 0);
  if (fresh !== undefined) return fresh;
  const worth = ({ goals: reached, scenarios }: SoakPart): number => {
    let sum = 0;
    for (const [name, times] of reached) sum += times / (1 + (total.get(name) ?? 0));
    // The fewer it has had, the less is known of it.
    return (sum + 1) / scenarios;
  };
  return parts.reduce((best, part) => (worth(part) > worth(best) ? part : best));
}

async function round(
  { seed, jobs, executorOf, knownIssueOf, signal }: SoakOptions,
  { client, profile, scenarios }: SoakPart,
  count: number,
  timeLimitMs: number | null,
): Promise<RunResult> {
  const plans = function* (): Generator<Plan> {
    for (let index = scenarios; index < scenarios + count; index++) yield { index, seed, profile };
  };
  return await runScenarios({
    header: {
      command: 'run',
      seed,
      world: 'simulated',
      client: describeClient(client),
      mutant: null,
      versions: {},
      // A part of a whole that says itself when it was.
      startedAt: new Date(0).toISOString(),
      options: { profile },
      runDirectory: null,
    },
    plans: plans(),
    planned: count,
    executor: executorOf(client),
    ...(knownIssueOf === undefined ? {} : { knownIssueOf: knownIssueOf(client) }),
    properties: catalogue,
    jobs,
    timeLimitMs,
    directory: null,
    onProgress: () => {},
    onLog: () => {},
    signal,
  });
}

function take(
  result: RunResult,
  part: SoakPart,
  total: Map<string, number>,
  findings: Map<string, SoakFinding>,
  seed: number,
): void {
  part.scenarios += result.scenarios.run;
  part.invalid += result.scenarios.invalid;
  part.unknown += result.scenarios.unknown;
  for (const [name, times] of Object.entries(result.goals)) {
    if (times === 0) continue;
    part.goals.set(name, (part.goals.get(name) ?? 0) + times);
    total.set(name, (total.get(name) ?? 0) + times);
  }
  for (const { property, signature, policy, known, scenarioIndex } of result.anomalies) {
    const key = [part.client, property, signature, policy, known].join('\n');
    const found = findings.get(key);
    if (found !== undefined) found.anomalies += 1;
    else {
      const example = `${seed}:${scenarioIndex}:${part.profile}`;
      findings.set(key, { client: part.client, property, signature, policy, known, anomalies: 1, example });
    }
  }
}
