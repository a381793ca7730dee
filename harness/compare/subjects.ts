/**
 * What is compared: `billing.yaml`, `kafkajs@2.2.4`, `./consumer.ts` or one of the latter two with a configuration behind a
 * colon enters; what is put on trial, a checked configuration and a label of its own leave, and nothing has run yet.
 */
import { basename } from 'node:path';
import type { Configuration } from '../../scenarios/configuration.ts';
import { isConfigurationFile, readConfiguration } from '../cli/configuration-file.ts';
import { openSubject, refuseApplicationOptions, type SubjectOptions } from '../cli/subject.ts';
import { UsageError } from '../errors.ts';
import { refuseFor } from '../runner/unit.ts';
import { describeClient } from '../subject/builds.ts';
import { parseClientSpec } from '../subject/client-spec.ts';
import type { BuiltApplication, Subject } from '../world/world.ts';

export interface ComparedSubject {
  /** Tells it from the others, in reports. */
  readonly label: string;
  /** Subjects with the same one share an executor: the client, or the file of the application. */
  readonly key: string;
  readonly subject: Subject;
  /** Options that name it on the command line of a replay. */
  readonly words: readonly string[];
  /** Null where groups and producers are configured as the scenarios say. */
  readonly configuration: Configuration | null;
}

/** How applications of the user's are read, all alike. */
export type ApplicationOptions = Pick<
  SubjectOptions,
  'group' | 'topics' | 'outputTopics' | 'value' | 'env' | 'substitute'
>;

export interface ComparedSubjects extends AsyncDisposable {
  readonly subjects: readonly ComparedSubject[];
}

interface Given {
  readonly application: string | null;
  /** Of an application, the one that it imports under this name. */
  readonly client: string;
  readonly file: string | null;
}

/**
 * @param defaultClient of those that name a configuration alone
 * @throws UsageError where one is wrong, or asks for what its client cannot do
 */
export async function readSubjects(
  texts: readonly string[],
  defaultClient: string,
  options: ApplicationOptions = {},
): Promise<ComparedSubjects> {
  const given = texts.map((text) => parseSubject(text, defaultClient));
  const isOfUser = given.some(({ application }) => application !== null);
  if (!isOfUser) refuseApplicationOptions(options, 'consumer modules of yours');
  else if (given.some(({ application }) => application === null))
    throw new UsageError(
      'An application of yours has groups and topics of its own, so it is compared with applications alone.',
      { hint: 'Name another version of it, or the same one with a configuration: consumer.ts:billing.yaml.' },
    );
  const configurations = await Promise.all(
    given.map(async ({ file }) => (file === null ? null : await readConfiguration(file))),
  );
  const stack = new AsyncDisposableStackOf();
  try {
    const opened = new Map<string, Pick<ComparedSubject, 'subject' | 'words'>>();
    for (const { application: file, client } of given) {
      if (file === null || opened.has(file)) continue;
      opened.set(file, stack.use(await openSubject({ ...options, client, application: file })));
    }
    const same = alike(opened);
    const subjects = given.map(({ client, application, file }, i) => {
      const configuration = configurations[i] ?? null;
      const { subject, words } = (application === null ? undefined : same.get(application)) ?? {
        subject: { client, mutant: null },
        words: ['--client', client],
      };
      if (configuration !== null) refuseFor(subject, configuration, file ?? '');
      return {
        key: application ?? client,
        subject,
        words,
        configuration,
        name: configuration?.name ?? null,
      };
    });
    return { subjects: withLabels(subjects), [Symbol.asyncDispose]: async () => await stack.dispose() };
  } catch (error) {
    await stack.dispose();
    throw error;
  }
}

/** Node.js 20 has none of its own. */
class AsyncDisposableStackOf {
  readonly #opened: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(one: T): T {
    this.#opened.push(one);
    return one;
  }

  async dispose(): Promise<void> {
    for (const one of this.#opened.splice(0)) await one[Symbol.asyncDispose]();
  }
}

/**
 * The same work and the same faults for all: they consume the same topics, in one order, and a stall that outlasts the
 * session of the first is as long for the others.
 * @throws UsageError where they consume other topics
 */
function alike<T extends { readonly subject: Subject }>(
  opened: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  const applications = [...opened.values()].flatMap(({ subject }) => subject.application ?? []);
  const [first] = applications;
  if (first === undefined) return opened;
  const topics = consumedBy(first);
  for (const other of applications)
    if (String(consumedBy(other).toSorted()) !== String(topics.toSorted()))
      throw new UsageError(
        `${first.file} consumes ${topics.join(', ')}, and ${other.file} ${consumedBy(other).join(', ')}: they would have other work to do.`,
        { hint: 'Topics that both consume can be named with --topics.' },
      );
  const placeOf = (name: string): number => {
    const place = topics.indexOf(name);
    return place < 0 ? topics.length : place;
  };
  return new Map(
    [...opened].map(([file, one]) => {
      const application = one.subject.application as BuiltApplication;
      const shape = {
        ...application.shape,
        topics: application.shape.topics.toSorted((a, b) => placeOf(a.name) - placeOf(b.name)),
        stallsOutlastMs: first.shape.group.sessionTimeoutMs,
      };
      return [file, { ...one, subject: { ...one.subject, application: { ...application, shape } } }];
    }),
  );
}

const consumedBy = ({ shape }: BuiltApplication): string[] =>
  shape.topics.filter(({ consumed }) => consumed).map(({ name }) => name);

/** As far as a file name tells it. */
const isModule = (name: string): boolean => /\.[cm]?[jt]sx?$/.test(name);

/** @throws UsageError */
export function parseSubject(text: string, defaultClient: string): Given {
  const colon = text.lastIndexOf(':');
  const [before, after] = colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
  const file = after !== null && isConfigurationFile(after) ? after : null;
  const named = file === null ? text : before;
  if (isModule(named)) return { application: named, client: defaultClient, file };
  if (file === null && isConfigurationFile(text))
    return { application: null, client: defaultClient, file: text };
  return { application: null, client: checkedClient(named), file };
}

/** @throws UsageError that says what could have been meant */
function checkedClient(client: string): string {
  try {
    parseClientSpec(client);
    return client;
  } catch (error) {
    if (!(error instanceof UsageError) || client.includes('@')) throw error;
    throw new UsageError(`'${client}' is no client, no configuration file and no module.`, {
      hint: 'Expected a file that ends in .yaml, .yml or .json, a client such as kafkajs@2.2.4, a module of yours such as consumer.ts, or one of these with a configuration: kafkajs:billing.yaml.',
    });
  }
}

type Named = Omit<ComparedSubject, 'label'> & { readonly name: string | null };

/** What differs: the configuration's name where the client or application is the same for all, else that, or both. */
function withLabels(subjects: readonly Named[]): ComparedSubject[] {
  const isOne = new Set(subjects.map(({ key }) => key)).size === 1;
  const files = new Set(subjects.flatMap(({ subject }) => subject.application?.file ?? []));
  const areNamesApart = new Set([...files].map((file) => basename(file))).size === files.size;
  const seen = new Map<string, number>();
  return subjects.map(({ name, ...compared }) => {
    const { subject } = compared;
    const file = subject.application?.file;
    const own = file === undefined ? labelOfClient(subject.client) : areNamesApart ? basename(file) : file;
    const label = name === null ? own : isOne ? name : `${own} ${name}`;
    const times = (seen.get(label) ?? 0) + 1;
    seen.set(label, times);
    return { ...compared, label: times === 1 ? label : `${label} (${times})` };
  });
}

function labelOfClient(client: string): string {
  const { name, version } = describeClient(client);
  return `${name} ${version}`;
}
