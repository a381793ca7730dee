/**
 * What `replay --until` and `replay --verbose` add to a replay: a scenario enters; what happened in it is written to
 * standard output, and with `--until` the state at that event.
 */
import { judge } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { causalSlice } from '../../reports/causal-slice.ts';
import { describeEvent } from '../../reports/describe-event.ts';
import { visible } from '../../reports/escape.ts';
import {
  type Inspection,
  inspectionSchema,
  renderHappening,
  renderInspectionJson,
  renderState,
} from '../../reports/inspection.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { type ExitCode, exitCodes, UsageError } from '../errors.ts';
import type { HistoryEvent } from '../history/schema.ts';
import { type Happening, type Inspected, type InspectOptions, inspect, stateAt } from '../runner/inspect.ts';
import { forSubject, refuseFor } from '../runner/unit.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { type EventSelector, findEvent, parseEventSelector } from './event-selector.ts';
import { listenForInterruption } from './interrupt.ts';
import { readWorldConnection, selectProperties, type TrialOptions } from './options.ts';
import { openSubject } from './subject.ts';
import { refuse } from './worlds.ts';

export interface InspectionOptions extends TrialOptions {
  readonly until?: string;
  readonly verbose?: boolean;
  readonly trace?: boolean;
  readonly times: number;
}

/**
 * @returns null where the replay itself is still to come, which has the verdict
 * @throws UsageError for what cannot be looked into
 */
export async function runInspection(
  options: InspectionOptions,
  scenarios: readonly Scenario[],
  configuration: Configuration | null,
): Promise<ExitCode | null> {
  const named = checkInspection(options, scenarios);
  await using opened = await openSubject(options);
  const { subject } = opened;
  if (configuration !== null) refuseFor(subject, configuration, options.config ?? 'The configuration');
  const scenario = forSubject(named, subject, configuration);
  const selector = options.until === undefined ? null : parseEventSelector(options.until);
  readWorldConnection(options);
  await refuse(options.world, [scenario], subject, true);
  const say = (sentence: string): boolean => process.stderr.write(`${sentence}\n`);
  using interruption = listenForInterruption(say);
  const { signal } = interruption;
  const messages = options.verbose === true || options.trace === true;
  const what: InspectOptions = { scenario, subject, messages, signal };
  try {
    const inspected = await inspect(what);
    if (selector === null) {
      if (options.verbose === true) show(inspected.happenings, scenario);
      if (options.trace === true) showTrace(inspected, scenario, selectProperties(options.properties));
      return null;
    }
    await showUntil(selector, inspected, what, options.json === true);
    return exitCodes.valid;
  } catch (error) {
    if (signal.aborted) return exitCodes.unknown;
    throw error;
  }
}

function show(happenings: readonly Happening[], scenario: Scenario): void {
  for (const happening of happenings) process.stdout.write(renderHappening(happening, scenario));
  process.stdout.write('\n');
}

/** What could have mattered to the first anomaly, an illegal one where there is one. */
function showTrace(
  { history, happenings }: Inspected,
  scenario: Scenario,
  properties: readonly Property[],
): void {
  const { anomalies } = judge(history, properties);
  const anomaly = anomalies.find(({ policy }) => policy === 'illegal') ?? anomalies[0];
  if (anomaly === undefined) {
    process.stdout.write('Nothing was found, so there is nothing to trace.\n\n');
    return;
  }
  const slice = causalSlice(happenings, anomaly, scenario);
  process.stdout.write(
    `${visible(`${anomaly.property}: ${anomaly.message}`)}\n` +
      `What could have mattered to it, ${slice.length} of ${happenings.length} events and messages:\n`,
  );
  show(slice, scenario);
}

function checkInspection(
  { world, until, json, times, trace }: InspectionOptions,
  scenarios: readonly Scenario[],
): Scenario {
  if (world === 'kafka')
    throw new UsageError(
      until === undefined
        ? `--${trace === true ? 'trace' : 'verbose'} shows what simulated brokers read and write, so it can be used with --world sim only.`
        : '--until stops virtual time, so it can be used with --world sim only: real Kafka runs on.',
      {
        hint: 'The wire-* and commit-* events in history.jsonl say what went over the sockets of the clients.',
      },
    );
  if (json === true && until === undefined)
    throw new UsageError(
      `--${trace === true ? 'trace' : 'verbose'} is text, and with --json standard output has one JSON document only.`,
      {
        hint: 'Add --until finish: that document holds the messages too.',
      },
    );
  const [scenario] = scenarios;
  if (scenario === undefined || scenarios.length > 1 || times > 1)
    throw new UsageError(
      `--until, --verbose and --trace look into one run, and this would be ${scenarios.length * times}.`,
      {
        hint: 'Name one scenario, such as a directory below scenarios/ of a run directory, and leave out --times.',
      },
    );
  return scenario;
}

async function showUntil(
  selector: EventSelector,
  inspected: Inspected,
  what: InspectOptions,
  json: boolean,
): Promise<void> {
  const { scenario, subject } = what;
  const event = find(selector, inspected);
  const happenings = inspected.happenings.slice(
    0,
    inspected.happenings.findIndex((one) => 'event' in one && one.event === event) + 1,
  );
  const state = await stateAt(what, inspected.arrivals[event.seq] as number);
  if (!json) {
    for (const happening of happenings) process.stdout.write(renderHappening(happening, scenario));
    process.stdout.write(renderState(state, event.seq, describeEvent(event, scenario)));
    return;
  }
  const inspection: Inspection = inspectionSchema.parse({
    schema: 1,
    command: 'replay',
    world: 'simulated',
    client: describeSubject(subject),
    mutant: subject.mutant,
    scenario: { name: scenario.name, seed: scenario.seed },
    until: { asked: selector.text, seq: event.seq },
    happenings,
    state,
  });
  process.stdout.write(renderInspectionJson(inspection));
}

/** Where the world failed, the history has an end that never happened. */
function find(selector: EventSelector, { history, failure }: Inspected): HistoryEvent {
  if (failure === null) return findEvent(selector, history.events);
  try {
    return findEvent(selector, history.events.slice(0, -1));
  } catch {
    throw failure;
  }
}
