/**
 * The result of a command as a plain value: what one scenario after the other came to enters a `RunResultBuilder`,
 * one `RunResult` leaves; every renderer takes it, `--json` prints it, and run.json holds it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { History } from '../harness/history/schema.ts';
import { simulatedOnlyOf } from '../harness/world/kafka/refusals.ts';
import type { Anomaly, LedgerEntry, Outcome, Verdict } from '../properties/property.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { count, describeEvent, formatSeconds } from './describe-event.ts';

/** Proving events told in words for a finding's example; more than that is for the HTML report. */
const ACCOUNT_EVENTS_MAX = 12;

const counter = z.int().min(0);
const outcomeSchema = z.enum(['valid', 'invalid', 'unknown']);
const policySchema = z.enum(['illegal', 'observed']);
const subjectSchema = z.strictObject({
  group: z.string().exactOptional(),
  topic: z.string().exactOptional(),
  partition: z.int().min(0).exactOptional(),
  process: z.string().exactOptional(),
  producer: z.string().exactOptional(),
});

const resultAnomalySchema = z.strictObject({
  property: z.string(),
  policy: policySchema,
  /** The known issue that it matches, as `id` or `id (link)`, or null for a new one. */
  known: z.string().nullable(),
  /** Name of the scenario in which it happened. */
  scenario: z.string(),
  /** Its index in `results`. */
  scenarioIndex: counter,
  /** Paths for `replay` and `check`, or null where the scenario was not kept. */
  scenarioFile: z.string().nullable(),
  historyFile: z.string().nullable(),
  /** The smallest scenario found that still fails so, for `replay`; of the findings that were made small. */
  shrunkFile: z.string().exactOptional(),
  message: z.string(),
  signature: z.string(),
  subject: subjectSchema,
  /** `seq` of the proving events in the history. */
  events: z.array(counter),
  /** The last of the proving events in plain words; only for the first anomaly of each finding. */
  account: z.array(z.string()),
});

export const runResultSchema = z.strictObject({
  schema: z.literal(1),
  command: z.enum(['run', 'replay', 'check']),
  /** The seed that generated the scenarios; null where they were given. */
  seed: z.int().min(0).nullable(),
  world: z.enum(['kafka', 'simulated']),
  client: z.strictObject({ name: z.string(), version: z.string() }),
  /** A client or application broken on purpose, or null. */
  mutant: z.string().nullable(),
  /** What took part, by name: node, kafka, kafka-trial, and the commit of the folder in which it ran. */
  versions: z.record(z.string(), z.string()),
  startedAt: z.iso.datetime(),
  /** The command's options, for the reader; nothing secret. */
  options: z.record(z.string(), z.unknown()),
  /** Where run.json and the kept scenarios are, or null where nothing was written. */
  runDirectory: z.string().nullable(),
  /** The HTML report, or null. */
  reportFile: z.string().nullable(),
  scenarios: z.strictObject({ run: counter, valid: counter, invalid: counter, unknown: counter }),
  /** Hash over the scenarios' own trace hashes, in order; null in a world that does not repeat itself. */
  traceHash: z.string().nullable(),
  virtualSeconds: z.number().min(0),
  cpuSeconds: z.number().min(0),
  wallSeconds: z.number().min(0),
  anomalies: z.array(resultAnomalySchema),
  /** How often the scenarios scheduled each kind of action, skipped ones included. */
  actions: z.record(z.string(), counter),
  /** How often generated scenarios reached each goal; 0 for a goal never reached. */
  goals: z.record(z.string(), counter),
  /** Records whose processing began again, by what made them come again. */
  duplicates: z.strictObject({ total: counter, byCause: z.record(z.string(), counter) }),
  results: z.array(
    z.strictObject({
      index: counter,
      name: z.string(),
      seed: z.int().min(0),
      outcome: outcomeSchema,
      illegal: counter,
      observed: counter,
      wallSeconds: z.number().min(0),
      /** Of its simulated run; null in a world that does not repeat itself, or where the world failed. */
      traceHash: z.string().nullable(),
      /** Where the scenario, its history and its verdict are, or null where they were not kept. */
      directory: z.string().nullable(),
      skippedActions: z.array(z.string()),
      /** Why it can be run in the simulated world alone; left out where real Kafka can run it too. */
      simulatedOnly: z.array(z.string()).exactOptional(),
      /** Why the outcome is unknown, one sentence each. */
      unknown: z.array(z.string()),
    }),
  ),
  properties: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      /** Scenarios in which it was checked. */
      checked: counter,
      illegal: counter,
      observed: counter,
    }),
  ),
  /**
   * Of a replay: how often each illegal finding came again. Empty for other commands, and where nothing illegal was
   * found.
   */
  rates: z.array(
    z.strictObject({
      scenario: z.string(),
      property: z.string(),
      signature: z.string(),
      /** Repetitions in which it was found, of so many that were judged. */
      failed: counter,
      times: counter,
    }),
  ),
  /** True where Ctrl-C or a time limit of the caller ended the command before its plan was done. */
  interrupted: z.boolean(),
});

export type RunResult = z.infer<typeof runResultSchema>;
export type ResultAnomaly = RunResult['anomalies'][number];
export type ScenarioResult = RunResult['results'][number];

export const ledgerCauses = [
  'first',
  'crash',
  'stall',
  'leave',
  'rebalance',
  'handler-failure',
  'seek',
  'client-restart',
  'offsets-deleted',
  'records-deleted',
  'unexplained',
] as const satisfies readonly LedgerEntry['cause'][];

const ledgerEntrySchema = z.strictObject({
  group: z.string(),
  topic: z.string(),
  partition: counter,
  cause: z.enum(ledgerCauses),
  fromProcess: z.string().nullable(),
  toProcess: z.string(),
  time: z.number(),
  committedOffset: z.string().nullable(),
  resumedOffset: z.string(),
  mustReplay: counter,
  mayReplay: counter,
  replayed: counter,
  event: counter,
});

/** verdict.json. */
export const verdictSchema = z.strictObject({
  outcome: outcomeSchema,
  anomalies: z.array(
    z.strictObject({
      property: z.string(),
      policy: policySchema,
      message: z.string(),
      signature: z.string(),
      subject: subjectSchema,
      events: z.array(counter).min(1),
    }),
  ),
  unknown: z.array(z.string()),
  properties: z.array(z.strictObject({ id: z.string(), anomalies: counter, illegal: counter })),
  ledger: z.array(ledgerEntrySchema),
});

/** Anomalies with the same property, signature, policy and known issue are one finding. */
export interface Finding {
  readonly property: string;
  readonly signature: string;
  readonly policy: ResultAnomaly['policy'];
  readonly known: string | null;
  readonly count: number;
  /** Distinct scenarios in which it was seen. */
  readonly scenarios: number;
  /** The first anomaly of a kept scenario, or the first one. */
  readonly example: ResultAnomaly;
}

/** New illegal findings first, then known illegal ones, then observed ones; the more frequent ones first. */
export function findingsOf(result: Pick<RunResult, 'anomalies'>): Finding[] {
  const byKey = new Map<string, ResultAnomaly[]>();
  for (const anomaly of result.anomalies) {
    const key = findingKey(anomaly);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [anomaly]);
    else same.push(anomaly);
  }
  const findings = [...byKey.values()].map((same): Finding => {
    const [first] = same;
    assert(first !== undefined);
    const example = same.find((one) => one.scenarioFile !== null && one.account.length > 0) ?? first;
    const { property, signature, policy, known } = first;
    const scenarios = new Set(same.map((one) => one.scenarioIndex)).size;
    return { property, signature, policy, known, count: same.length, scenarios, example };
  });
  return findings.sort(
    (a, b) => rank(a) - rank(b) || b.count - a.count || (a.property < b.property ? -1 : 1),
  );
}

/** What makes two anomalies the same finding. */
export const findingKey = (
  anomaly: Pick<ResultAnomaly, 'property' | 'signature' | 'policy' | 'known'>,
): string => JSON.stringify([anomaly.property, anomaly.signature, anomaly.policy, anomaly.known]);

const rank = (finding: Finding): number =>
  finding.policy === 'observed' ? 2 : finding.known === null ? 0 : 1;

/**
 * The verdict of the whole command: a new illegal anomaly (with the option `strict`, and in a replay or a check, a known one
 * too) makes it invalid, a scenario without a verdict unknown. A command that judged nothing proved nothing.
 */
export function outcomeOf(result: RunResult): Outcome {
  const strict = result.options.strict === true || result.command !== 'run';
  if (result.anomalies.some((one) => one.policy === 'illegal' && (strict || one.known === null)))
    return 'invalid';
  return result.scenarios.unknown > 0 || result.scenarios.run === 0 ? 'unknown' : 'valid';
}

/** What is known of a command before its first scenario and does not change. */
export type RunResultHeader = Pick<
  RunResult,
  'command' | 'seed' | 'world' | 'client' | 'mutant' | 'versions' | 'startedAt' | 'options' | 'runDirectory'
>;

/** What is known only at its end. */
export type RunResultFooter = Pick<
  RunResult,
  'virtualSeconds' | 'cpuSeconds' | 'wallSeconds' | 'goals' | 'interrupted' | 'reportFile'
>;

/** One scenario with its verdict. */
export interface JudgedScenario {
  readonly index: number;
  readonly scenario: Scenario;
  /** Null where the world failed, so that there is only a verdict that says why it is unknown. */
  readonly history: History | null;
  /** As `skippedActionsOf` the history says, where that is known already: most histories are then never read. */
  readonly skippedActions?: readonly string[];
  readonly verdict: Verdict;
  readonly wallSeconds: number;
  /** Left out in a world that has no trace. */
  readonly traceHash?: string | null;
  /** Where it was kept, or null. */
  readonly kept: {
    readonly directory: string;
    readonly scenarioFile: string;
    readonly historyFile: string | null;
  } | null;
}

/** The known issue that an anomaly of a verdict is, as `id` or `id (link)`, or null for a new one. */
export type KnownIssueOf = (anomaly: Anomaly, verdict: Verdict) => string | null;

/** Adds scenarios up; holds no history, so a run of any length fits in memory. */
export class RunResultBuilder {
  readonly #header: RunResultHeader;
  readonly #properties: Map<string, RunResult['properties'][number]>;
  readonly #knownIssueOf: KnownIssueOf;
  readonly #results: ScenarioResult[] = [];
  readonly #anomalies: ResultAnomaly[] = [];
  readonly #duplicates = new Map<string, number>();
  readonly #actions = new Map<string, number>();
  /** Findings whose example has its account already. */
  readonly #told = new Set<string>();

  /**
   * @param properties the catalogue, in its order
   * @param knownIssueOf the known issue that an anomaly matches, or null
   */
  constructor(
    header: RunResultHeader,
    properties: readonly { readonly id: string; readonly title: string }[],
    knownIssueOf: KnownIssueOf = () => null,
  ) {
    this.#header = header;
    this.#properties = new Map(
      properties.map(({ id, title }) => [id, { id, title, checked: 0, illegal: 0, observed: 0 }]),
    );
    this.#knownIssueOf = knownIssueOf;
  }

  add(judged: JudgedScenario): void {
    const { verdict, scenario, index, kept } = judged;
    for (const { kind } of scenario.actions) this.#actions.set(kind, (this.#actions.get(kind) ?? 0) + 1);
    for (const { id, anomalies, illegal } of verdict.properties) {
      const total = this.#properties.get(id) ?? { id, title: id, checked: 0, illegal: 0, observed: 0 };
      total.checked += 1;
      total.illegal += illegal;
      total.observed += anomalies - illegal;
      this.#properties.set(id, total);
    }
    for (const { cause, replayed } of verdict.ledger)
      if (replayed > 0) this.#duplicates.set(cause, (this.#duplicates.get(cause) ?? 0) + replayed);
    for (const anomaly of verdict.anomalies) {
      const known = this.#knownIssueOf(anomaly, verdict);
      const key = findingKey({ ...anomaly, known });
      const history = this.#told.has(key) ? null : judged.history;
      if (history !== null) this.#told.add(key);
      this.#anomalies.push({
        property: anomaly.property,
        policy: anomaly.policy,
        known,
        scenario: scenario.name,
        scenarioIndex: index,
        scenarioFile: kept?.scenarioFile ?? null,
        historyFile: kept?.historyFile ?? null,
        message: anomaly.message,
        signature: anomaly.signature,
        subject: anomaly.subject,
        events: [...anomaly.events],
        account: history === null ? [] : accountOf(anomaly, history),
      });
    }
    const illegal = verdict.anomalies.filter((one) => one.policy === 'illegal').length;
    const { world, mutant } = this.#header;
    // What has run on real Kafka can.
    const simulatedOnly = world === 'kafka' ? [] : simulatedOnlyOf(scenario, mutant);
    this.#results.push({
      index,
      name: scenario.name,
      seed: scenario.seed,
      outcome: verdict.outcome,
      illegal,
      observed: verdict.anomalies.length - illegal,
      wallSeconds: judged.wallSeconds,
      traceHash: judged.traceHash ?? null,
      directory: kept?.directory ?? null,
      skippedActions: [
        ...(judged.skippedActions ?? (judged.history === null ? [] : skippedActionsOf(judged.history))),
      ],
      ...(simulatedOnly.length === 0 ? {} : { simulatedOnly }),
      unknown: [...verdict.unknown],
    });
  }

  /** The result so far; scenarios in order of their index, whatever the order in which they ended. */
  build(footer: RunResultFooter): RunResult {
    const results = this.#results.toSorted((a, b) => a.index - b.index);
    const anomalies = this.#anomalies.toSorted((a, b) => a.scenarioIndex - b.scenarioIndex);
    const of = (outcome: Outcome): number => results.filter((one) => one.outcome === outcome).length;
    const byCause = Object.fromEntries(
      ledgerCauses.flatMap((cause) => {
        const replayed = this.#duplicates.get(cause);
        return replayed === undefined ? [] : [[cause, replayed] as const];
      }),
    );
    return inOrder({
      schema: 1,
      ...this.#header,
      ...footer,
      scenarios: { run: results.length, valid: of('valid'), invalid: of('invalid'), unknown: of('unknown') },
      anomalies,
      actions: Object.fromEntries(this.#actions),
      duplicates: { total: [...this.#duplicates.values()].reduce((sum, one) => sum + one, 0), byCause },
      traceHash: traceHashOf(results),
      results,
      properties: [...this.#properties.values()].map((property) => ({ ...property })),
      rates: this.#header.command === 'replay' ? ratesOf(anomalies, results) : [],
    });
  }
}

/** Over the scenarios' own hashes, in order; null where none has one. */
export function traceHashOf(results: readonly ScenarioResult[]): string | null {
  const hashes = results.flatMap(({ traceHash }) => traceHash ?? []);
  return hashes.length === 0 ? null : createHash('sha256').update(hashes.join('\n')).digest('hex');
}

/** Repetitions of one scenario share its name. */
function ratesOf(
  anomalies: readonly ResultAnomaly[],
  results: readonly ScenarioResult[],
): RunResult['rates'] {
  const rates = new Map<string, { rate: RunResult['rates'][number]; indices: Set<number> }>();
  for (const { policy, scenario, scenarioIndex, property, signature } of anomalies) {
    if (policy !== 'illegal') continue;
    const key = JSON.stringify([scenario, property, signature]);
    const times = results.filter(({ name, outcome }) => name === scenario && outcome !== 'unknown').length;
    const entry = rates.get(key) ?? {
      rate: { scenario, property, signature, failed: 0, times },
      indices: new Set<number>(),
    };
    entry.indices.add(scenarioIndex);
    rates.set(key, entry);
  }
  return [...rates.values()].map(({ rate, indices }) => ({ ...rate, failed: indices.size }));
}

/** The same result with its keys in the order of the schema and its records in order of name. */
export function inOrder(result: RunResult): RunResult {
  const parsed = runResultSchema.parse(result);
  return {
    ...parsed,
    versions: sortKeys(parsed.versions),
    options: sortKeys(parsed.options),
    actions: sortKeys(parsed.actions),
    goals: sortKeys(parsed.goals),
  };
}

const sortKeys = <V>(record: Record<string, V>): Record<string, V> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

/** The last proving events, one line each with its time. */
export function accountOf(anomaly: Anomaly, history: History): string[] {
  const { scenario } = history.start;
  const events = anomaly.events.flatMap((seq) => history.events[seq] ?? []);
  const shown = events.slice(-ACCOUNT_EVENTS_MAX);
  const lines = shown.map(
    (event) => `${formatSeconds(event.time, 3).padStart(10)}  ${describeEvent(event, scenario)}`,
  );
  const left = events.length - shown.length;
  return left === 0 ? lines : [`${count(left, 'earlier event')} left out here`, ...lines];
}

/** The actions that were skipped, in words, each with the reason. */
export const skippedActionsOf = (history: History): string[] =>
  history.events.flatMap((event) =>
    event.kind === 'action' && event.outcome === 'skipped'
      ? [describeEvent(event, history.start.scenario)]
      : [],
  );
