/**
 * The assignors of Apache's own kafka-clients: questions enter, what Java answers leaves, all in one run of `java`.
 * Maven fetches the jars at the version that the harness tests against.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_KAFKA_VERSION } from '../../../world/kafka/image-name.ts';
import type { Assignor, MemberSubscription, TopicPartition } from '../assignors/assignor.ts';

export interface GroupQuestion {
  readonly assignor: Assignor['name'];
  readonly partitionCounts: readonly (readonly [string, number])[];
  readonly members: readonly MemberSubscription[];
}

export interface UserDataQuestion {
  readonly assignor: Assignor['name'];
  readonly owned: readonly TopicPartition[];
  readonly generationId: number;
}

/** Partitions by member id, members in order of name; or the exception's class. */
export type GroupAnswer = Record<string, string[]> | string;

const folder = fileURLToPath(new URL('java/', import.meta.url));

const word = (items: readonly string[]): string => (items.length === 0 ? '-' : items.join(','));

export const partitionText = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

const hex = (bytes: Uint8Array | null): string =>
  bytes === null ? '-' : `x${Buffer.from(bytes).toString('hex')}`;

const memberLine = (member: MemberSubscription): string =>
  [
    'member',
    member.memberId,
    member.groupInstanceId ?? '-',
    member.generationId,
    member.rackId ?? '-',
    hex(member.userData),
    word(member.topics),
    word(member.ownedPartitions.map(partitionText)),
  ].join(' ');

const groupLines = ({ assignor, partitionCounts, members }: GroupQuestion): string[] => [
  `group ${assignor}`,
  ...partitionCounts.map(([topic, count]) => `topic ${topic} ${count}`),
  ...members.map(memberLine),
  'assign',
];

const userDataLine = ({ assignor, owned, generationId }: UserDataQuestion): string =>
  `userdata ${assignor} ${generationId} ${word(owned.map(partitionText))}`;

/** @returns what the command wrote to standard output */
const run = (command: string, commandArguments: string[], input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(
      command,
      commandArguments,
      { maxBuffer: 2 ** 28, timeout: 120_000 },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command}: ${error.message}\n${stdout.slice(-2_000)}`));
      },
    );
    // Where the process ends early, its exit code says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });

async function classPath(): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'kafka-trial-java-'));
  try {
    const file = join(work, 'class-path');
    await run('mvn', [
      ...['--batch-mode', '--no-transfer-progress', '-f', join(folder, 'pom.xml')],
      ...[
        `-Dkafka.version=${DEFAULT_KAFKA_VERSION}`,
        'dependency:build-classpath',
        `-Dmdep.outputFile=${file}`,
      ],
    ]);
    return (await readFile(file, 'utf8')).trim();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const answerOf = (line: string): GroupAnswer =>
  line.startsWith('!')
    ? line.slice(1)
    : Object.fromEntries(
        line
          .split(' ')
          .map((member): [string, string[]] => {
            const [memberId = '', list = ''] = member.split('=');
            return [memberId, list === '' ? [] : list.split(',')];
          })
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );

/** @throws Error with the last words of Maven or Java, where one of them fails */
export async function askJava(
  groups: readonly GroupQuestion[],
  userData: readonly UserDataQuestion[],
): Promise<{ readonly groups: readonly GroupAnswer[]; readonly userData: readonly (string | null)[] }> {
  const input = [...groups.flatMap(groupLines), ...userData.map(userDataLine), ''].join('\n');
  const output = await run('java', ['-cp', await classPath(), join(folder, 'Assignments.java')], input);
  const lines = output.split('\n').slice(0, -1);
  return {
    groups: lines.slice(0, groups.length).map(answerOf),
    userData: lines.slice(groups.length).map((line) => (line === '-' ? null : line)),
  };
}
