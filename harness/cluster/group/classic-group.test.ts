/** Who leads a classic group: members come and go, and the leader is the one that Kafka's own map would give. */
import { expect, test } from 'vitest';
import { ClassicGroup, CONSUMER_PROTOCOL_TYPE } from './classic-group.ts';
import { ClassicMember } from './classic-member.ts';

const memberOf = (memberId: string): ClassicMember =>
  new ClassicMember(
    {
      memberId,
      groupInstanceId: null,
      clientId: memberId,
      clientHost: '/127.0.0.1',
      protocolType: CONSUMER_PROTOCOL_TYPE,
    },
    { rebalanceTimeoutMs: 1_000, sessionTimeoutMs: 1_000, protocols: [] },
    memberId,
    () => {},
  );

/** In the order of a HashMap: m-a, m-c, m-b, m-d. */
function groupOf(waiting: readonly string[]): ClassicGroup {
  const group = new ClassicGroup('g', 0);
  for (const id of ['m-d', 'm-b', 'm-c', 'm-a'])
    group.add(memberOf(id), waiting.includes(id) ? () => {} : null);
  return group;
}

test('the first member leads, and after it the first of the rest in the order of Java’s map', () => {
  const group = groupOf([]);
  expect(group.leaderId).toBe('m-d');
  group.remove('m-d');
  expect(group.leaderId).toBe('m-a');
  group.remove('m-a');
  expect(group.leaderId).toBe('m-c');
});

test('a leader that has not rejoined gives way to the first that has, in the same order', () => {
  const group = groupOf(['m-b', 'm-c']);
  expect([group.electJoinedLeader(), group.leaderId]).toEqual([true, 'm-c']);
  expect(groupOf([]).electJoinedLeader()).toBe(false);
});
