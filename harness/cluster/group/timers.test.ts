import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-world.testing.ts';
import { Timers } from './timers.ts';

const setUp = () => {
  const clock = new FakeClock();
  const timers = new Timers(clock);
  const fired: string[] = [];
  const set = (name: string, delayMs: number, says = name): void =>
    timers.set(name, delayMs, () => fired.push(`${says} at ${clock.nowMs() - 1_000_000}`));
  return { clock, timers, fired, set };
};

describe('named timers', () => {
  it('fire once, at their deadline', () => {
    const { clock, fired, set } = setUp();
    set('a', 10);
    clock.pass(100);
    expect(fired).toEqual(['a at 10']);
  });

  it('that are moved back keep their place in the queue and fire at the new deadline', () => {
    const { clock, fired, set } = setUp();
    set('a', 10);
    for (let i = 0; i < 5; i++) {
      clock.pass(8);
      set('a', 10);
    }
    expect(clock.pending).toBe(1);
    expect(fired).toEqual([]);
    clock.pass(100);
    expect(fired).toEqual(['a at 50']);
  });

  it('that are moved forward fire earlier, with the later callback', () => {
    const { clock, fired, set } = setUp();
    set('a', 50, 'first');
    set('a', 10, 'second');
    clock.pass(100);
    expect(fired).toEqual(['second at 10']);
  });

  it('that are cancelled do not fire, and leave nothing behind', () => {
    const { clock, timers, fired, set } = setUp();
    set('a', 10);
    set('b', 10);
    timers.cancel('a');
    clock.pass(5);
    timers.cancelAll();
    clock.pass(100);
    expect([fired, timers.size, clock.pending]).toEqual([[], 0, 0]);
  });

  it('may be set again while they fire', () => {
    const { clock, timers, fired } = setUp();
    const again = (): void => {
      fired.push(`at ${clock.nowMs() - 1_000_000}`);
      timers.set('a', 10, again);
    };
    timers.set('a', 10, again);
    clock.pass(35);
    expect(fired).toEqual(['at 10', 'at 20', 'at 30']);
    expect(timers.names()).toEqual(['a']);
  });
});
