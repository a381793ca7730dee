/** Says which tests this machine can run: the environment enters, the reason for leaving some out leaves. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';
import { defaultKafkaImage } from '../world/kafka/image-name.ts';
import { defaultToxiproxyImage } from '../world/kafka/links/image-name.ts';

const run = promisify(execFile);

/** `missing` is null where the suite can run, else why it cannot. */
export interface SuiteProject {
  readonly missing: string | null;
}

/**
 * Looks for a Docker daemon and the images.
 * @throws Error where KAFKA_TRIAL_REQUIRE contains `kafka` and something is missing
 */
export const kafkaProject = async (): Promise<SuiteProject> => required('kafka', await missingForKafka());

/**
 * Looks for a JDK and Maven, with which tests ask Apache's own Java client.
 * @throws Error where KAFKA_TRIAL_REQUIRE contains `java` and something is missing
 */
export const javaProject = async (): Promise<SuiteProject> => required('java', await missingForJava());

/**
 * Looks for a Chromium, in which tests open the HTML report.
 * @throws Error where KAFKA_TRIAL_REQUIRE contains `browser` and there is none
 */
export const browserProject = async (): Promise<SuiteProject> =>
  required('browser', await missingForBrowser());

/** Where Debian puts it, or where KAFKA_TRIAL_CHROMIUM says. */
export const chromiumPath = (): string => process.env.KAFKA_TRIAL_CHROMIUM ?? '/usr/bin/chromium';

function required(name: string, missing: string | null): SuiteProject {
  const isRequired = (process.env.KAFKA_TRIAL_REQUIRE ?? '').split(',').includes(name);
  if (missing !== null && isRequired) throw new Error(`KAFKA_TRIAL_REQUIRE names ${name}, but ${missing}`);
  return { missing };
}

async function missingForJava(): Promise<string | null> {
  // `java` without the compiler, as a JRE has it, runs no source file.
  if (!(await answers('javac', ['-version']))) return 'there is no JDK (on Debian: default-jdk-headless)';
  return (await answers('mvn', ['--version'])) ? null : 'there is no Maven (on Debian: maven)';
}

async function missingForBrowser(): Promise<string | null> {
  try {
    await access(chromiumPath(), constants.X_OK);
    return null;
  } catch {
    return `there is no Chromium at ${chromiumPath()} (on Debian: chromium)`;
  }
}

async function missingForKafka(): Promise<string | null> {
  const docker = await answers('docker', ['version', '--format', '{{.Server.Version}}']);
  if (!docker) return 'no Docker daemon answers';
  const image = defaultKafkaImage();
  if (!(await answers('docker', ['image', 'inspect', image])))
    return `the image ${image} is not on this machine (npm run kafka:image builds it)`;
  const toxiproxy = defaultToxiproxyImage();
  return (await answers('docker', ['image', 'inspect', toxiproxy]))
    ? null
    : `the image ${toxiproxy} is not on this machine (npm run toxiproxy:image builds it)`;
}

async function answers(command: string, commandArguments: string[]): Promise<boolean> {
  try {
    await run(command, commandArguments, { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
