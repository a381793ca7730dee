/** Where a bug stopped a group for good: stories of groups whose members gave up enter, and which partitions count is checked. */
import { expect, test } from 'vitest';
import { judge } from '../../properties/index.ts';
import type { Anomaly } from '../../properties/property.ts';
import { Story } from '../../properties/testing/history-builder.ts';
import { stoppedPartitions } from './stopped.ts';

const BUG = 'kafkajs-1712';
const known = ({ message }: Anomaly): string | null => (message.includes('UNKNOWN_MEMBER_ID') ? BUG : null);

const stoppedIn = (story: Story, knownIssueOf = known): [string, string][] => {
  const history = story.ends({ drain: false }).history();
  return [...stoppedPartitions(history, judge(history), knownIssueOf)];
};

/** m1 has processed and committed 3 of 10 records of partition 0 and none of partition 1, and gives up. */
function givenUp(error = 'UNKNOWN_MEMBER_ID') {
  const story = new Story({ topics: { orders: 2 } });
  const m1 = story.joins('m1');
  story.generation([[m1, [0, 1]]]);
  story.produces(10);
  m1.works(0, 3).commits(0, 3);
  m1.clientCrashes(error, false);
  story.empties();
  return { story, m1 };
}

test('a group whose only member gave up by a known bug counts where it has committed', () => {
  expect(stoppedIn(givenUp().story)).toEqual([['billing orders-0', BUG]]);
});

test('not where the bug is new, the member came back, or another one could go on', () => {
  expect(stoppedIn(givenUp('TypeError').story)).toEqual([]);
  expect(stoppedIn(givenUp().story, () => null)).toEqual([]);

  const back = new Story();
  const m1 = back.joins('m1');
  back.generation([[m1, [0]]]);
  back.produces(10);
  m1.works(0, 3).commits(0, 3).clientCrashes('UNKNOWN_MEMBER_ID', true);
  back.empties();
  expect(stoppedIn(back)).toEqual([]);

  const { story } = givenUp();
  const m2 = story.joins('m2');
  story.generation([[m2, [0, 1]]]);
  expect(stoppedIn(story)).toEqual([]);
});

test.each([
  ['beyond what its members were handed', 5],
  ['beyond the end of the log', 11],
])('not where it has committed %s', (_, offset) => {
  const { story } = givenUp();
  story.accepts('orders', 0, offset);
  expect(stoppedIn(story)).toEqual([]);
});
