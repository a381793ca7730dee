/** Worker threads that die, hang and answer: each gives one clear error or result, and none is left behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import { HarnessError, WorldUnavailableError } from '../errors.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { packError, packRan, unpackError, unpackRan } from './thread-messages.ts';
import { Threads } from './threads.ts';
import { type Plan, type Ran, runUnit } from './unit.ts';

const subject = { client: 'kafkajs', mutant: null };
const plan: Plan = { index: 17, seed: 3, profile: 'members' };
const forever = new AbortController().signal;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'threads-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Threads that run this in place of scenarios, on every message. */
function threadsThat(does: string): Threads {
  const file = join(folder, `${does.replace(/\W+/g, '-').slice(0, 40)}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', (plan) => { ${does} });\n`,
  );
  const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 };
  return new Threads({ subject, properties: [] }, { mainFile: file, resourceLimits });
}

describe('a thread that dies', () => {
  it.each([
    [
      'ends',
      'process.exit(7)',
      /^A worker thread died in scenario 17 of seed 3 \(3:17:members\): it ended with code 7\.$/,
    ],
    ['throws outside a scenario', "throw new Error('out of nowhere')", /3:17:members\): out of nowhere\.$/],
    ['runs out of memory', 'const all = []; for (;;) all.push({ all });', /it ran out of memory/],
  ])('is named with its scenario when it %s', async (_, does, message) => {
    await using threads = threadsThat(does);
    const failure = await threads.execute(plan, forever).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(WorldUnavailableError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as WorldUnavailableError).exitCode).toBe(3);
  });

  it('is no matter to the next unit, which gets another', async () => {
    await using threads = threadsThat(
      "if (plan.index === 17) process.exit(1); parentPort.postMessage({ error: { kind: 'other', message: 'ran ' + plan.index, stack: '', exitCode: null, hint: null } })",
    );
    await expect(threads.execute(plan, forever)).rejects.toThrow(/died/);
    await expect(threads.execute({ ...plan, index: 18 }, forever)).rejects.toThrow('ran 18');
  });
});

describe('a thread that is busy', () => {
  it('is ended by the signal, whatever it does', async () => {
    const threads = threadsThat('for (;;);');
    const interruption = new AbortController();
    const running = threads.execute(plan, interruption.signal);
    interruption.abort(new Error('interrupted by SIGINT'));
    await expect(running).rejects.toThrow('interrupted by SIGINT');
    // Resolves only when every thread has ended.
    await threads[Symbol.asyncDispose]();
  });
});

describe('what threads say', () => {
  it('gives the same result as without them, with a history that is unpacked when it is read', async () => {
    await using world = new SimulatedWorld();
    const ran = await runUnit(plan, { world, subject, properties: catalogue }, forever);
    const log: Ran['log'] = [['seed-3-17 m1.1', 'hello']];
    const again = unpackRan(structuredClone(packRan(ran, log)));
    expect(again.history).toEqual(ran.history);
    expect(again.history?.start).toBe(again.history?.events[0]);
    expect({ ...again, history: null }).toEqual({ ...ran, history: null, log });
    expect(ran.traceHash).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    new WorldUnavailableError('gone', { hint: 'Start it.' }),
    new HarnessError('no', { exitCode: 2 }),
    new Error('a mistake'),
  ])('brings an error back as what it was: $name', (error) => {
    const again = unpackError(structuredClone(packError(error)));
    expect(again).toBeInstanceOf(error.constructor);
    expect(again).toMatchObject({
      message: error.message,
      ...(error instanceof HarnessError
        ? { exitCode: error.exitCode, hint: error.hint }
        : { stack: error.stack }),
    });
  });
});
