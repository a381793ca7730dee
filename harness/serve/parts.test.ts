/** The parts under the sockets: the budget's choice of whom to cut off, lanes, and timers that are held and dropped. */
import { describe, expect, test } from 'vitest';
import { Lane } from './lane.ts';
import { type Holder, MemoryBudget } from './memory-budget.ts';
import { RealTime } from './real-time.ts';

describe('the memory budget', () => {
  test('cuts off who holds most, and nobody twice', () => {
    const budget = new MemoryBudget(100);
    const cut: string[] = [];
    const holder = (name: string): Holder => ({ cutOff: () => cut.push(name) });
    const [small, large, late] = [holder('small'), holder('large'), holder('late')];
    budget.set(small, 10);
    budget.set(large, 80);
    budget.set(large, 60);
    budget.set(late, 30);
    expect(cut).toEqual([]);
    budget.set(small, 11);
    expect(cut).toEqual(['large']);
    expect(budget.total).toBe(41);
    budget.set(late, 0);
    budget.set(small, 101);
    expect(cut).toEqual(['large', 'small']);
    expect(budget.total).toBe(0);
  });
});

describe('a lane', () => {
  test('keeps the order of what waits when conditions change', async () => {
    const out: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const lane = new Lane((bytes) => {
        if (bytes === null) resolve();
        else out.push(bytes.toString());
      });
      lane.push(Buffer.from('1'));
      lane.set({ latencyMs: { min: 30, max: 30 }, bytesPerSecond: null, lossPerThousand: 0 }, false);
      lane.push(Buffer.from('2'));
      lane.set(null, true);
      lane.push(Buffer.from('3'));
      expect(lane.waitingBytes).toBe(2);
      lane.set(null, false);
      lane.push(Buffer.from('4'));
      lane.push(null);
    });
    expect(out).toEqual(['1']);
    await ended;
    expect(out).toEqual(['1', '2', '3', '4']);
  });

  test('a lost segment comes late, and nothing overtakes it', async () => {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      const lane = new Lane(() => resolve());
      lane.set({ latencyMs: { min: 0, max: 0 }, bytesPerSecond: null, lossPerThousand: 1_000 }, false);
      lane.push(Buffer.from('1'));
    });
    expect(performance.now() - started).toBeGreaterThan(150);
  });
});

describe('real time', () => {
  const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  test('holds a paused broker’s timers, in order, and drops a dead one’s', async () => {
    const called: string[] = [];
    const time = new RealTime((error) => called.push(String(error)));
    const [one, two] = [time.broker(1), time.broker(2)];
    one.after(1, () => called.push('one-a'));
    one.after(2, () => called.push('one-b'));
    two.after(1, () => called.push('two'));
    time.hold(1);
    time.endLife(2);
    await turn(30);
    expect(called).toEqual([]);
    time.release(1);
    await turn(10);
    expect(called).toEqual(['one-a', 'one-b']);
  });

  test('can cancel what is held, reports what throws, and calls nothing after its end', async () => {
    const called: string[] = [];
    const failures: unknown[] = [];
    const time = new RealTime((error) => failures.push(error));
    const cancel = time.broker(1).after(0, () => called.push('cancelled'));
    time.hold(1);
    await turn(5);
    cancel();
    time.release(1);
    time.controller.after(0, () => {
      throw new Error('mistake');
    });
    await turn(5);
    expect(failures).toEqual([new Error('mistake')]);
    time.controller.after(1, () => called.push('late'));
    time.end();
    time.controller.after(0, () => called.push('later'));
    await turn(10);
    expect(called).toEqual([]);
  });
});
