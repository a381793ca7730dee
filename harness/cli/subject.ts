/**
 * What is on trial, as the command line names it: the options enter, a subject leaves, with an application of the user's
 * built where one is named, and the words that name it again for a replay.
 */
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { Subject } from '../world/world.ts';

export interface SubjectOptions {
  readonly client: string;
  readonly mutant?: string;
  readonly application?: string;
  readonly group?: string;
  readonly topics?: string;
  readonly outputTopics?: string;
  readonly value?: readonly string[];
  readonly env?: readonly string[];
  readonly substitute?: readonly string[];
}

export interface OpenedSubject extends AsyncDisposable {
  readonly subject: Subject;
  /** Options that name the application, as words of a command line; empty where there is none. */
  readonly words: readonly string[];
}

export const DEFAULT_CLIENT = 'kafkajs';

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

export const addApplicationOptions = (command: Command): Command =>
  addApplicationDetails(
    command.option('--application <file>', 'put this module of yours on trial, which consumes with kafkajs'),
  );

/** What is said of an application that is named elsewhere. */
export function addApplicationDetails(command: Command): Command {
  return command
    .option('--group <id>', 'what it finds as its group id, where it does not have one of its own')
    .option(
      '--topics <names>',
      'topics that it consumes (default: those that it subscribes to; comma-separated)',
    )
    .option('--output-topics <names>', 'topics that it writes to (comma-separated)')
    .option(
      '--value <template>',
      'record values that it understands, such as \'{"id":"{record}"}\'; TOPIC=TEMPLATE for one topic; repeatable',
      collect,
    )
    .option('--env <name=value>', 'an environment variable that it finds; repeatable', collect)
    .option(
      '--substitute <module=file>',
      'put a file in the place of a module that it imports, such as a database; repeatable',
      collect,
    );
}

const dependents = ['group', 'topics', 'outputTopics', 'value', 'env', 'substitute'] as const;
const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** @throws UsageError where one is given that says something of an application, and there is none */
export function refuseApplicationOptions(options: Omit<SubjectOptions, 'client'>, needed: string): void {
  const named = dependents.find((name) => options[name] !== undefined);
  if (named !== undefined) throw new UsageError(`${flagOf(named)} can be used with ${needed} only.`);
}

/** @throws UsageError where the options contradict each other or the application cannot be put on trial */
export async function openSubject(options: SubjectOptions): Promise<OpenedSubject> {
  const subject = { client: options.client, mutant: options.mutant ?? null };
  const { application: file } = options;
  if (file === undefined) {
    refuseApplicationOptions(options, '--application');
    return { subject, words: [], async [Symbol.asyncDispose]() {} };
  }
  if (options.client !== DEFAULT_CLIENT)
    throw new UsageError('An application brings its own client, so --application goes without --client.');
  if (options.mutant !== undefined)
    throw new UsageError('--mutant breaks the application of the harness, so it goes without --application.');
  const { openApplication } = await import('../application/open.ts');
  const topics = names(options.topics);
  const outputTopics = names(options.outputTopics);
  const opened = await openApplication({
    file,
    ...(options.group === undefined ? {} : { groupId: options.group }),
    ...(topics === undefined ? {} : { topics }),
    ...(outputTopics === undefined ? {} : { outputTopics }),
    ...(options.value === undefined ? {} : { values: templates(options.value) }),
    environment: pairs('--env', options.env),
    substitutes: pairs('--substitute', options.substitute),
  });
  return {
    subject: { ...subject, application: opened.application },
    words: opened.words,
    [Symbol.asyncDispose]: async () => await opened[Symbol.asyncDispose](),
  };
}

const names = (list: string | undefined): string[] | undefined =>
  list
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** A template may hold an equals sign itself, but no topic's name holds a brace. */
function templates(values: readonly string[]): Record<string, string> | string {
  const [only] = values;
  if (values.length === 1 && only !== undefined && !TOPIC_FIRST.test(only)) return only;
  return pairs('--value', values);
}

const TOPIC_FIRST = /^[A-Za-z0-9._-]+=/;

function pairs(option: string, values: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((text): [string, string] => {
      const at = text.indexOf('=');
      if (at <= 0) throw new UsageError(`${option} ${text}: expected two parts with '=' between them.`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
