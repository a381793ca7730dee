/**
 * Puts an application of the user's on the stand: its file and what the user says of it enter; it is bundled and asked
 * what it does, and a subject for every world leaves.
 */
import { relative } from 'node:path';
import type { BuiltApplication } from '../world/world.ts';
import { type ApplicationSource, bundleApplication } from './build.ts';
import { probeApplication } from './probe.ts';
import { type ApplicationClaims, shapeOf } from './shape.ts';

export interface ApplicationOptions extends ApplicationSource, ApplicationClaims {
  /** What it finds as its group id, where it does not have one of its own. */
  readonly groupId?: string;
}

export interface OpenedApplication extends AsyncDisposable {
  readonly application: BuiltApplication;
  /** Options of the command line that name it again, for a replay. */
  readonly words: readonly string[];
}

const DEFAULT_GROUP = 'application';
const DEFAULT_TOPIC = 'events';

/** @throws UsageError where it cannot be bundled, does not start, or is nothing that can be put on trial */
export async function openApplication(options: ApplicationOptions): Promise<OpenedApplication> {
  const bundle = await bundleApplication(options);
  try {
    const built = { file: options.file, bundle: bundle.path, clientVersion: bundle.clientVersion };
    const configuration = await probeApplication({
      application: built,
      groupId: options.groupId ?? DEFAULT_GROUP,
      topics: options.topics ?? [DEFAULT_TOPIC],
    });
    return {
      application: { ...built, shape: shapeOf(options.file, configuration, options) },
      words: wordsOf(options),
      [Symbol.asyncDispose]: async () => await bundle[Symbol.asyncDispose](),
    };
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}

/** What a scenario file does not say itself; it has the group's configuration and the values of records. */
function wordsOf({
  file,
  topics,
  outputTopics,
  groupId,
  values,
  environment,
  substitutes,
}: ApplicationOptions) {
  const pairs = (option: string, entries: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries(entries).flatMap(([name, value]) => [option, `${name}=${value}`]);
  return [
    ...['--application', asShown(file)],
    ...(topics === undefined ? [] : ['--topics', topics.join(',')]),
    ...(outputTopics === undefined ? [] : ['--output-topics', outputTopics.join(',')]),
    ...(groupId === undefined ? [] : ['--group', groupId]),
    ...(typeof values === 'string' ? ['--value', values] : pairs('--value', values)),
    ...pairs('--env', environment),
    ...pairs('--substitute', substitutes),
  ];
}

/** A command is given in the working directory, and short names are what people read. */
function asShown(file: string): string {
  const shown = relative(process.cwd(), file);
  return shown.startsWith('..') ? file : shown;
}
