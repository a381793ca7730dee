/**
 * The assignors of Apache's own kafka-clients: questions enter, what Java answers leaves, all in one run of `java`.
 */
import { compileJava, runProgram } from '../../../agreement/java/program.ts';
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

/** What a member went through: it joined, was asked to assign, heard of its assignment. */
export interface LeaderQuestion {
  readonly assignor: Assignor['name'];
  readonly steps: readonly ('join' | 'assign' | 'hear')[];
}

/** Partitions by member id, members in order of name; or the exception's class. */
export type GroupAnswer = Record<string, string[]> | string;

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
  leaders: readonly LeaderQuestion[],
): Promise<{
  readonly groups: readonly GroupAnswer[];
  readonly userData: readonly (string | null)[];
  /** Whether the driver of the Java client says that it leads. */
  readonly leaders: readonly boolean[];
}> {
  const input = [
    ...leaders.map(({ assignor, steps }) => `leads ${assignor} ${word(steps)}`),
    ...groups.flatMap(groupLines),
    ...userData.map(userDataLine),
    '',
  ].join('\n');
  await using java = await compileJava();
  const output = await runProgram('java', ['-cp', java.classPath, 'Assignments'], input);
  const all = output.split('\n').slice(0, -1);
  const lines = all.slice(leaders.length);
  return {
    leaders: all.slice(0, leaders.length).map((line) => line === 'true'),
    groups: lines.slice(0, groups.length).map(answerOf),
    userData: lines.slice(groups.length).map((line) => (line === '-' ? null : line)),
  };
}
