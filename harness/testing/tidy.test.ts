/**
 * Tidiness that determinism rests on: what would let the machine's own time, chance or threads into a simulated run is
 * banned from the code that runs in one, and this test says what to use instead.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../version.ts';

interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: string;
  /** Only in files under these folders; in all watched ones where it is left out. */
  readonly under?: readonly string[];
}

/** Everything that runs inside a simulated run, or decides what happens in one. */
const WATCHED = ['harness/cluster', 'harness/world/simulated', 'harness/client', 'scenarios', 'properties'];

const CLOCK =
  "the world's clock: Environment.nowMs() in the cluster, Scheduler.nowUs or RunContext.now() in a world";
const TIMER =
  "the world's timers: Environment.after() in the cluster, Scheduler.after() or RunContext.after() in a world";
const CHANCE =
  'a named stream: ClusterEnvironment.randomInt() in the cluster, RandomStreams.of(purpose) in a world';

const bans: readonly Ban[] = [
  { name: 'Date.now', pattern: /\bDate\.now\b/, instead: CLOCK },
  { name: 'new Date()', pattern: /\bnew Date\(\s*\)/, instead: CLOCK },
  { name: 'performance', pattern: /\bperformance\.(now|timeOrigin)\b/, instead: CLOCK },
  { name: 'process.hrtime', pattern: /\bprocess\.hrtime\b/, instead: CLOCK },
  { name: 'setTimeout', pattern: /(?<![.\w])setTimeout\(/, instead: TIMER },
  { name: 'setInterval', pattern: /(?<![.\w])setInterval\(/, instead: TIMER },
  { name: 'setImmediate', pattern: /(?<![.\w])setImmediate\(/, instead: TIMER },
  { name: 'AbortSignal.timeout', pattern: /\bAbortSignal\.timeout\b/, instead: TIMER },
  { name: 'timers module', pattern: /from '(?:node:)?timers(?:\/promises)?'/, instead: TIMER },
  { name: 'Math.random', pattern: /\bMath\.random\b/, instead: CHANCE },
  { name: 'crypto module', pattern: /from '(?:node:)?crypto'/, instead: CHANCE },
  {
    name: 'global crypto',
    pattern: /(?<![.\w'-])crypto\.(randomUUID|getRandomValues|subtle)\b/,
    instead: CHANCE,
  },
  {
    name: 'worker threads',
    pattern: /from '(?:node:)?worker_threads'/,
    instead: "one thread: the order in which threads get on is nobody's to say",
  },
  {
    name: 'locale',
    pattern: /\.(localeCompare|toLocale\w*)\(|\bIntl\./,
    instead: 'comparison by < and >: the order of a locale differs between machines and versions',
  },
  {
    name: 'promises',
    pattern: /\b(await|async|Promise|queueMicrotask|nextTick)\b/,
    under: ['harness/cluster'],
    instead: 'callbacks: the cluster shares no job queue with the client on trial',
  },
];

interface Allowance {
  readonly file: string;
  readonly bans: readonly string[];
  readonly reason: string;
}

/** The few files that own what is banned elsewhere. */
const allowances: readonly Allowance[] = [
  {
    file: 'harness/world/simulated/scheduler.ts',
    bans: ['setImmediate'],
    reason: 'it drives the run from the event loop of the harness; nothing of the run depends on when',
  },
  {
    file: 'harness/world/simulated/process/timer-functions.ts',
    bans: ['setTimeout', 'setImmediate'],
    reason: 'it makes the functions of these names that simulated processes see',
  },
  {
    file: 'harness/world/simulated/process/socket.ts',
    bans: ['setTimeout'],
    reason: 'sockets have a method of this name',
  },
  {
    file: 'harness/world/simulated/process/crypto.ts',
    bans: ['crypto module'],
    reason:
      'it makes the module that simulated processes see, of the parts of the real one that only compute',
  },
  {
    file: 'harness/world/simulated/watchdog.ts',
    bans: ['performance'],
    reason: 'it ends code that never ends, and only a clock outside the run can tell',
  },
  {
    file: 'harness/client/epoch-clock.ts',
    bans: ['Date.now', 'performance'],
    reason: 'it is the clock of the Kafka world, which is the wall clock',
  },
  {
    file: 'harness/client/links.ts',
    bans: ['setTimeout', 'Math.random'],
    reason: 'it stands in for the kernel of a child process of the Kafka world, on the wall clock',
  },
  {
    file: 'harness/client/application/handler.ts',
    bans: ['setTimeout'],
    reason: 'applications wait with the timers of the process they run in, which the world gives it',
  },
  {
    file: 'harness/client/application/send-schedule.ts',
    bans: ['Date.now', 'setTimeout'],
    reason: 'applications read the clock and wait with the timers of the process they run in',
  },
  {
    file: 'harness/client/reference/clock.ts',
    bans: ['Date.now', 'performance', 'setTimeout', 'Math.random'],
    reason: 'the one file of the reference client for time and chance, which the world gives to its process',
  },
  {
    file: 'harness/cluster/scram.ts',
    bans: ['crypto module'],
    reason: 'SCRAM computes with it, and gets its salts and nonces from streams',
  },
  {
    file: 'harness/client/reference/network/sasl.ts',
    bans: ['crypto module'],
    reason: 'SCRAM computes with it, and draws its nonce from what the world gives to the process',
  },
];

/** Code without comments; strings stay, since imports are strings. */
const withoutComments = (code: string): string =>
  code
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(join(packageRoot, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'testing') yield* sources(path);
    } else if (/\.tsx?$/.test(entry.name) && !/\.(test|testing)\.tsx?$/.test(entry.name)) yield path;
  }
}

/** @returns one sentence for each use of what is banned */
function findBanned(path: string, code: string): { ban: string; sentence: string }[] {
  const lines = withoutComments(code).split('\n');
  return bans.flatMap(({ name, pattern, instead, under }) => {
    if (under !== undefined && !under.some((folder) => path.startsWith(`${folder}/`))) return [];
    return lines.flatMap((line, i) =>
      pattern.test(line)
        ? [{ ban: name, sentence: `${path}:${i + 1}: ${name} is banned here; use ${instead}.` }]
        : [],
    );
  });
}

describe('code that runs in a simulated run', () => {
  const found = WATCHED.flatMap((folder) => [...sources(folder)]).flatMap((path) => {
    const file = relative('.', path);
    return findBanned(file, readFileSync(join(packageRoot, path), 'utf8')).map((use) => ({ file, ...use }));
  });
  const allows = ({ file, ban }: { file: string; ban: string }): boolean =>
    allowances.some((allowance) => allowance.file === file && allowance.bans.includes(ban));

  it('takes no time, chance or thread from the machine', () => {
    expect(found.filter((use) => !allows(use)).map(({ sentence }) => sentence)).toEqual([]);
  });

  it('does not reach what stands on the real clock', () => {
    const importers = WATCHED.flatMap((folder) => [...sources(folder)]).filter((path) =>
      /from '[^']*\/serve\//.test(readFileSync(join(packageRoot, path), 'utf8')),
    );
    expect(importers).toEqual([]);
  });

  it('is allowed nothing that it does not use', () => {
    const unused = allowances.flatMap(({ file, bans: names }) =>
      names
        .filter((name) => !found.some((use) => use.file === file && use.ban === name))
        .map((name) => `${file}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

describe('the tidy test itself', () => {
  it.each([
    ['const a = Date.now();', 'Date.now'],
    ['log(new Date( ));', 'new Date()'],
    ['setTimeout(f, 1);', 'setTimeout'],
    ['await setImmediate(f);', 'setImmediate'],
    ["import { randomUUID } from 'node:crypto';", 'crypto module'],
    ["import { setTimeout as wait } from 'timers/promises';", 'timers module'],
    ['x = Math.random()', 'Math.random'],
    ['x = crypto.randomUUID();', 'global crypto'],
    ['const n = performance.now()', 'performance'],
    ['a.localeCompare(b)', 'locale'],
  ])('finds %s', (code, name) => {
    expect(findBanned('harness/world/simulated/x.ts', code).map(({ ban }) => ban)).toContain(name);
  });

  it.each([
    '// Date.now() is banned',
    '/* setTimeout(f) */ const a = 1;',
    'new Date(0)',
    'timers.setTimeout(f, 1)',
    'socket.setTimeout(5)',
    "const url = 'https://x/y';",
  ])('lets %s pass', (code) => {
    expect(findBanned('harness/world/simulated/x.ts', code)).toEqual([]);
  });

  it('bans promises in the cluster alone', () => {
    expect(findBanned('harness/cluster/x.ts', 'await f();')).toHaveLength(1);
    expect(findBanned('harness/world/simulated/x.ts', 'await f();')).toEqual([]);
  });
});
