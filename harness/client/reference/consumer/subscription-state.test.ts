/** What a consumer knows of its partitions, held against what Kafka's class SubscriptionState answers. */
import { describe, expect, it } from 'vitest';
import { SubscriptionState } from './subscription-state.ts';

describe('what has been consumed', () => {
  const alone = () => {
    const subscriptions = new SubscriptionState('none');
    subscriptions.assignManually([{ topic: 'orders', partition: 0 }]);
    const state = subscriptions.get({ topic: 'orders', partition: 0 });
    return { state, consumed: () => subscriptions.partitions.flatMap(({ consumed }) => consumed ?? []) };
  };

  it('is the position that is fetched from', () => {
    const { state, consumed } = alone();
    expect(consumed()).toEqual([]);
    state.seek({ offset: 3, epoch: 0 });
    expect(consumed()).toEqual([{ offset: 3, epoch: 0 }]);
  });

  it('is nothing while the position is looked for, or held against a new leader, which may have lost it', () => {
    const { state, consumed } = alone();
    state.seek({ offset: 3, epoch: 0 });
    state.phase = 'validating';
    expect(consumed()).toEqual([]);
    state.phase = 'fetching';
    expect(consumed()).toHaveLength(1);
    state.reset('earliest');
    expect(consumed()).toEqual([]);
  });
});
