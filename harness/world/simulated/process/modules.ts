/**
 * `require` of a simulated process: a module's name enters, the platform's own module leaves where it only computes,
 * the process's own where it touches time, chance or the network, and for everything else one that refuses when it is used.
 */
import { createRequire, isBuiltin } from 'node:module';
import * as os from 'node:os';
import { refusal, refusing, refusingModule } from './refuse.ts';

/** Modules that depend on nothing but their arguments. */
const COMPUTING = [
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'constants',
  'diagnostics_channel',
  'events',
  'path',
  'path/posix',
  'querystring',
  'stream',
  'stream/promises',
  'string_decoder',
  'url',
  'util',
  'util/types',
] as const;

const platform = createRequire(import.meta.url);

/** The same on every machine. */
const createOs = (): object =>
  refusing(
    'node:os',
    {
      EOL: '\n',
      hostname: () => 'simulated',
      platform: () => 'linux',
      type: () => 'Linux',
      release: () => '6.0.0',
      arch: () => 'x64',
      endianness: () => 'LE',
      tmpdir: () => '/tmp',
      homedir: () => '/',
      cpus: () => [{ model: 'simulated', speed: 1_000, times: {} }],
      availableParallelism: () => 1,
      totalmem: () => 1 << 30,
      freemem: () => 1 << 29,
      uptime: () => 0,
      loadavg: () => [0, 0, 0],
      networkInterfaces: () => ({}),
      constants: { signals: {}, errno: {} },
    },
    os,
  );

/** @param own the process's own modules, by name without `node:` */
export function createRequireFunction(own: Readonly<Record<string, unknown>>): (name: string) => unknown {
  const modules = new Map<string, unknown>(Object.entries(own));
  modules.set('os', createOs());
  for (const name of COMPUTING) if (!modules.has(name)) modules.set(name, platform(`node:${name}`));
  return (name) => {
    const plain = name.replace(/^node:/, '');
    let found = modules.get(plain);
    if (found === undefined) {
      if (!isBuiltin(name)) throw refusal(name);
      found = refusingModule(`node:${plain}`, platform(`node:${plain}`) as object);
      modules.set(plain, found);
    }
    return found;
  };
}
