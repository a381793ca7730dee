/**
 * The package that a client specification means: the specification enters, the package's folder and version leave, or a
 * sentence that says how to install it.
 *
 * Packages are looked for as Node.js does, first from the folder in which the command was given, then from kafka-trial's
 * own; so several versions of a client stand side by side under npm's aliases, `kafkajs-2.0.2` for instance.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { valid } from 'semver';
import { clients } from '../client/clients.ts';
import { UsageError } from '../errors.ts';
import { packageRoot } from '../version.ts';
import type { ClientSpec } from './client-spec.ts';

export interface InstalledPackage {
  readonly folder: string;
  readonly version: string;
  /** Whether it is a release as npm installed it, and not somebody's own code that may change under that version. */
  readonly released: boolean;
}

/**
 * @param from the folder to look from
 * @throws UsageError where there is no such package, with what to do about it
 */
export function findPackage({ name, source }: ClientSpec, from: string): InstalledPackage {
  const { packageName } = clients[name];
  if (packageName === null) throw new Error(`${name} is not a package`);
  switch (source.kind) {
    case 'own':
      return installed(packageName, packageRoot) ?? missing(packageName, `npm install ${packageName}`);
    case 'version':
      return findVersion(packageName, source.version, from);
    case 'package':
      return (
        installed(source.packageName, from) ??
        installed(source.packageName, packageRoot) ??
        missing(source.packageName, `npm install --save-dev ${source.packageName}`)
      );
    case 'folder': {
      const found = readPackage(resolve(from, source.folder));
      if (found === null)
        throw new UsageError(`There is no package.json with a version in '${source.folder}'.`, {
          hint: `Expected a working copy of ${packageName}, such as ${name}@./${packageName}.`,
        });
      return { ...found, released: false };
    }
  }
}

function findVersion(packageName: string, version: string, from: string): InstalledPackage {
  const alias = `${packageName}-${version}`;
  for (const one of [alias, packageName])
    for (const start of [from, packageRoot]) {
      const found = installed(one, start);
      if (found?.version === version) return found;
    }
  const others = installedVersions(packageName, [from, packageRoot]);
  throw new UsageError(`${packageName} ${version} is not installed.`, {
    hint:
      `Install it beside the others: npm install --save-dev ${alias}@npm:${packageName}@${version}` +
      (others.length === 0 ? '.' : ` (installed: ${others.join(', ')}).`),
  });
}

function missing(packageName: string, command: string): never {
  throw new UsageError(`The package '${packageName}' is not installed.`, { hint: `Install it: ${command}` });
}

/** As Node.js looks for it from a folder, up to the root. */
function installed(packageName: string, from: string): InstalledPackage | null {
  for (const folder of upwards(from)) {
    const found = readPackage(join(folder, 'node_modules', packageName));
    if (found !== null) return found;
  }
  return null;
}

function* upwards(from: string): Generator<string> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}

function readPackage(folder: string): InstalledPackage | null {
  try {
    const { version, name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version?: unknown;
      name?: unknown;
    };
    if (typeof version !== 'string' || valid(version) === null) return null;
    // Under an alias a release still calls itself by its own name; a fork does not.
    const released = Object.values(clients).some((client) => client.packageName === name);
    return { folder, version, released };
  } catch {
    return null;
  }
}

/** Those under the package's name and under aliases that begin with it, once each. */
export function installedVersions(packageName: string, starts: readonly string[]): string[] {
  const versions = new Set<string>();
  for (const folder of starts.flatMap((start) => [...upwards(start)])) {
    const modules = join(folder, 'node_modules');
    if (!existsSync(modules)) continue;
    for (const one of readdirSync(modules))
      if (one === packageName || one.startsWith(`${packageName}-`)) {
        const found = readPackage(join(modules, one));
        if (found?.released === true) versions.add(found.version);
      }
  }
  return [...versions].sort();
}
