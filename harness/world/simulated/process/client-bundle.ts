/**
 * The code of simulated processes: a client's name enters, its bundle leaves as a function that is compiled once and
 * called with a process's own globals as arguments.
 *
 * A function with shadowing parameters and not `vm.createContext`: that was half as fast, since every look-up of a
 * global goes through an interceptor there.
 *
 * A client that keeps nothing in its modules is called once for all processes of a thread: its classes are then the
 * same in all of them, which V8 rewards with half as much time again. Its globals find the running process at each
 * call. Any other client is called once for each process.
 */
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import type { Adapter } from '../../../client/child-process.ts';
import { buildOf, type ClientBuild } from '../../../subject/builds.ts';
import { createSurroundings, SHADOWED } from './globals.ts';
import { type PartsOf, runningParts } from './parts.ts';

export interface ClientBundle {
  /** The adapter for the process that is starting: its event is running. */
  load(parts: PartsOf): Adapter;
}

/** Whose code a bundle's evaluation is. */
export type Isolation =
  /** Each process has modules of its own. */
  | 'process'
  /** All processes of the thread share them; only for code that keeps nothing in its modules. */
  | 'thread';

/**
 * Whether a client's processes can share its modules: it keeps nothing in them that can be seen from outside, as reading
 * it says and a test holds it to that compares the traces of both ways. kafkajs has two module variables, in all
 * releases from 2.0.0 on: a running number of its instrumentation events, which nothing orders by, and the platform's
 * `crypto`. The reference client has the codec's plans, made when first needed. Nobody has read a working copy.
 */
const isolationOf = ({ released }: ClientBuild): Isolation => (released ? 'thread' : 'process');

const bundles = new Map<string, ClientBundle>();

/** @param code a CommonJS module that exports an adapter */
export function compileBundle(code: string, filename: string, isolation: Isolation): ClientBundle {
  // Without a callback for it, Node.js itself refuses `import()`; the build makes a call of `require` of it.
  const run = compileFunction(code, SHADOWED, { filename }) as (...values: readonly unknown[]) => void;
  const evaluate = (parts: PartsOf): Adapter => {
    const { values, module } = createSurroundings(parts);
    run(...values);
    return module.exports as Adapter;
  };
  if (isolation === 'process') return { load: evaluate };
  let shared: Adapter | null = null;
  return {
    load() {
      shared ??= evaluate(runningParts);
      return shared;
    },
  };
}

/**
 * The bundle of a client, as a person names it.
 * @throws UsageError, WorldUnavailableError where it cannot be had
 */
export function loadBundle(client: string, isolation?: Isolation): ClientBundle {
  const build = buildOf(client);
  const chosen = isolation ?? isolationOf(build);
  const key = `${client} ${chosen}`;
  let bundle = bundles.get(key);
  if (bundle === undefined) {
    const { simulatedFile } = build;
    bundle = compileBundle(readFileSync(simulatedFile, 'utf8'), simulatedFile, chosen);
    bundles.set(key, bundle);
  }
  return bundle;
}
