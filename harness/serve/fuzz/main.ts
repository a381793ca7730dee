/**
 * `npm run fuzz:protocol`: generated sequences of raw requests go to the simulated cluster and to real Kafka; unexplained
 * differences leave as files that a test can run again, and an exit code: 0 none, 1 some, 2 bad input, 3 no real Kafka.
 * With --sasl they go to a listener on which clients have to log in.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileNames } from '../../cluster/profiles.ts';
import { exitCodes, UsageError } from '../../errors.ts';
import { readOptions, runTool, wholeNumber } from '../../tool.ts';
import { packageRoot } from '../../version.ts';
import { startClusterSet } from '../../world/kafka/cluster-set.ts';
import { startCluster } from '../index.ts';
import { addScramUsers, realGuard, simulatedGuard } from './guard.ts';
import { type Failure, Search, signatureOf } from './search.ts';
import { realSettings, simulatedSettings } from './settings.ts';

const values = readOptions({
  runs: { type: 'string', default: '100' },
  seed: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '8' },
  profile: { type: 'string', default: '4.3' },
  image: { type: 'string' },
  brokers: { type: 'string' },
  sasl: { type: 'boolean', default: false },
  out: { type: 'string', default: 'reports/out/fuzz' },
});

const SAMPLES_MAX = 40;
const PROGRESS_EVERY = 500;

async function main(signal: AbortSignal): Promise<number> {
  const runs = wholeNumber('runs', values.runs, 1e6);
  const seed = wholeNumber('seed', values.seed, 1e6);
  const jobs = wholeNumber('jobs', values.jobs, 64);
  const profile = profileNames.find((name) => name === values.profile);
  if (profile === undefined) throw new UsageError(`--profile is one of ${profileNames.join(', ')}.`);
  const isGuarded = values.sasl;
  if (isGuarded && values.brokers !== undefined)
    throw new UsageError('--sasl needs a Kafka with users of its own: leave out --brokers.');
  const mistakes: unknown[] = [];
  await using simulated = await startCluster(
    { profile, settings: simulatedSettings, sasl: isGuarded ? simulatedGuard : null },
    { onFailure: (error) => mistakes.push(error) },
  );
  await using started =
    values.brokers === undefined
      ? await startClusterSet({
          brokerCount: 1,
          sessionId: randomUUID(),
          groupInitialRebalanceDelayMs: 0,
          extraSettings: isGuarded ? { ...realSettings, ...realGuard } : realSettings,
          hasSaslListener: isGuarded,
          ...(values.image === undefined ? {} : { image: values.image }),
          onProgress: (sentence) => process.stderr.write(`${sentence}\n`),
        })
      : null;
  const plain = values.brokers ?? started?.bootstrapServers[0] ?? '';
  if (isGuarded) await addScramUsers(plain);
  const real = isGuarded ? (started?.saslBootstrapServers[0] ?? '') : plain;
  const search = new Search({ simulated: simulated.bootstrapServers[0] ?? '', real, profile, isGuarded });

  const bySignature = new Map<string, Failure[]>();
  const done = await search.search(
    seed,
    runs,
    jobs,
    (failure) => {
      const signature = signatureOf(failure.sequence, failure.difference);
      bySignature.set(signature, [...(bySignature.get(signature) ?? []), failure]);
    },
    () => bySignature.size >= SAMPLES_MAX || signal.aborted,
    (count) => {
      if (count % PROGRESS_EVERY === 0)
        process.stderr.write(`${count} sequences, ${bySignature.size} differences\n`);
    },
  );
  const folder = join(packageRoot, values.out);
  mkdirSync(folder, { recursive: true });
  for (const [signature, failures] of bySignature) {
    const [first] = failures as [Failure];
    const { sequence, difference } = await search.shrink(first);
    const file = join(folder, `${seed}-${first.index}.json`);
    writeFileSync(file, `${JSON.stringify({ note: signature, ...sequence }, null, 2)}\n`);
    const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 300);
    process.stdout.write(
      `${signature}: ${failures.length} of ${done}, such as ${file}\n` +
        `  at step ${difference.step + 1} of ${sequence.steps.length}, ${difference.path}\n` +
        `  simulated: ${show(difference.simulated)}\n  real:      ${show(difference.real)}\n` +
        sequence.steps.map((step) => `  > ${JSON.stringify(step).slice(0, 600)}\n`).join(''),
    );
  }
  for (const mistake of mistakes)
    process.stderr.write(`The simulated cluster made a mistake: ${(mistake as Error).stack}\n`);
  for (const [reason, count] of search.known) process.stdout.write(`known, ${count} times: ${reason}\n`);
  process.stdout.write(
    `${done} sequences, seed ${seed}, profile ${profile}: ${bySignature.size} unexplained differences\n`,
  );
  return bySignature.size + mistakes.length === 0 ? exitCodes.valid : exitCodes.invalid;
}

await runTool(main);
