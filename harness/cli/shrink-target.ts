/**
 * The work of `kafka-trial shrink`: a target and the options enter; the scenario is run, made smaller and written with an
 * account of what happens in it, and an exit code leaves.
 */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { catalogue } from '../../properties/index.ts';
import type { JudgedAnomaly } from '../../properties/property.ts';
import { renderShrink, renderShrinkJson, type ShrinkResult, sizeOf } from '../../reports/shrink-result.ts';
import type { Finding } from '../../scenarios/finding.ts';
import { type ExitCode, exitCodes, UsageError, WorldUnavailableError } from '../errors.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { forSubject, inThisThread, type Ran } from '../runner/unit.ts';
import { toFinding } from '../shrink/finding.ts';
import { keepApplication } from '../shrink/keep-application.ts';
import { failureOf, findFailure, type Shrunk, shrink } from '../shrink/shrink.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { listenForInterruption } from './interrupt.ts';
import { selectProperties, type TrialOptions } from './options.ts';
import { colorOf, Output } from './output.ts';
import { DEFAULT_CLIENT, openSubject, type SubjectOptions } from './subject.ts';
import { readTarget, type Target } from './target.ts';
import { refuse } from './worlds.ts';

export interface ShrinkCommandOptions extends Pick<TrialOptions, 'json'>, Omit<SubjectOptions, 'client'> {
  /** Unset: the one that the target was recorded with, or kafkajs. */
  readonly client?: string;
  readonly property?: string;
  readonly signature?: string;
  readonly time: number;
  readonly out?: string;
}

/** @throws UsageError where there is nothing to make smaller */
export async function shrinkTarget(name: string, options: ShrinkCommandOptions): Promise<ExitCode> {
  if (options.property !== undefined) selectProperties(options.property);
  const target = await oneTarget(name);
  const { recorded } = target;
  const mutant = options.mutant ?? recorded?.mutant;
  await using opened = await openSubject({
    ...options,
    client: options.client ?? recorded?.client ?? DEFAULT_CLIENT,
    ...(mutant === undefined || mutant === null ? {} : { mutant }),
  });
  const { subject } = opened;
  const scenario = forSubject(target.scenario, subject);
  await refuse('sim', [scenario], subject, true);
  const client = describeSubject(subject);
  const output = new Output(process.stderr);
  using interruption = listenForInterruption((sentence) => output.say(sentence));
  const { signal } = interruption;
  const startedMs = performance.now();
  await using world = new SimulatedWorld();
  const all = keepApplication(inThisThread({ world, subject, properties: catalogue }), subject, scenario);
  const ran = await all.execute({ index: 1, scenario }, signal);
  if (ran.failure !== null) throw ran.failure;
  const failure = failureOf(selectAnomaly(ran, options));
  const shrunk = await shrink(ran, failure, {
    executor: keepApplication(
      inThisThread({ world, subject, properties: catalogue.filter(({ id }) => id === failure.property) }),
      subject,
      scenario,
    ),
    timeMs: options.time,
    signal,
    onStep: ({ smallest, attempts, steps }) => {
      const { members, actions } = sizeOf(smallest);
      output.status(`${members} members, ${actions} actions after ${steps} steps of ${attempts} attempts`);
    },
  });
  // Once more with every property, so that the account has everything that comes of it; not interrupted, since it is
  // the last thing to do.
  const last = await all.execute({ index: 1, scenario: shrunk.smallest }, new AbortController().signal);
  const anomaly = findFailure(last, failure);
  if (last.history === null || anomaly === undefined)
    throw new WorldUnavailableError('The smallest scenario did not fail again when it was run once more.');
  output.end();
  const finding = toFinding(last, anomaly, subject);
  const file = options.out ?? defaultFile(target);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, [`${JSON.stringify(finding, null, 2)}\n`]);
  const seconds = (performance.now() - startedMs) / 1_000;
  show(toResult(target, shrunk, finding, { client, file, seconds }), options, opened.words);
  return shrunk.ended === 'interrupted' ? exitCodes.unknown : exitCodes.valid;
}

async function oneTarget(name: string): Promise<Target> {
  const targets = await readTarget(name);
  const [first] = targets;
  if (first === undefined || targets.length > 1)
    throw new UsageError(`'${name}' has ${targets.length} scenarios, and shrink takes one.`, {
      hint: 'Name one of the directories below its scenarios/.',
    });
  return first;
}

/** @throws UsageError that says what fails in the scenario */
function selectAnomaly({ verdict }: Ran, { property, signature }: ShrinkCommandOptions): JudgedAnomaly {
  const illegalFirst = verdict.anomalies.toSorted((a, b) => rank(a) - rank(b));
  const found = illegalFirst.find(
    (one) =>
      (property === undefined ? one.policy === 'illegal' : one.property === property) &&
      (signature === undefined || one.signature === signature),
  );
  if (found !== undefined) return found;
  const kinds = [
    ...new Set(verdict.anomalies.map((one) => `${one.property} (${one.policy}): ${one.signature}`)),
  ];
  throw new UsageError('The scenario does not fail so, and there is nothing to make smaller.', {
    hint: kinds.length === 0 ? 'Every property holds in it.' : `What happens in it is: ${kinds.join('; ')}.`,
  });
}

const rank = ({ policy }: JudgedAnomaly): number => (policy === 'illegal' ? 0 : 1);

/** Beside the target, where a run's report finds it too; or among the generated reports where that was a seed. */
function defaultFile({ scenario, file }: Target): string {
  if (file === null) return join('reports', 'out', `${scenario.name}.shrunk.json`);
  const name = basename(file, '.json').replace(/\.?shrunk$/, '');
  return join(dirname(file), name === 'scenario' || name === '' ? 'shrunk.json' : `${name}.shrunk.json`);
}

function toResult(
  target: Target,
  shrunk: Shrunk,
  { finding, scenario }: Finding,
  { client, file, seconds }: { client: ShrinkResult['client']; file: string; seconds: number },
): ShrinkResult {
  const { property, signature, policy, text, recorded } = finding;
  return {
    schema: 1,
    command: 'shrink',
    client,
    property,
    signature,
    policy,
    before: { ...sizeOf(target.scenario), scenarioFile: target.file },
    after: { ...sizeOf(scenario), scenarioFile: file },
    attempts: shrunk.attempts,
    steps: shrunk.steps,
    ended: shrunk.ended,
    seconds: Math.round(seconds * 1_000) / 1_000,
    traceHash: recorded.traceHash,
    text,
  };
}

function show(result: ShrinkResult, { json }: ShrinkCommandOptions, words: readonly string[]): void {
  process.stdout.write(
    json === true
      ? renderShrinkJson(result)
      : renderShrink(result, { color: colorOf(process.stdout), width: process.stdout.columns ?? 100, words }),
  );
}
