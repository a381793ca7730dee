/** The scheduler's rules: order, drains, owners that are dropped and held, and runs that do not get on. */
import { describe, expect, it } from 'vitest';
import { RandomStream } from './random.ts';
import { type Owner, Scheduler, type SchedulerOptions } from './scheduler.ts';
import { label, Trace } from './trace.ts';

const kind = label('test');
const create = (options: Partial<SchedulerOptions> = {}): Scheduler =>
  new Scheduler({ trace: new Trace(), ...options });
const at = (
  scheduler: Scheduler,
  owner: Owner,
  timeUs: number,
  run: () => void,
  lane: object | null = null,
) => scheduler.after(owner, timeUs - scheduler.nowUs, kind, run, lane);
/** Runs until the given virtual time. */
const runUntil = async (scheduler: Scheduler, timeUs: number): Promise<void> =>
  await scheduler.run(
    async () => await new Promise<void>((resolve) => at(scheduler, scheduler.harness, timeUs, resolve)),
  );

describe.each(['synchronous', 'event-loop'] as const)('Scheduler with a %s drain', (drain) => {
  it('runs events in order of time, and those of one time in order of scheduling', async () => {
    const scheduler = create({ drain });
    const seen: string[] = [];
    const owner = scheduler.owner('m1.1');
    for (const [name, timeUs] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['b3', 20],
    ] as const)
      at(scheduler, owner, timeUs, () => seen.push(`${name}@${scheduler.nowUs}`));
    await runUntil(scheduler, 100);
    expect(seen).toEqual(['a@10', 'b1@20', 'b2@20', 'b3@20', 'c@30']);
  });

  it('runs everything that an event sets off before the next one, whatever it is made of', async () => {
    const scheduler = create({ drain });
    const seen: string[] = [];
    const one = scheduler.owner('one');
    const other = scheduler.owner('other');
    const mark = (name: string) => seen.push(`${name} of ${scheduler.current.label.name}`);
    at(scheduler, one, 10, () => {
      process.nextTick(() => {
        mark('tick');
        queueMicrotask(() => mark('microtask of a tick'));
      });
      void (async () => {
        for (let i = 0; i < 1_000; i++) await Promise.resolve();
        mark('a thousand awaits');
        process.nextTick(() => mark('tick of an await'));
      })();
    });
    at(scheduler, other, 10, () => mark('next event'));
    await runUntil(scheduler, 100);
    expect(seen).toEqual([
      'tick of one',
      'microtask of a tick of one',
      'a thousand awaits of one',
      'tick of an await of one',
      'next event of other',
    ]);
  });

  it('gives what nobody caught to the owner, wherever it was thrown, and goes on', async () => {
    const scheduler = create({ drain });
    const seen: string[] = [];
    const owner = scheduler.owner('m1.1', (error, origin) => seen.push(`${origin} ${String(error)}`));
    at(scheduler, owner, 10, () => {
      throw new Error('in the event');
    });
    at(scheduler, owner, 20, () => {
      process.nextTick(() => {
        throw new Error('in a tick');
      });
      process.nextTick(() => seen.push('the tick behind it'));
    });
    at(scheduler, owner, 30, () =>
      queueMicrotask(() => {
        throw new Error('in a microtask');
      }),
    );
    at(scheduler, owner, 40, () => void Promise.reject(new Error('rejected')));
    await runUntil(scheduler, 100);
    expect(seen).toEqual([
      'uncaughtException Error: in the event',
      'uncaughtException Error: in a tick',
      'the tick behind it',
      'uncaughtException Error: in a microtask',
      'unhandledRejection Error: rejected',
    ]);
  });
});

describe('Scheduler', () => {
  it('does not run what was cancelled, and copes with many cancelled events', async () => {
    const scheduler = create();
    const seen: number[] = [];
    for (let i = 1; i <= 5_000; i++) {
      const event = at(scheduler, scheduler.harness, i, () => seen.push(i));
      if (i % 1_000 !== 0) scheduler.cancel(event);
    }
    await runUntil(scheduler, 10_000);
    expect(seen).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('drops the events of an owner, those to come too', async () => {
    const scheduler = create();
    const seen: string[] = [];
    const owner = scheduler.owner('m1.1');
    at(scheduler, owner, 10, () => seen.push('before'));
    at(scheduler, owner, 30, () => seen.push('after'));
    at(scheduler, scheduler.harness, 20, () => {
      scheduler.drop(owner);
      at(scheduler, owner, 40, () => seen.push('later still'));
    });
    await runUntil(scheduler, 100);
    expect(seen).toEqual(['before']);
  });

  it('holds the events of an owner and releases them at once, each lane in its order', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const scheduler = create();
      const seen: string[] = [];
      const owner = scheduler.owner('m1.1');
      const lane = {};
      for (const [name, timeUs, where] of [
        ['t1', 20, null],
        ['d1', 25, lane],
        ['t2', 30, null],
        ['d2', 35, lane],
      ] as const)
        at(scheduler, owner, timeUs, () => seen.push(`${name}@${scheduler.nowUs}`), where);
      at(scheduler, scheduler.harness, 10, () => scheduler.hold(owner));
      at(scheduler, scheduler.harness, 50, () => scheduler.release(owner, new RandomStream(seed, 'x')));
      await runUntil(scheduler, 100);
      expect(seen.filter((name) => name.startsWith('t'))).toEqual(['t1@50', 't2@50']);
      expect(seen.filter((name) => name.startsWith('d'))).toEqual(['d1@50', 'd2@50']);
      orders.add(seen.join());
    }
    expect(orders.size).toBeGreaterThan(2);
  });

  it("runs what is late before the owner's next event, and only then", async () => {
    const scheduler = create();
    const seen: string[] = [];
    const owner = scheduler.owner('m1.1');
    owner.lateUs = 15;
    owner.late = () => seen.push(`late@${scheduler.nowUs}`);
    owner.lateEnded = (wasQuiet) => seen.push(`quiet ${wasQuiet}`);
    at(scheduler, owner, 10, () => seen.push('early'));
    at(scheduler, scheduler.harness, 20, () => seen.push('somebody else'));
    at(scheduler, owner, 30, () => seen.push('next'));
    await runUntil(scheduler, 100);
    expect(seen).toEqual(['early', 'somebody else', 'late@30', 'quiet true', 'next']);
  });

  it('says of what was late, and of its promises, whether it did anything', async () => {
    const scheduler = create();
    const seen: string[] = [];
    const owner = scheduler.owner('m1.1');
    owner.lateUs = 15;
    owner.late = () => void Promise.resolve().then(() => at(scheduler, owner, 1, () => {}));
    owner.lateEnded = (wasQuiet) => seen.push(`quiet ${wasQuiet}`);
    at(scheduler, owner, 30, () => seen.push('next'));
    await runUntil(scheduler, 100);
    expect(seen).toEqual(['quiet false', 'next']);
  });

  it('fails where nothing is scheduled and the run is not over', async () => {
    await expect(create().run(async () => await new Promise(() => {}))).rejects.toThrow(
      'stands still at 0 ms: nothing is scheduled',
    );
  });

  it('fails where the clock does not get on, and names who holds it', async () => {
    const scheduler = create({ eventsPerInstantMax: 500 });
    const owner = scheduler.owner('m7.1');
    const again = (): void => void scheduler.after(owner, 0, kind, again);
    again();
    await expect(runUntil(scheduler, 100)).rejects.toThrow(
      'does not get past 0 ms: 501 events ran at that instant, the last one test of m7.1',
    );
  });

  it('fails where virtual time goes on and on', async () => {
    const scheduler = create({ timeUsMax: 1_000_000 });
    const again = (): void => void scheduler.after(scheduler.harness, 100_000, kind, again);
    again();
    await expect(scheduler.run(async () => await new Promise(() => {}))).rejects.toThrow(
      'not over after 1 virtual seconds',
    );
  });

  it('rejects with what the run itself rejects with, and with the reason of an abort', async () => {
    await expect(create().run(async () => await Promise.reject(new Error('ours')))).rejects.toThrow('ours');
    const controller = new AbortController();
    const scheduler = create();
    const again = (): void => {
      if (scheduler.nowUs === 500_000) controller.abort(new Error('enough'));
      scheduler.after(scheduler.harness, 10, kind, again);
    };
    again();
    await expect(scheduler.run(async () => await new Promise(() => {}), controller.signal)).rejects.toThrow(
      'enough',
    );
  });

  it("leaves the listeners of the platform's process as they were", async () => {
    const listener = (): void => {};
    process.on('unhandledRejection', listener);
    const before = process.listeners('unhandledRejection');
    await runUntil(create(), 100);
    expect(process.listeners('unhandledRejection')).toEqual(before);
    process.off('unhandledRejection', listener);
  });
});

describe('code that computes without end', () => {
  const chase = async (): Promise<never> => {
    for (;;) await Promise.resolve();
  };

  it('is cut off and never runs again, and the others go on', async () => {
    const scheduler = create();
    const seen: string[] = [];
    const frozen = scheduler.owner(
      'm1.1',
      () => seen.push('uncaught'),
      () => seen.push(`endless at ${scheduler.nowUs}`),
    );
    const other = scheduler.owner('m2.1');
    at(scheduler, frozen, 10, () => {
      void Promise.resolve().then(() => seen.push('what it did before'));
      void chase();
    });
    at(scheduler, frozen, 20, () => seen.push('what it had planned'));
    at(scheduler, other, 20, () => {
      process.nextTick(() => void Promise.resolve().then(() => seen.push('the other')));
    });
    await runUntil(scheduler, 100);
    expect(seen).toEqual(['what it did before', 'endless at 10', 'the other']);
    scheduler.hold(frozen);
    scheduler.release(frozen, new RandomStream(1, 'test'));
    expect(frozen.state).toBe('frozen');
  });

  it('ends the run where it is no process of the run', async () => {
    const scheduler = create();
    at(scheduler, scheduler.owner('broker 1'), 10, () => void chase());
    await expect(runUntil(scheduler, 100)).rejects.toThrow('broker 1 computes without end');
  });
});

describe('pending', () => {
  it('counts what waits by owner and kind, what was held too, and nothing that is gone', async () => {
    const scheduler = create();
    const [one, other, gone] = ['one', 'other', 'gone'].map((name) => scheduler.owner(name)) as [
      Owner,
      Owner,
      Owner,
    ];
    scheduler.hold(other);
    at(scheduler, other, 10, () => {});
    at(scheduler, one, 150, () => {});
    at(scheduler, one, 130, () => {});
    scheduler.cancel(at(scheduler, one, 120, () => {}));
    at(scheduler, gone, 140, () => {});
    scheduler.drop(gone);
    await runUntil(scheduler, 100);
    expect(scheduler.pending()).toEqual([
      { owner: 'one', kind: 'test', count: 2, nextUs: 130 },
      { owner: 'other', kind: 'test', count: 1, nextUs: 10 },
    ]);
  });
});
