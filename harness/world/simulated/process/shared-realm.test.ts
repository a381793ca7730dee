/** Members of one simulated process, with code of a few lines: what one of them does to all, and whose code is running. */
import { describe, expect, it } from 'vitest';
import type { StartCommand } from '../../../client/protocol.ts';
import type { UnplacedEvent } from '../../../history/schema.ts';
import type { ClientExit } from '../../client-process.ts';
import { Network } from '../network.ts';
import { RandomStreams } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { label, Trace } from '../trace.ts';
import { compileBundle, type Isolation } from './client-bundle.ts';
import { NO_SKEW } from './clock.ts';
import { SharedRealm } from './shared-realm.ts';
import { SimulatedProcess } from './simulated-process.ts';

const kind = label('test');

/** Each member says each second who it is, by what all have in common; m1 does something at 3 s. */
const code = (deed: string): string => `
exports.startMember = (start, host) => {
  const common = host.shared.common(() => ({ madeBy: start.process, says: () => host.shared.current() }));
  setInterval(() => {
    const isOwn = common.says() === host;
    host.emit({ kind: 'application-error', call: common.madeBy, error: isOwn ? 'own' : 'foreign' });
  }, 1_000);
  if (start.process === 'm1.1') setTimeout(() => { ${deed} }, 3_000);
  return { close: async () => {} };
};`;

async function run(
  deed: string,
  {
    untilMs = 6_000,
    isolation = 'process' as Isolation,
    during = [] as [number, 'm1' | 'm2', 'SIGTERM' | 'SIGKILL' | 'endless'][],
  } = {},
) {
  const scheduler = new Scheduler({ trace: new Trace() });
  const streams = new RandomStreams(1);
  const network = new Network(scheduler, streams);
  const shared = new SharedRealm('shop.1');
  const events: UnplacedEvent[] = [];
  const exits = new Map<string, ClientExit & { atMs: number }>();
  const bundle = compileBundle(code(deed), 'test.cjs', isolation);
  const startOne = (id: string): SimulatedProcess => {
    const start = { command: 'start', role: 'member', process: `${id}.1`, sharedProcess: 'shop.1' };
    const member = new SimulatedProcess(
      {
        start: start as unknown as StartCommand,
        id,
        scheduler,
        network,
        streams,
        bundle,
        resolve: () => null,
        onEvent: (event) => events.push(event),
        onLog: () => {},
        timeOriginUs: 0,
        skew: NO_SKEW,
        shared,
      },
      1,
    );
    void member.exited.then((exit) => exits.set(id, { ...exit, atMs: scheduler.nowUs / 1_000 }));
    return member;
  };
  await scheduler.run(
    async () =>
      await new Promise<void>((resolve) => {
        const members = { m1: startOne('m1'), m2: startOne('m2') };
        for (const [atMs, id, signal] of during)
          scheduler.after(scheduler.harness, atMs * 1_000, kind, () => {
            // What the scheduler's watchdog makes known of the member itself takes it ten seconds to find.
            if (signal === 'endless') shared.freeze(members[id]);
            else members[id].signal(signal);
          });
        scheduler.after(scheduler.harness, untilMs * 1_000, kind, resolve);
      }),
  );
  const said = (id: string, fromMs = 0): UnplacedEvent[] =>
    events.filter((event) => event.process === `${id}.1` && event.time >= fromMs);
  return { events, exits, said };
}

describe.each<Isolation>(['process', 'thread'])('with modules for each %s', (isolation) => {
  it('each runs as itself, with what the first of them has made', async () => {
    const { said, exits } = await run('', { isolation });
    expect(exits.size).toBe(0);
    const [first] = said('m1');
    for (const id of ['m1', 'm2']) {
      expect(said(id).length).toBeGreaterThanOrEqual(5);
      for (const event of said(id))
        expect(event).toMatchObject({ call: (first as { call: string }).call, error: 'own' });
    }
    expect((first as { call: string }).call).toMatch(/^m[12]\.1$/);
  });

  it.each([
    ['code that throws', "throw new Error('oh')", 1],
    ['process.exit', 'process.exit(4)', 4],
  ])('%s of one ends all', async (_, deed, exitCode) => {
    const { exits, said } = await run(deed, { isolation });
    for (const id of ['m1', 'm2']) {
      expect(exits.get(id)).toMatchObject({ code: exitCode, signal: null });
      expect(said(id, 3_500)).toEqual([]);
    }
    expect(exits.get('m1')?.atMs).toBe(exits.get('m2')?.atMs);
  });
});

it('SIGTERM ends a process that does not run yet as it ends any, and each member by itself later', async () => {
  const early = await run('', { during: [[1, 'm1', 'SIGTERM']] });
  for (const id of ['m1', 'm2']) expect(early.exits.get(id)).toMatchObject({ code: null, signal: 'SIGTERM' });
  const late = await run('', { during: [[2_000, 'm1', 'SIGTERM']] });
  expect(late.exits.get('m1')).toMatchObject({ code: 0, signal: null });
  expect(late.said('m2', 4_000).length).toBeGreaterThan(0);
});

it('goes on with what a member that has closed left behind, until the process ends', async () => {
  const { exits, said } = await run('', {
    untilMs: 9_000,
    during: [
      [2_000, 'm1', 'SIGTERM'],
      [6_000, 'm2', 'SIGKILL'],
    ],
  });
  expect(exits.get('m1')).toMatchObject({ code: 0, signal: null });
  expect(exits.get('m1')?.atMs).toBeLessThan(2_100);
  expect(exits.get('m2')).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(said('m1', 2_100).length).toBeGreaterThanOrEqual(3);
  for (const id of ['m1', 'm2']) expect(said(id, 6_000)).toEqual([]);
});

it('freezes the others where one computes without end, and says so of each', async () => {
  const { exits, events, said } = await run('', { during: [[3_000, 'm1', 'endless']] });
  expect(exits.size).toBe(0);
  const frozen = events.filter((event) => event.kind === 'process-frozen');
  expect(frozen.map(({ process }) => process)).toEqual(['m2.1']);
  expect(said('m2', 3_100)).toEqual([]);
  expect(said('m1', 3_100).length).toBeGreaterThan(0);
});

it('is nobody outside of the code of its members', () => {
  expect(() => new SharedRealm('shop.1').current()).toThrow("no member's code is running in shop.1");
});
