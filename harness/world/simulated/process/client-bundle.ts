/**
 * The code of a simulated process: a client's name enters, its bundle leaves as a function that is compiled once and
 * called once for each process, with that process's own globals as arguments.
 *
 * A function with shadowing parameters and not `vm.createContext`: that was half as fast, since every look-up of a
 * global goes through an interceptor there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import type { Adapter } from '../../../client/child-process.ts';
import { WorldUnavailableError } from '../../../errors.ts';
import { SHADOWED, type Surroundings } from './globals.ts';

export interface ClientBundle {
  /** Runs the bundle's own start-up in a process and returns its adapter. */
  load(surroundings: Surroundings): Adapter;
}

const bundles = new Map<string, ClientBundle>();

/** @param code a CommonJS module that exports an adapter */
export function compileBundle(code: string, filename: string): ClientBundle {
  // Without a callback for it, Node.js itself refuses `import()`; the build makes a call of `require` of it.
  const run = compileFunction(code, SHADOWED, { filename }) as (...values: readonly unknown[]) => void;
  return {
    load({ values, module }) {
      run(...values);
      return module.exports as Adapter;
    },
  };
}

/**
 * The built bundle of a client, from the source tree and from the package alike.
 * @throws WorldUnavailableError where it is not built
 */
export function loadBundle(client: string): ClientBundle {
  let bundle = bundles.get(client);
  if (bundle === undefined) {
    const file = findBundle(client);
    bundle = compileBundle(readFileSync(file, 'utf8'), file);
    bundles.set(client, bundle);
  }
  return bundle;
}

function findBundle(client: string): string {
  const dist = new URL(
    import.meta.url.includes('/dist/harness/') ? '../../../../' : '../../../../dist/',
    import.meta.url,
  );
  const file = fileURLToPath(new URL(`simulated/${client}.cjs`, dist));
  if (!existsSync(file))
    throw new WorldUnavailableError(
      `client '${client}' is not built for the simulated world: there is no ${file}`,
      {
        hint: 'Run `npm run build`.',
      },
    );
  return file;
}
