/**
 * The programs on Apache's own kafka-clients (harness/client/reference/testing/java): nothing enters, and they leave compiled,
 * with the class path to run them by. Maven fetches the jars, at the version that the harness tests against.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../version.ts';
import { DEFAULT_KAFKA_VERSION } from '../../world/kafka/image-name.ts';
import type { Driver } from '../../world/world.ts';
import { warmUpCommands } from './warm-up.ts';

const sources = path.join(packageRoot, 'harness', 'client', 'reference', 'testing', 'java');
const TIMEOUT_MS = 180_000;

export interface JavaProgram extends AsyncDisposable {
  readonly classPath: string;
  readonly folder: string;
  /** Of Kafka's client. */
  readonly version: string;
}

/**
 * @returns what the command wrote to standard output
 * @throws Error with the last words of the program, where it fails
 */
export const runProgram = (command: string, commandArguments: string[], input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(
      command,
      commandArguments,
      { maxBuffer: 2 ** 28, timeout: TIMEOUT_MS },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command}: ${error.message}\n${stdout.slice(-2_000)}`));
      },
    );
    // Where the process ends early, its exit code says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });

/**
 * @param folder of the programs; the jars are the same for all
 * @throws Error with Maven's last words; what it compiled is removed when the program is disposed of
 */
export async function compileJava(folder = sources): Promise<JavaProgram> {
  const work = await mkdtemp(path.join(tmpdir(), 'kafka-trial-java-'));
  const remove = async (): Promise<void> => await rm(work, { recursive: true, force: true });
  try {
    const jars = path.join(work, 'class-path');
    await runProgram('mvn', [
      ...['--batch-mode', '--no-transfer-progress', '-f', path.join(sources, 'pom.xml')],
      ...[
        `-Dkafka.version=${DEFAULT_KAFKA_VERSION}`,
        `-Dbuild=${work}`,
        `-Dsources=${folder}`,
        `-Dmdep.outputFile=${jars}`,
      ],
      ...['compile', 'dependency:build-classpath'],
    ]);
    // An archive of classes takes none from a folder.
    const jar = path.join(work, 'programs.jar');
    await runProgram('jar', ['--create', '--file', jar, '-C', path.join(work, 'classes'), '.']);
    const classPath = `${jar}:${(await readFile(jars, 'utf8')).trim()}`;
    return { classPath, folder: work, version: DEFAULT_KAFKA_VERSION, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Half of what a short-lived JVM costs is its optimising compiler, and most of its memory goes unused. */
const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m'];
const LOG_OPTION = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';

/**
 * The Java client as a subject of the Kafka world. Scenarios count on members that are there within a second, so that the
 * classes are loaded from an archive, which is made here.
 */
export async function openJavaDriver({ classPath, folder, version }: JavaProgram): Promise<Driver> {
  const archive = path.join(folder, 'classes.jsa');
  const options = [...JVM_OPTIONS, LOG_OPTION, '-cp', classPath];
  await runProgram('java', [`-XX:ArchiveClassesAtExit=${archive}`, ...options, 'WarmUp'], warmUpCommands);
  return {
    version,
    command: 'java',
    arguments: [`-XX:SharedArchiveFile=${archive}`, ...options, 'Driver'],
    environment: { PATH: process.env.PATH ?? '' },
  };
}
