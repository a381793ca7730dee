/**
 * `npm run bench:shrink`: failures that the generator finds enter, each is made smaller; how long that took and how small
 * it became leave, with the medians beside their targets.
 */
import { parseArgs } from 'node:util';
import { catalogue } from '../../properties/index.ts';
import { isProfileName } from '../../scenarios/arbitrary.ts';
import { UsageError } from '../errors.ts';
import { inThisThread, type Plan, type Ran } from '../runner/unit.ts';
import { failureOf, shrink } from '../shrink/shrink.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { spreadOf } from './statistics.ts';

const { values } = parseArgs({
  options: {
    failures: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    profile: { type: 'string', default: 'default' },
    client: { type: 'string', default: 'kafkajs' },
    time: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const { profile, client } = values;
if (!isProfileName(profile)) throw new UsageError(`There is no profile '${profile}'.`);
const forever = new AbortController().signal;
const subject = { client, mutant: null };
await using world = new SimulatedWorld();

const medianOf = (numbers: readonly number[]): number => spreadOf(numbers).median;

const sizeOf = ({ scenario }: { scenario: Ran['scenario'] }) => ({
  members: scenario.groups.reduce((sum, { members }) => sum + members.length, 0),
  actions: scenario.actions.length,
});

const measured = [];
for (let index = 0; measured.length < Number(values.failures); index++) {
  const plan: Plan = { index, seed: Number(values.seed), profile };
  await using all = inThisThread({ world, subject, properties: catalogue });
  const ran = await all.execute(plan, forever);
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
    timeMs: Number(values.time) * 1_000,
    signal: forever,
    onStep: () => {},
  });
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
    wallSeconds: Math.round((performance.now() - startedMs) / 10) / 100,
  };
  measured.push(figure);
  if (!values.json)
    console.log(
      `${figure.scenario.padEnd(12)} ${figure.before.members} members, ${figure.before.actions} actions -> ${figure.after.members}, ${figure.after.actions}; ` +
        `${figure.attempts} attempts, ${figure.cpuSeconds} s CPU, ${figure.wallSeconds} s (${figure.ended}) ${figure.property}: ${figure.signature}`,
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
  small: measured.filter(({ after }) => after.members <= 3 && after.actions <= 6).length,
};
if (values.json) console.log(JSON.stringify({ ...result, measured }, null, 2));
else
  console.log(
    `median of ${result.failures}: ${result.median.cpuSeconds} s CPU, ${result.median.wallSeconds} s, ${result.median.members} members, ${result.median.actions} actions; ` +
      `at most 3 members and 6 actions: ${result.small} of ${result.failures}`,
  );
