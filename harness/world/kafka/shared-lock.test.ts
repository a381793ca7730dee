/** The lock that scenarios share a cluster by: many without broker faults, or one with, in order of arrival. */
import { describe, expect, it } from 'vitest';
import { type Release, SharedLock } from './shared-lock.ts';

/** Which of the requests hold the lock now. */
function track(lock: SharedLock) {
  const held = new Map<string, Release>();
  const ask = async (name: string, exclusive: boolean): Promise<void> => {
    held.set(name, await lock.acquire(exclusive));
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { held, ask, settle };
}

describe('SharedLock', () => {
  it('is held by many at once where nobody needs it alone', async () => {
    const { held, ask, settle } = track(new SharedLock());
    void ask('a', false);
    void ask('b', false);
    await settle();
    expect([...held.keys()]).toEqual(['a', 'b']);
  });

  it('gives an exclusive holder everything, after those before it and before those after it', async () => {
    const { held, ask, settle } = track(new SharedLock());
    void ask('first', false);
    void ask('alone', true);
    void ask('later', false);
    await settle();
    expect([...held.keys()]).toEqual(['first']);
    held.get('first')?.();
    await settle();
    expect([...held.keys()]).toEqual(['first', 'alone']);
    held.get('alone')?.();
    await settle();
    expect([...held.keys()]).toEqual(['first', 'alone', 'later']);
  });

  it('counts a release once, however often it is called', async () => {
    const { held, ask, settle } = track(new SharedLock());
    void ask('a', false);
    void ask('b', false);
    void ask('alone', true);
    await settle();
    held.get('a')?.();
    held.get('a')?.();
    await settle();
    expect(held.has('alone')).toBe(false);
    held.get('b')?.();
    await settle();
    expect(held.has('alone')).toBe(true);
  });
});
