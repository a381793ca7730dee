/**
 * The bundle of an application of the user's in a child process: its path and the module's file enter, its adapter
 * leaves. It runs in a function, as it does in a simulated process, but with the platform's own `require`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import type { Adapter } from '../child-process.ts';

/** @param file the user's module, from which what is not in the bundle is required */
export function loadApplication(bundle: string, file: string): Adapter {
  const run = compileFunction(
    readFileSync(bundle, 'utf8'),
    ['exports', 'require', 'module', '__filename', '__dirname'],
    { filename: bundle },
  ) as (...values: readonly unknown[]) => void;
  const module = { exports: {} as unknown };
  run(module.exports, createRequire(file), module, file, dirname(file));
  return module.exports as Adapter;
}
