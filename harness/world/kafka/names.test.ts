/** Real and logical names: what a history says must never show the prefix that a shared cluster needs. */
import { describe, expect, it } from 'vitest';
import { createNames } from './names.ts';

describe('createNames', () => {
  const names = createNames('ab12.3');

  it('goes to the real name and back', () => {
    expect(names.real('orders')).toBe('kafka-trial.ab12.3.orders');
    expect(names.logical(names.real('orders'))).toBe('orders');
    expect(names.logical('somebody-elses')).toBe('somebody-elses');
  });

  it('turns the names in an event back, at any depth, and nothing else', () => {
    const real = names.real('orders');
    expect(
      names.toLogical({
        kind: 'group-generation',
        group: names.real('billing'),
        protocol: real,
        members: [
          {
            memberId: real,
            clientId: 'm1.1',
            groupInstanceId: null,
            subscription: [real],
            assignment: [{ topic: real, partitions: [0, 1] }],
          },
        ],
      }),
    ).toEqual({
      kind: 'group-generation',
      group: 'billing',
      // Not a name of a topic or group, so left as it is.
      protocol: real,
      members: [
        {
          memberId: real,
          clientId: 'm1.1',
          groupInstanceId: null,
          subscription: ['orders'],
          assignment: [{ topic: 'orders', partitions: [0, 1] }],
        },
      ],
    });
  });
});
