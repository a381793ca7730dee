/** Says which worlds' tests this machine can run: the environment enters, the reason for leaving one out leaves. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { defaultKafkaImage } from '../world/kafka/image-name.ts';

const run = promisify(execFile);

/** `missing` is null where the Kafka suite can run, else why it cannot. */
export interface KafkaProject {
  readonly missing: string | null;
}

/**
 * Looks for a Docker daemon and the image.
 * @throws Error where KAFKA_TRIAL_REQUIRE contains `kafka` and something is missing
 */
export async function kafkaProject(): Promise<KafkaProject> {
  const missing = await whatIsMissing();
  const required = (process.env.KAFKA_TRIAL_REQUIRE ?? '').split(',').includes('kafka');
  if (missing !== null && required) throw new Error(`KAFKA_TRIAL_REQUIRE names kafka, but ${missing}`);
  return { missing };
}

async function whatIsMissing(): Promise<string | null> {
  const docker = await answers('docker', ['version', '--format', '{{.Server.Version}}']);
  if (!docker) return 'no Docker daemon answers';
  const image = defaultKafkaImage();
  const present = await answers('docker', ['image', 'inspect', image]);
  return present ? null : `the image ${image} is not on this machine (npm run kafka:image builds it)`;
}

async function answers(command: string, commandArguments: string[]): Promise<boolean> {
  try {
    await run(command, commandArguments, { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
