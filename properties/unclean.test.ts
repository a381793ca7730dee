/** What an unclean election explains, and what it does not. */
import { expect, it } from 'vitest';
import { judge } from './index.ts';
import { alone } from './testing/good-histories.ts';

/** A commit goes back; an election is that of the partition or of another one. */
const found = (topic: string) => {
  const { story, m1 } = alone({ topics: { orders: 1, payments: 1 } });
  story.produces(4);
  m1.works(0, 3).commits(0, 3);
  story.emit({ process: 'cluster', kind: 'unclean-election', topic, partition: 0, broker: 2 });
  m1.commits(0, 1);
  const history = story.history();
  return judge(history)
    .anomalies.filter(({ property }) => property === 'commit-monotonic')
    .map(({ policy, events }) => [policy, events.map((seq) => history.events[seq]?.kind)]);
};

it('what is lost with a leader that was behind is observed, with the election among its proof', () => {
  const [one] = found('orders');
  expect(one?.[0]).toBe('observed');
  expect(one?.[1]).toContain('unclean-election');
});

it('the election of another partition explains nothing', () => {
  const [one] = found('payments');
  expect(one?.[0]).toBe('illegal');
  expect(one?.[1]).not.toContain('unclean-election');
});
