/**
 * Records that real coordinators wrote, in hexadecimal; `observer.kafka.test.ts` says how they are captured. What they
 * mean is written here by hand.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CoordinatorRecord, decodeCoordinatorRecord } from './consumer-offsets.ts';

const GROUP = 't-fixture';

function summary(record: CoordinatorRecord): string {
  const name = 'group' in record ? record.group.replace(`${GROUP}.`, '') : '';
  switch (record.kind) {
    case 'group-generation': {
      const members = record.members.map((member) => {
        const owned = member.assignment.map(({ topic, partitions }) => `${topic} ${partitions.join(' ')}`);
        return `${member.clientId} (${member.groupInstanceId}) of ${member.subscription.join()}: ${owned.join()}`;
      });
      const leader = record.members.findIndex((member) => member.memberId === record.leaderMemberId);
      const protocol = `${record.protocolType}/${record.protocol}`;
      return `${name} generation ${record.generation} ${protocol} leader ${leader} [${members.join('; ')}]`;
    }
    case 'offset-committed':
      return `${name} commits ${record.topic}-${record.partition}@${record.offset} '${record.metadata}'`;
    case 'passed-over':
      return record.readable
        ? record.reason.replace(' is of another group type', '')
        : `unreadable: ${record.reason}`;
    default:
      return `${name} ${record.kind}`;
  }
}

const staticMember = '[m2.1 (instance-1) of t-fixture.kinds: t-fixture.kinds 0 1]';
const dynamicMember = '[m1.1 (null) of t-fixture.kinds: t-fixture.kinds 0 1]';

const expected = {
  '4.3.1': [
    'static generation 0 /null leader -1 []',
    `static generation 1 consumer/roundrobin leader 0 ${staticMember}`,
    `static generation 1 consumer/roundrobin leader 0 ${staticMember}`,
    "static commits t-fixture.kinds-0@3 ''",
    'static generation 2 consumer/null leader -1 []',
    'dynamic generation 0 /null leader -1 []',
    `dynamic generation 1 consumer/RoundRobinAssigner leader 0 ${dynamicMember}`,
    'dynamic generation 2 consumer/null leader -1 []',
    'dynamic group-removed',
    'key version 5',
    'key version 3',
    'key version 7',
    'key version 6',
    'key version 8',
    "modern commits t-fixture.kinds-1@4 ''",
    'key version 8',
    'key version 7',
    'key version 5',
    'key version 3',
  ],
  '3.9.1': [
    `static generation 1 consumer/roundrobin leader 0 ${staticMember}`,
    `static generation 1 consumer/roundrobin leader 0 ${staticMember}`,
    "static commits t-fixture.kinds-0@3 ''",
    'static generation 2 consumer/null leader -1 []',
    `dynamic generation 1 consumer/RoundRobinAssigner leader 0 ${dynamicMember}`,
    'dynamic generation 2 consumer/null leader -1 []',
    'dynamic group-removed',
  ],
};

describe.each(Object.entries(expected))('what the coordinator of Kafka %s wrote', (version, lines) => {
  it('means what happened', () => {
    const file = new URL(`./fixtures/coordinator-log-${version}.json`, import.meta.url);
    const fixture: { records: [string, string | null][] } = JSON.parse(readFileSync(file, 'utf8'));
    const bytes = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));
    const read = fixture.records.map(([key, value]) => decodeCoordinatorRecord(bytes(key), bytes(value)));
    expect(read.map(summary)).toEqual(lines);
    expect(read.flatMap((record) => (record.kind === 'group-generation' ? record.notes : []))).toEqual([]);
  });
});
