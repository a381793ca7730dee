/**
 * What a person reads in a terminal: a `RunResult` enters, the summary leaves; and while a command works, its state
 * enters and one line of progress leaves.
 */
import pc from 'picocolors';
import type { Outcome } from '../properties/property.ts';
import { count } from './describe-event.ts';
import { shorten, visible } from './escape.ts';
import { commandsOf, planPath, replayCommands } from './replay-command.ts';
import { type Finding, findingsOf, outcomeOf, type ResultAnomaly, type RunResult } from './results.ts';

type Colors = ReturnType<typeof pc.createColors>;

const WIDTH_MIN = 50;
const WIDTH_DEFAULT = 100;
/** Findings told in full; the report has the rest. */
const BLOCKS_MAX = 20;
/** Events of a finding's account that fit below it. */
const ACCOUNT_LINES_MAX = 6;
const UNKNOWN_LINES_MAX = 8;

/** Colour only where a person looks: on a terminal that can, and unless NO_COLOR says no (no-color.org). */
export const shouldUseColor = (
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): boolean => stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';

/** The whole summary, with a line end. */
export function renderSummary(
  result: RunResult,
  { color, width = WIDTH_DEFAULT }: { readonly color: boolean; readonly width?: number },
): string {
  const colors = pc.createColors(color);
  const columns = Math.max(WIDTH_MIN, width);
  const findings = findingsOf(result);
  const illegal = findings.filter((finding) => finding.policy === 'illegal');
  const observed = findings.filter((finding) => finding.policy === 'observed');
  const sections = [
    verdictLines(result, findings, colors, columns),
    propertyTable(result, colors, columns),
    ...illegal.slice(0, BLOCKS_MAX).map((finding) => failureBlock(result, finding, colors, columns)),
    illegal.length > BLOCKS_MAX
      ? [`${count(illegal.length - BLOCKS_MAX, 'more finding')} in the report.`]
      : [],
    rateLines(result, columns),
    observedLines(observed, colors, columns),
    unknownLines(result, colors, columns),
    duplicateLines(result),
    figureLines(result, columns),
    whereLines(result, colors),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const outcomeColor = (colors: Colors, outcome: Outcome): ((text: string) => string) =>
  outcome === 'valid' ? colors.green : outcome === 'invalid' ? colors.red : colors.yellow;

function verdictLines(
  result: RunResult,
  findings: readonly Finding[],
  colors: Colors,
  columns: number,
): string[] {
  const outcome = outcomeOf(result);
  const illegal = findings.filter((finding) => finding.policy === 'illegal');
  const fresh = illegal.filter((finding) => finding.known === null);
  const { run, valid, invalid, unknown } = result.scenarios;
  const what =
    run === 0
      ? 'no scenario was judged'
      : fresh.length > 0
        ? `${count(fresh.length, 'new finding')} in ${count(run, 'scenario')}`
        : illegal.length > 0
          ? `nothing new in ${count(run, 'scenario')}, ${count(illegal.length, 'known issue')} seen`
          : unknown > 0
            ? `no verdict on ${count(unknown, 'scenario')} of ${run}`
            : `every property held in ${count(run, 'scenario')}`;
  const subject = [
    `${result.client.name} ${result.client.version}`,
    ...(result.mutant === null ? [] : [`broken on purpose (${result.mutant})`]),
    worldNames[result.world],
    ...(result.seed === null ? [] : [`seed ${result.seed}`]),
  ];
  return [
    `${outcomeColor(colors, outcome)(colors.bold(outcome.toUpperCase()))}: ${what}`,
    ...wrap(visible(subject.join(', ')), columns, '  '),
    `  ${count(run, 'scenario')}: ${valid} valid, ${invalid} invalid, ${unknown} unknown`,
    ...(result.interrupted ? ['  Stopped before the end; this is what was found until then.'] : []),
  ];
}

const worldNames = { kafka: 'real Apache Kafka', simulated: 'simulated world' } as const;

function propertyTable(result: RunResult, colors: Colors, columns: number): string[] {
  if (result.properties.length === 0) return [];
  const numberWidth = 10;
  const nameWidth = Math.min(
    columns - 3 * numberWidth - 2,
    Math.max(8, ...result.properties.map((property) => property.id.length)),
  );
  const cells = (name: string, ...numbers: string[]): string =>
    `${shorten(visible(name), nameWidth).padEnd(nameWidth)}${numbers.map((one) => one.padStart(numberWidth)).join('')}`;
  const rows = result.properties.map(({ id, illegal, observed, checked }) => {
    const row = cells(id, String(illegal), String(observed), String(checked));
    if (illegal > 0) return `${colors.red('✗')} ${colors.red(row)}`;
    return checked === 0 ? `${colors.dim('-')} ${colors.dim(row)}` : `${colors.green('✓')} ${row}`;
  });
  return [`  ${colors.dim(cells('property', 'illegal', 'observed', 'checked'))}`, ...rows];
}

/** A replay repeats what may be one scenario, and the share of the runs that failed is what it is about. */
function howOften(result: RunResult, finding: Finding): string {
  const { run } = result.scenarios;
  if (result.command === 'replay') return `in ${finding.scenarios} of ${count(run, 'run')}`;
  return finding.count === 1
    ? 'once'
    : `${finding.count} times in ${finding.scenarios} of ${count(run, 'scenario')}`;
}

function failureBlock(result: RunResult, finding: Finding, colors: Colors, columns: number): string[] {
  const { example } = finding;
  const times = howOften(result, finding);
  const paint = finding.known === null ? colors.red : colors.yellow;
  const account = example.account.slice(-ACCOUNT_LINES_MAX);
  return [
    ...wrap(visible(`${finding.property}: ${finding.signature}, ${times}`), columns, '✗ ', '  ').map((line) =>
      paint(colors.bold(line)),
    ),
    ...(finding.known === null ? [] : labelled('known as', finding.known, columns)),
    ...wrap(visible(example.message), columns, '    '),
    ...labelled('scenario', describeScenario(result, example), columns),
    ...(example.scenarioFile === null ? [] : [`    file      ${visible(example.scenarioFile)}`]),
    ...account.flatMap((line, index) => labelled(index === 0 ? 'events' : '', line, columns)),
    ...labelled('versions', versionsOf(result), columns),
    ...replayLines(result, example, colors, columns),
  ];
}

/** Whoever gets the block alone has to know what ran. */
const versionsOf = ({ client, versions }: RunResult): string =>
  [
    `${client.name} ${client.version}`,
    ...Object.entries(versions).map(([name, one]) => `${name} ${one}`),
  ].join(', ');

/** Not wrapped: they are there to be copied. */
function replayLines(result: RunResult, example: ResultAnomaly, colors: Colors, columns: number): string[] {
  const commands = commandsOf(result, example);
  if (commands === null) return [];
  const { simulated, kafka, whyNotKafka } = commands;
  const line = (label: string, command: string): string =>
    `    ${label.padEnd(10)}${colors.cyan(visible(command))}`;
  if (result.world === 'kafka' && kafka !== null)
    return [line('replay', kafka), line('simulated', simulated)];
  const { shrunkFile = null } = example;
  const small = replayCommands(result, { scenarioFile: shrunkFile })?.simulated;
  return [
    line('replay', simulated),
    ...(small === undefined ? [] : [line('small', small)]),
    ...(kafka === null
      ? labelled('on Kafka', `not possible: ${whyNotKafka[0]}`, columns)
      : [line('on Kafka', kafka)]),
  ];
}

function describeScenario(result: RunResult, { scenario, scenarioIndex }: ResultAnomaly): string {
  const path = planPath(result, scenarioIndex);
  return path === null ? scenario : `${scenario}, ${path} (seed:index) on any machine`;
}

const labelled = (label: string, text: string, columns: number): string[] =>
  wrap(visible(text), columns, `    ${label.padEnd(10)}`, ' '.repeat(14));

function rateLines(result: RunResult, columns: number): string[] {
  if (result.rates.length === 0) return [];
  return [
    'How often it came again:',
    ...result.rates.flatMap(({ scenario, property, signature, failed, times }) =>
      wrap(
        visible(`${failed} of ${count(times, 'repetition')} of ${scenario}: ${property}, ${signature}`),
        columns,
        '  ',
        '      ',
      ),
    ),
  ];
}

function observedLines(observed: readonly Finding[], colors: Colors, columns: number): string[] {
  if (observed.length === 0) return [];
  return [
    'Seen, and allowed by these configurations:',
    ...observed
      .slice(0, BLOCKS_MAX)
      .flatMap((finding) =>
        wrap(
          visible(`${finding.property}: ${finding.signature}, ${count(finding.count, 'time')}`),
          columns,
          '  ',
          '      ',
        ).map((line) => colors.dim(line)),
      ),
  ];
}

function unknownLines(result: RunResult, colors: Colors, columns: number): string[] {
  const reasons = new Map<string, number>();
  for (const one of result.results)
    for (const reason of one.unknown) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  if (reasons.size === 0) return [];
  const sorted = [...reasons].sort((a, b) => b[1] - a[1]);
  const rest = sorted.length - UNKNOWN_LINES_MAX;
  return [
    colors.yellow('Why there is no verdict on some scenarios:'),
    ...sorted
      .slice(0, UNKNOWN_LINES_MAX)
      .flatMap(([reason, times]) =>
        wrap(`${visible(reason)} (${count(times, 'time')})`, columns, '  ', '      '),
      ),
    ...(rest > 0 ? [`  and ${count(rest, 'more reason')}`] : []),
  ];
}

function duplicateLines(result: RunResult): string[] {
  const { total, byCause } = result.duplicates;
  if (total === 0) return [];
  const rows = Object.entries(byCause).sort((a, b) => b[1] - a[1]);
  const nameWidth = Math.max(...rows.map(([cause]) => cause.length));
  return [
    `Duplicates: ${count(total, 'record')} processed again, by cause`,
    ...rows.map(([cause, records]) => `  ${visible(cause).padEnd(nameWidth)}${String(records).padStart(8)}`),
  ];
}

function figureLines(result: RunResult, columns: number): string[] {
  const goals = Object.values(result.goals);
  const reached = goals.filter((times) => times > 0).length;
  const figures = [
    `${formatNumber(result.wallSeconds)} s in all`,
    `${formatNumber(result.cpuSeconds)} s of CPU time`,
    `${formatNumber(result.virtualSeconds)} s of scenario time`,
    ...(goals.length === 0 ? [] : [`${reached} of ${count(goals.length, 'goal')} reached`]),
    ...(result.traceHash === null ? [] : [`trace ${result.traceHash}`]),
  ];
  return wrap(visible(figures.join(', ')), columns, '');
}

function whereLines(result: RunResult, colors: Colors): string[] {
  const lines: string[] = [];
  if (result.reportFile !== null) lines.push(`Report     ${colors.cyan(visible(result.reportFile))}`);
  if (result.runDirectory !== null) lines.push(`Directory  ${visible(result.runDirectory)}`);
  return lines;
}

const formatNumber = (value: number): string =>
  value < 100 ? value.toFixed(1) : Math.round(value).toString();

/** Breaks a text between words (inside words that are too long) and puts an indent before each line. */
export function wrap(text: string, columns: number, first: string, next = first): string[] {
  const room = Math.max(20, columns - Math.max(first.length, next.length));
  const lines: string[] = [];
  let line = '';
  // Inner runs of spaces stay: accounts align their times with them.
  for (const word of text.split(/(?<=\S)(?=\s)/)) {
    if (line.length + word.length <= room) {
      line += word;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word.trimStart();
    while (line.length > room) {
      lines.push(line.slice(0, room));
      line = line.slice(room);
    }
  }
  lines.push(line);
  return lines.map((one, index) => `${index === 0 ? first : next}${one}`.trimEnd());
}

/** Where a command stands. */
export interface ProgressState {
  readonly scenariosDone: number;
  /** Null where a time limit, not a number, ends the command. */
  readonly scenariosPlanned: number | null;
  readonly elapsedSeconds: number;
  /** Null where a number, not a time limit, ends the command. */
  readonly timeLimitSeconds: number | null;
  readonly virtualSeconds: number;
  /** Illegal anomalies so far. */
  readonly anomalies: number;
  readonly unknown: number;
  /** What happens before the first scenario can, such as `starting Kafka 4.3.1`, or null. */
  readonly phase: string | null;
}

/** One line, never wider than the terminal. */
export function renderProgress(
  state: ProgressState,
  { color, width = WIDTH_DEFAULT }: { readonly color: boolean; readonly width?: number },
): string {
  const colors = pc.createColors(color);
  const parts = [
    state.scenariosPlanned === null
      ? count(state.scenariosDone, 'scenario')
      : `${state.scenariosDone} of ${count(state.scenariosPlanned, 'scenario')}`,
    `${count(state.anomalies, 'anomaly', 'anomalies')}`,
    ...(state.unknown === 0 ? [] : [`${state.unknown} unknown`]),
    ...rateParts(state),
    ...(state.phase === null ? [] : [state.phase]),
  ];
  const text = shorten(visible(parts.join(' · ')), Math.max(20, width - 1));
  return state.anomalies > 0 ? colors.red(text) : text;
}

function rateParts(state: ProgressState): string[] {
  const { scenariosDone, elapsedSeconds, scenariosPlanned, timeLimitSeconds } = state;
  const parts: string[] = [];
  if (scenariosDone > 0 && elapsedSeconds > 0) {
    const perSecond = scenariosDone / elapsedSeconds;
    parts.push(
      perSecond >= 1 ? `${perSecond.toFixed(1)} per second` : `${(perSecond * 60).toFixed(1)} per minute`,
    );
    parts.push(`${formatNumber(state.virtualSeconds / elapsedSeconds)} scenario seconds per second`);
  }
  const left = [
    ...(timeLimitSeconds === null ? [] : [timeLimitSeconds - elapsedSeconds]),
    ...(scenariosPlanned === null || scenariosDone === 0
      ? []
      : [((scenariosPlanned - scenariosDone) * elapsedSeconds) / scenariosDone]),
  ];
  if (left.length > 0) parts.push(`${formatClock(Math.max(0, Math.min(...left)))} left`);
  return parts;
}

/** `45 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatClock(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} min`;
}

/** Between two drawings on a terminal, and between two lines where there is none. */
const REDRAW_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 15_000;

/** The stream that progress goes to: standard error, so that standard output keeps to the result. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/**
 * Shows progress: on a terminal one line that is drawn over, elsewhere a plain line from time to time. It sets no
 * timer; whoever works calls `update` as often as something changes.
 */
export class ProgressDisplay {
  readonly #stream: ProgressStream;
  readonly #color: boolean;
  readonly #now: () => number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #drawn = false;

  /** @param now a clock in milliseconds */
  constructor(
    stream: ProgressStream,
    { color, now }: { readonly color: boolean; readonly now: () => number },
  ) {
    this.#stream = stream;
    this.#color = color;
    this.#now = now;
  }

  update(state: ProgressState): void {
    this.#draw((width) => renderProgress(state, { color: this.#color && Number.isFinite(width), width }));
  }

  /** Shows a line of the caller's own in the same way. */
  show(line: string): void {
    this.#draw((width) => shorten(visible(line), width));
  }

  /** @param lineOf told how wide the line may be */
  #draw(lineOf: (width: number) => string): void {
    const terminal = this.#stream.isTTY === true;
    const nowMs = this.#now();
    if (nowMs - this.#lastMs < (terminal ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    this.#lastMs = nowMs;
    if (terminal) {
      this.#stream.write(`\r\x1b[2K${lineOf(this.#stream.columns ?? WIDTH_DEFAULT)}`);
      this.#drawn = true;
    } else {
      // A log takes long lines; cutting them would lose the time left.
      this.#stream.write(`${lineOf(Number.POSITIVE_INFINITY)}\n`);
    }
  }

  /** Takes the line away, so that the next text begins on a clean one; the next update draws it again. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\x1b[2K');
    this.#drawn = false;
    if (this.#stream.isTTY === true) this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}
