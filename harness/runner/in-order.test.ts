/** Results in order: whatever the order in which they come, they are taken up in the order of hand-out, a few ahead. */
import { describe, expect, it } from 'vitest';
import { InOrder } from './in-order.ts';

const numbers = () => {
  let next = 0;
  return () => next++;
};

interface Given {
  readonly aheadMax?: number;
  readonly take?: (result: string) => Promise<void>;
}

function inOrder({ aheadMax = 10, take }: Given = {}) {
  const taken: string[] = [];
  const failures: unknown[] = [];
  const order = new InOrder<string>({
    take:
      take ??
      (async (result) => {
        await Promise.resolve();
        taken.push(result);
      }),
    failed: (error) => failures.push(error),
    aheadMax,
  });
  return { order, taken, failures };
}

describe('InOrder', () => {
  it('takes results up in the order of hand-out', async () => {
    const { order, taken } = inOrder();
    const next = numbers();
    for (let i = 0; i < 4; i++) await order.handOut(next);
    for (const place of [2, 0, 3, 1]) order.put(place, `result ${place}`);
    await order.end();
    expect(taken).toEqual(['result 0', 'result 1', 'result 2', 'result 3']);
  });

  it('hands out no more than it has room for, until the slowest is there', async () => {
    const { order, taken } = inOrder({ aheadMax: 3 });
    const next = numbers();
    for (let i = 0; i < 3; i++) expect((await order.handOut(next))?.unit).toBe(i);
    const fourth = order.handOut(next);
    order.put(1, 'b');
    order.put(2, 'c');
    await Promise.resolve();
    expect(taken).toEqual([]);
    order.put(0, 'a');
    // It gets the next unit and not one that was asked for before there was room.
    expect(await fourth).toEqual({ place: 3, unit: 3 });
    expect(taken.slice(0, 1)).toEqual(['a']);
  });

  it('lets nobody wait for room once it has been stopped', async () => {
    const { order } = inOrder({ aheadMax: 1 });
    const next = numbers();
    await order.handOut(next);
    const waiting = [order.handOut(next), order.handOut(next)];
    order.stop();
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(await order.handOut(next)).toBeNull();
  });

  it('keeps what was found where results are missing at the end', async () => {
    const { order, taken } = inOrder();
    const next = numbers();
    for (let i = 0; i < 5; i++) await order.handOut(next);
    for (const place of [4, 0, 2]) order.put(place, `result ${place}`);
    await order.end();
    expect(taken).toEqual(['result 0', 'result 2', 'result 4']);
  });

  it('takes nothing up after a failure, and says what it was', async () => {
    const tried: string[] = [];
    const full = new Error('the disk is full');
    const { order, failures } = inOrder({
      take: async (result) => {
        tried.push(result);
        await Promise.reject(full);
      },
    });
    const next = numbers();
    for (let i = 0; i < 3; i++) await order.handOut(next);
    for (const place of [0, 1, 2]) order.put(place, `result ${place}`);
    await order.end();
    expect(tried).toEqual(['result 0']);
    expect(failures).toEqual([full]);
  });
});
