/**
 * `npm run bench:shrink`: failures that the generator finds enter, each is made smaller and then run again and again; how
 * long that took, how small it became and whether its replays are the same run leave, with the medians beside their targets.
 */
import { catalogue } from '../../properties/index.ts';
import { isProfileName } from '../../scenarios/arbitrary.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { type Executor, inThisThread, type Plan, type Ran } from '../runner/unit.ts';
import { failureOf, shrink } from '../shrink/shrink.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { spreadOf } from './statistics.ts';

const values = readOptions({
  failures: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  profile: { type: 'string', default: 'default' },
  client: { type: 'string', default: 'kafkajs' },
  time: { type: 'string', default: '60' },
  replays: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
});

const medianOf = (numbers: readonly number[]): number => spreadOf(numbers).median;

const sizeOf = ({ scenario }: { scenario: Ran['scenario'] }) => ({
  members: scenario.groups.reduce((sum, { members }) => sum + members.length, 0),
  actions: scenario.actions.length,
});

/** What has to be reached. */
const TARGETS = { seconds: 10, members: 3, actions: 6 } as const;

/** How many of so many runs of the shrunk scenario have the trace that it had when it was shrunk. */
async function countIdentical(
  executor: Executor,
  { scenario, traceHash }: Ran,
  replays: number,
  signal: AbortSignal,
): Promise<number> {
  let identical = 0;
  for (let i = 0; i < replays; i++) {
    const again = await executor.execute({ index: 0, scenario }, signal);
    if (traceHash !== null && again.traceHash === traceHash) identical++;
  }
  return identical;
}

async function main(signal: AbortSignal): Promise<number> {
  const { profile, client } = values;
  if (!isProfileName(profile)) throw new UsageError(`There is no profile '${profile}'.`);
  const subject = { client, mutant: null };
  await using world = new SimulatedWorld();
  const replays = wholeNumber('replays', values.replays);
  const measured = [];
  for (let index = 0; measured.length < wholeNumber('failures', values.failures); index++) {
    const plan: Plan = { index, seed: wholeNumber('seed', values.seed), profile };
    await using all = inThisThread({ world, subject, properties: catalogue });
    const ran = await all.execute(plan, signal);
    const anomaly = ran.verdict.anomalies.find(({ policy }) => policy === 'illegal');
    if (anomaly === undefined) continue;
    await using one = inThisThread({
      world,
      subject,
      properties: catalogue.filter(({ id }) => id === anomaly.property),
    });
    const startedMs = performance.now();
    const startedCpu = process.cpuUsage();
    const shrunk = await shrink(ran, failureOf(anomaly), {
      executor: one,
      timeMs: wholeNumber('time', values.time) * 1_000,
      signal,
      onStep: () => {},
    });
    const wallSeconds = Math.round((performance.now() - startedMs) / 10) / 100;
    const cpu = process.cpuUsage(startedCpu);
    const figure = {
      scenario: ran.scenario.name,
      property: anomaly.property,
      signature: anomaly.signature,
      before: sizeOf(ran),
      after: sizeOf(shrunk.ran),
      attempts: shrunk.attempts,
      steps: shrunk.steps,
      ended: shrunk.ended,
      cpuSeconds: Math.round((cpu.user + cpu.system) / 10_000) / 100,
      wallSeconds,
      identicalReplays: await countIdentical(one, shrunk.ran, replays, signal),
    };
    measured.push(figure);
    if (!values.json)
      console.log(
        `${figure.scenario.padEnd(12)} ${figure.before.members} members, ${figure.before.actions} actions -> ${figure.after.members}, ${figure.after.actions}; ` +
          `${figure.attempts} attempts, ${figure.cpuSeconds} s CPU, ${figure.wallSeconds} s (${figure.ended}), ${figure.identicalReplays} of ${replays} replays identical; ${figure.property}: ${figure.signature}`,
      );
  }
  const result = {
    failures: measured.length,
    median: {
      cpuSeconds: medianOf(measured.map(({ cpuSeconds }) => cpuSeconds)),
      wallSeconds: medianOf(measured.map(({ wallSeconds }) => wallSeconds)),
      members: medianOf(measured.map(({ after }) => after.members)),
      actions: medianOf(measured.map(({ after }) => after.actions)),
    },
    small: measured.filter(
      ({ after }) => after.members <= TARGETS.members && after.actions <= TARGETS.actions,
    ).length,
    replays: measured.length * replays,
    identicalReplays: measured.reduce((sum, { identicalReplays }) => sum + identicalReplays, 0),
    targets: TARGETS,
  };
  if (values.json) console.log(JSON.stringify({ ...result, measured }, null, 2));
  else
    console.log(
      `median of ${result.failures}: ${result.median.cpuSeconds} s CPU, ${result.median.wallSeconds} s (at most ${TARGETS.seconds} are asked for), ` +
        `${result.median.members} members (${TARGETS.members}), ${result.median.actions} actions (${TARGETS.actions}); ` +
        `as small as that: ${result.small} of ${result.failures}; replays identical: ${result.identicalReplays} of ${result.replays}`,
    );
  return exitCodes.valid;
}

await runTool(main);
