/**
 * `kafka-trial/vitest`: a trial as a test of vitest's; a name and what is on trial enter, a test of that name leaves,
 * which fails with the finding, its scenario and the command that repeats it.
 */
import { readFile } from 'node:fs/promises';
import { type TestOptions, test } from 'vitest';
import { count } from '../../reports/describe-event.ts';
import { quoteForShell, replayCommand } from '../../reports/replay-command.ts';
import { type Finding, findingsOf } from '../../reports/results.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { draw } from '../client/application/draw.ts';
import { trial as runTrial, type TrialOptions, type TrialResult } from './trial.ts';

export type { TrialOptions, TrialResult } from './trial.ts';

export interface VitestTrialOptions extends Omit<TrialOptions, 'name' | 'signal'> {
  /** Of the test; scenarios on real Kafka take their time (default: 5 minutes, on real Kafka 30). */
  readonly timeoutMs?: number;
  /** Options of vitest's for the test, such as `tags`, `skip` or `concurrent`. */
  readonly test?: Omit<TestOptions, 'timeout'>;
}

/** What a reporter finds in `task.meta.kafkaTrial` of a test that failed. */
export interface TrialMeta {
  readonly reportFile: string;
  readonly scenarios: number;
  /** The first failure made small, where it was. */
  readonly shrunk: { readonly scenarioFile: string; readonly account: string } | null;
  readonly failures: readonly {
    readonly property: string;
    readonly message: string;
    readonly scenarioFile: string | null;
    readonly replay: string | null;
  }[];
}

declare module 'vitest' {
  interface TaskMeta {
    kafkaTrial?: TrialMeta;
  }
}

const TIMEOUT_MS = { sim: 300_000, kafka: 1_800_000 } as const;

/** Thrown by a test whose trial was not valid; its message is what a person reads. */
export class TrialFailure extends Error {
  override name = 'TrialFailure';
  readonly trial: TrialResult;
  constructor(message: string, trial: TrialResult) {
    super(message);
    this.trial = trial;
    // Where in this file it was thrown says nothing about the consumer.
    this.stack = `${this.name}: ${message}`;
  }
}

/**
 * Registers a test. Its scenarios come from a seed that is drawn from its name, so that they stay the same until the
 * name, the seed or kafka-trial's generator changes.
 */
export function trial(name: string, options: VitestTrialOptions): void {
  const { timeoutMs, test: testOptions, ...what } = options;
  const timeout = timeoutMs ?? TIMEOUT_MS[options.world ?? 'sim'];
  test(name, { ...testOptions, timeout }, async ({ task, annotate, signal }) => {
    const result = await runTrial({ seed: draw('vitest', name), ...what, name, signal });
    if (result.outcome === 'valid') return;
    const findings = illegalOf(result);
    task.meta.kafkaTrial = metaOf(result, findings);
    const [finding] = findings;
    const scenario = result.shrunk ?? scenarioOf(result, finding);
    if (scenario !== null)
      await annotate('The scenario that failed; `kafka-trial replay` takes it.', {
        body: await readFile(scenario.scenarioFile),
        contentType: 'application/json',
      });
    throw new TrialFailure(describe(result, findings, scenario?.scenario ?? null), result);
  });
}

const illegalOf = ({ result }: TrialResult): Finding[] =>
  findingsOf(result).filter(
    // What is known of the client fails a test only where that is asked for.
    ({ policy, known }) =>
      policy === 'illegal' &&
      (known === null || result.options.strict === true || result.command === 'replay'),
  );

const metaOf = (trialResult: TrialResult, findings: readonly Finding[]): TrialMeta => ({
  reportFile: trialResult.reportFile,
  scenarios: trialResult.result.scenarios.run,
  shrunk:
    trialResult.shrunk === null
      ? null
      : { scenarioFile: trialResult.shrunk.scenarioFile, account: trialResult.shrunk.account },
  failures: findings.map(({ property, example }) => ({
    property,
    message: example.message,
    scenarioFile: example.scenarioFile,
    replay: replayCommand(trialResult.result, example),
  })),
});

/** The scenario of a finding, or the first that failed for want of a verdict. */
const scenarioOf = ({ failures }: TrialResult, finding: Finding | undefined) =>
  failures.find(
    ({ scenarioFile }) => finding === undefined || scenarioFile === finding.example.scenarioFile,
  ) ?? null;

function describe(result: TrialResult, findings: readonly Finding[], scenario: Scenario | null): string {
  const { run, invalid, unknown } = result.result.scenarios;
  const lines =
    findings.length > 0
      ? [
          `${invalid} of ${run} scenarios broke what the consumer promises.`,
          ...findings.flatMap((finding) => describeFinding(result, finding)),
        ]
      : [
          `${unknown} of ${run} scenarios have no verdict.`,
          ...result.result.results.flatMap((one) => one.unknown.map((why) => `  ${one.name}: ${why}`)),
        ];
  const { shrunk } = result;
  if (shrunk !== null) {
    const replay = replayCommand(result.result, { scenarioFile: shrunk.scenarioFile });
    lines.push('', `Made small: ${shrunk.account}`, `  Replay: ${replay ?? ''}`);
  }
  if (scenario !== null) lines.push('', `Scenario ${scenario.name}: ${summaryOf(scenario)}`);
  lines.push('', `Report: ${quoteForShell(result.reportFile)}`);
  return lines.join('\n');
}

function describeFinding(
  { result }: TrialResult,
  { property, signature, count: times, example }: Finding,
): string[] {
  const replay = replayCommand(result, example);
  return [
    '',
    `${property}: ${signature}${times > 1 ? ` (${times} times)` : ''}`,
    `  ${example.message}`,
    ...example.account.map((line) => `  ${line}`),
    ...(replay === null ? [] : [`  Replay: ${replay}`]),
  ];
}

/** What a person wants to know of it before opening the file. */
function summaryOf({ topology, groups, producers, actions }: Scenario): string {
  const members = groups.reduce((sum, group) => sum + group.members.length, 0);
  const partitions = topology.topics.map(
    ({ name, partitions: n }) => `${name} with ${count(n, 'partition')}`,
  );
  const records = producers.reduce((sum, producer) => sum + producer.records, 0);
  const what = actions.map((action) => {
    const about = 'member' in action ? ` ${action.member}` : 'broker' in action ? ` ${action.broker}` : '';
    return `${action.kind}${about} at ${action.atMs} ms`;
  });
  return `${count(members, 'member')}, ${partitions.join(', ')}, ${count(records, 'record')}; ${what.join(', ')}`;
}
