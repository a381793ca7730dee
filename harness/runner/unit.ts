/**
 * The unit of work of a run: a plan, which is plain data, a subject and properties enter; the scenario is made, run in
 * a world and judged, and what it came to leaves. Nothing of it depends on the unit before or beside it, so that units
 * can be handed to any thread or machine.
 */
import { goalsReached } from '../../properties/goals/index.ts';
import { judge } from '../../properties/index.ts';
import type { Property, Verdict } from '../../properties/property.ts';
import { skippedActionsOf } from '../../reports/results.ts';
import { fitToApplication } from '../../scenarios/application.ts';
import { generateScenario, type ProfileName } from '../../scenarios/arbitrary.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { configureApplication, refuseForApplication } from '../application/configure.ts';
import { configureScenario, refuseConfiguration } from '../client/configure.ts';
import { type Figures, figuresOf } from '../compare/figures.ts';
import { WorldUnavailableError } from '../errors.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { BuiltApplication, Subject, World } from '../world/world.ts';

/** One scenario to run: its place in the run, and itself or what it is generated from. */
export type Plan = {
  readonly index: number;
  /** What groups and producers are configured with instead of what the scenario says. */
  readonly configuration?: Configuration;
} & ({ readonly scenario: Scenario } | { readonly seed: number; readonly profile: ProfileName });

/** What a unit came to. */
export interface Ran {
  readonly scenario: Scenario;
  /** Null where the world failed before there was one; may be unpacked only when it is read. */
  readonly history: History | null;
  readonly verdict: Verdict;
  readonly skippedActions: readonly string[];
  /** Names of the goals that it reached. */
  readonly goals: readonly string[];
  /** How long it was in the world's own time. */
  readonly scenarioMs: number;
  /** Null in a world that has no trace. */
  readonly traceHash: string | null;
  readonly wallSeconds: number;
  /** Null where nobody asked to measure, and where the world failed. */
  readonly figures: Figures | null;
  /** Why the world failed; the verdict says so too. Null where it did not. */
  readonly failure: WorldUnavailableError | null;
  /** Lines of the client processes that were not passed on while it ran: origin and text. */
  readonly log: readonly (readonly [origin: string, line: string])[];
}

/** Where units are carried out. */
export interface Executor extends AsyncDisposable {
  /**
   * @throws the signal's reason when it aborts, WorldUnavailableError where whoever ran the unit is gone, and whatever
   * else a unit throws, which is a mistake of the harness
   */
  execute(plan: Plan, signal: AbortSignal): Promise<Ran>;
}

/** Of every so many scenarios of the simulated world one is run twice, and the traces have to be equal. */
const REPEAT_EVERY = 20;

export interface UnitOptions {
  readonly world: World;
  readonly subject: Subject;
  readonly properties: readonly Property[];
  /** Whether the figures of each run are wanted. */
  readonly measures?: boolean;
}

/** In this thread. */
export const inThisThread = (options: UnitOptions): Executor => ({
  execute: async (plan, signal) => await runUnit(plan, options, signal),
  async [Symbol.asyncDispose]() {
    // The world belongs to whoever opened it.
  },
});

function scenarioOf(plan: Plan, subject: Subject, world: World): Scenario {
  const planned = 'scenario' in plan ? plan.scenario : generated(plan, world);
  return forSubject(planned, subject, plan.configuration);
}

function generated({ seed, index, profile }: Exclude<Plan, { scenario: Scenario }>, world: World): Scenario {
  const scenario = generateScenario(seed, index, profile);
  return world.fit?.(scenario) ?? scenario;
}

/**
 * @param source where the configuration comes from, for the message (a file name)
 * @throws UsageError that names what of it cannot be had
 */
export function refuseFor(
  { client, application }: Subject,
  configuration: Configuration,
  source: string,
): void {
  if (application === undefined) refuseConfiguration(configuration, client, source);
  else refuseForApplication(configuration, application, source);
}

/**
 * The scenario as the subject can run it: an application of the user's has a group and topics of its own, and a
 * configuration is put over what the scenario says.
 *
 * @throws UsageError for what the subject cannot do
 */
export function forSubject(
  scenario: Scenario,
  subject: Subject,
  configuration: Configuration | null = null,
): Scenario {
  const { client, application } = subject;
  const fitting = application === undefined ? scenario : fittingApplication(scenario, application);
  if (configuration === null) return fitting;
  return application === undefined
    ? configureScenario(fitting, configuration, client)
    : configureApplication(fitting, configuration, application);
}

function fittingApplication(scenario: Scenario, { shape, file }: BuiltApplication): Scenario {
  const [first] = scenario.groups;
  const isItsOwn = scenario.groups.length === 1 && first?.id === shape.group.id;
  return isItsOwn
    ? scenario
    : parseScenario(fitToApplication(scenario, shape), `${scenario.name} for ${file}`);
}

/** How a person names it: `scenario 3 (3:17)`, which `replay` understands where it was generated. */
export const describePlan = (plan: Plan): string =>
  'scenario' in plan
    ? `scenario ${plan.scenario.name}`
    : `scenario ${plan.index} of seed ${plan.seed} (${plan.seed}:${plan.index}:${plan.profile})`;

export async function runUnit(plan: Plan, options: UnitOptions, signal: AbortSignal): Promise<Ran> {
  const { world, subject, properties } = options;
  const scenario = scenarioOf(plan, subject, world);
  const recorder = new HistoryRecorder();
  const startedMs = performance.now();
  let history: History | null;
  let verdict: Verdict;
  let failure: WorldUnavailableError | null = null;
  let figures: Figures | null = null;
  try {
    await world.run(scenario, subject, recorder, signal);
    history = recorder.finishHistory();
    verdict = judge(history, properties);
    if (options.measures === true) figures = figuresOf(history, verdict, recorder.requests);
    if (recorder.trace !== null && plan.index % REPEAT_EVERY === 0) {
      // Only the simulated world has traces; another one does not load it.
      const { findNondeterminism, rerun } = await import('../world/simulated/determinism.ts');
      const difference = await findNondeterminism(recorder.trace, rerun(scenario, subject, signal));
      if (difference !== null) verdict = notRepeatable(verdict, difference);
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof WorldUnavailableError)) throw error;
    failure = error;
    history = recorder.size > 0 ? recorder.finishHistory() : null;
    verdict = worldFailed(error.message);
  }
  return {
    scenario,
    history,
    verdict,
    skippedActions: history === null ? [] : skippedActionsOf(history),
    goals: failure === null && history !== null ? goalsReached(history) : [],
    scenarioMs: history?.events.at(-1)?.time ?? 0,
    traceHash: failure === null ? (recorder.trace?.hash ?? null) : null,
    wallSeconds: (performance.now() - startedMs) / 1_000,
    figures,
    failure,
    log: [],
  };
}

/** A run that does not repeat itself proves nothing, whatever it found. */
const notRepeatable = (verdict: Verdict, difference: string): Verdict => ({
  ...verdict,
  outcome: 'unknown',
  unknown: [...verdict.unknown, `The simulated world did not repeat itself. ${difference}`],
});

const worldFailed = (message: string): Verdict => ({
  outcome: 'unknown',
  anomalies: [],
  unknown: [message],
  properties: [],
  ledger: [],
});
