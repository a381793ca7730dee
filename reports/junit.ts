/**
 * JUnit XML for continuous integration: a `RunResult` enters, a document leaves with one test case per property and
 * one per scenario; names hold no seed, so that a CI server sees the same test from run to run.
 */
import junitReportBuilder, { type Builder, type TestCase } from 'junit-report-builder';
import { count } from './describe-event.ts';
import { visible, visibleLines } from './escape.ts';
import { planPath, replayCommand } from './replay-command.ts';
import {
  type Finding,
  findingsOf,
  type ResultAnomaly,
  type RunResult,
  type ScenarioResult,
} from './results.ts';

// The package's types describe a default export that its CommonJS build does not have.
const builder = junitReportBuilder as unknown as Builder;

/** Anomalies that one test case spells out; the report has the rest. */
const ANOMALIES_MAX = 50;

export function renderJunit(result: RunResult): string {
  const document = builder.newBuilder().name('kafka-trial');
  addProperties(document, result);
  addScenarios(document, result);
  return `${document.build()}\n`;
}

function addProperties(document: Builder, result: RunResult): void {
  const suite = document
    .testSuite()
    .name(`kafka-trial.${result.world}.properties`)
    .timestamp(result.startedAt)
    .time(seconds(result.wallSeconds));
  const findings = findingsOf(result);
  for (const property of result.properties) {
    const testCase = suite
      .testCase()
      .className(visible(`kafka-trial.${result.world}.${property.id}`))
      .name(visible(property.title));
    const own = findings.filter((finding) => finding.property === property.id);
    const illegal = own.filter((finding) => finding.policy === 'illegal');
    const fresh = illegal.filter((finding) => isFailure(result, finding));
    const rest = own.filter((finding) => !fresh.includes(finding));
    if (property.checked === 0) testCase.skipped();
    if (fresh.length > 0)
      fail(
        testCase,
        `${count(property.illegal, 'anomaly', 'anomalies')}: ${fresh.map((finding) => finding.signature).join('; ')}`,
        property.id,
        fresh.map((finding) => describeFinding(result, finding)).join('\n\n'),
      );
    if (rest.length > 0)
      testCase.standardOutput(
        section(
          `Seen, and not counted as a failure:\n${rest.map((finding) => describeFinding(result, finding)).join('\n\n')}`,
        ),
      );
  }
}

function addScenarios(document: Builder, result: RunResult): void {
  const suite = document
    .testSuite()
    .name(`kafka-trial.${result.world}.scenarios`)
    .timestamp(result.startedAt)
    .time(seconds(result.wallSeconds));
  const anomaliesOf = new Map<number, ResultAnomaly[]>();
  for (const anomaly of result.anomalies)
    anomaliesOf.set(anomaly.scenarioIndex, [...(anomaliesOf.get(anomaly.scenarioIndex) ?? []), anomaly]);
  const uses = new Map<string, number>();
  for (const scenario of result.results) {
    const name = stableName(result, scenario);
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    const testCase = suite
      .testCase()
      .className(`kafka-trial.${result.world}.scenarios`)
      .name(visible(use === 1 ? name : `${name} (${use})`))
      .time(seconds(scenario.wallSeconds));
    const anomalies = anomaliesOf.get(scenario.index) ?? [];
    const fresh = anomalies.filter((anomaly) => isFailure(result, anomaly));
    const rest = anomalies.filter((anomaly) => !fresh.includes(anomaly));
    if (fresh.length > 0) {
      const [first] = fresh;
      const command = first === undefined ? null : replayCommand(result, first);
      fail(
        testCase,
        `${count(fresh.length, 'anomaly', 'anomalies')}: ${[...new Set(fresh.map((one) => one.property))].join(', ')}`,
        'anomaly',
        [...listed(fresh), ...(command === null ? [] : ['', `Replay: ${command}`])].join('\n'),
      );
    } else if (scenario.outcome === 'unknown')
      testCase.error(
        visible(`no verdict: ${scenario.unknown[0] ?? 'no reason was recorded'}`),
        'unknown',
        section(scenario.unknown.join('\n')),
      );
    const notes = [
      ...(rest.length === 0 ? [] : ['Seen, and not counted as a failure:', ...listed(rest)]),
      ...scenario.skippedActions,
    ];
    if (notes.length > 0) testCase.standardOutput(section(notes.join('\n')));
  }
}

/** A generated scenario is named after its seed, which is another one each night. */
const stableName = ({ command, seed }: RunResult, { name, index }: ScenarioResult): string =>
  command === 'run' && name === `seed-${seed}-${index}` ? `generated scenario ${index}` : name;

/** Known issues fail only where the command was strict. */
const isFailure = (result: RunResult, one: Pick<ResultAnomaly, 'policy' | 'known'>): boolean =>
  one.policy === 'illegal' && (one.known === null || result.options.strict === true);

function fail(testCase: TestCase, message: string, type: string, details: string): void {
  testCase.failure(visible(message), visible(type));
  testCase.stacktrace(section(details));
}

function describeFinding(result: RunResult, finding: Finding): string {
  const { example } = finding;
  const command = replayCommand(result, example);
  const path = planPath(result, example.scenarioIndex);
  return [
    `${finding.property}: ${finding.signature} (${count(finding.count, 'time')} in ${count(finding.scenarios, 'scenario')})`,
    ...(finding.known === null ? [] : [`  known as ${finding.known}`]),
    `  ${example.message}`,
    `  scenario: ${example.scenario}${path === null ? '' : ` (${path})`}`,
    ...example.account.map((line) => `    ${line}`),
    ...(command === null ? [] : [`  replay: ${command}`]),
  ].join('\n');
}

function listed(anomalies: readonly ResultAnomaly[]): string[] {
  const lines = anomalies.slice(0, ANOMALIES_MAX).map((one) => `${one.property}: ${one.message}`);
  const rest = anomalies.length - lines.length;
  return rest === 0 ? lines : [...lines, `and ${rest} more`];
}

/**
 * Text for a CDATA section, lines kept. The XML package takes care of the first end mark in a text only, so none may
 * be left in it.
 */
const section = (text: string): string => visibleLines(text).replaceAll(']]>', ']]&gt;');

const seconds = (value: number): number => Number(value.toFixed(3));
