/**
 * The code of clients on trial: a client as a person names it enters, what it is exactly and the files to run leave. The
 * client's own version was bundled by the build of kafka-trial; any other one is bundled here when it is first needed,
 * into a folder that goes with this process.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { lt } from 'semver';
import { childBundle, simulatedBundle } from '../build/client-bundles.ts';
import { type ClientName, clients } from '../client/clients.ts';
import { messageOf, UsageError, WorldUnavailableError } from '../errors.ts';
import { harnessVersion, packageRoot } from '../version.ts';
import { parseClientSpec } from './client-spec.ts';
import { findPackage, type InstalledPackage } from './installed-package.ts';

export interface ClientBuild {
  /** As the person named it. */
  readonly client: string;
  readonly name: ClientName;
  /**
   * Exactly what runs: the release's version; for somebody's own code that of its package.json with a digest of its
   * files behind it, such as `2.2.4+local.1f8a9c02`.
   */
  readonly version: string;
  readonly released: boolean;
  /** The bundle for simulated processes, and the child process. */
  readonly simulatedFile: string;
  readonly childFile: string;
}

const builds = new Map<string, ClientBuild>();
let folder: string | null = null;

/**
 * Finds or makes the client's bundles, once for each name in a process, so that nothing changes in the course of a run.
 * @throws UsageError where there is no such client or version, WorldUnavailableError where it cannot be bundled
 */
export function buildOf(client: string): ClientBuild {
  let build = builds.get(client);
  if (build === undefined) {
    build = make(client);
    builds.set(client, build);
  }
  return build;
}

/** What histories and results say of it. */
export function describeClient(client: string): { name: string; version: string } {
  const { name, version } = buildOf(client);
  return { name, version };
}

/** Takes what another thread has found or made. */
export function adoptBuilds(given: readonly ClientBuild[]): void {
  for (const build of given) builds.set(build.client, build);
}

function make(client: string): ClientBuild {
  const spec = parseClientSpec(client);
  const { name } = spec;
  const { packageName } = clients[name];
  if (packageName === null) return own(client, name, harnessVersion());
  const found = findPackage(spec, process.cwd());
  if (spec.source.kind === 'own') return own(client, name, found.version);
  const { oldestVersion } = clients[name];
  if (oldestVersion !== null && lt(found.version, oldestVersion))
    throw new UsageError(`${packageName} ${found.version} is too old to be put on trial.`, {
      hint: `Versions from ${oldestVersion} on can be.`,
    });
  return bundle(client, name, packageName, found);
}

function own(client: string, name: ClientName, version: string): ClientBuild {
  const dist = join(packageRoot, 'dist');
  const files = {
    simulatedFile: join(dist, 'simulated', `${name}.cjs`),
    childFile: join(dist, 'child', `${name}.mjs`),
  };
  for (const file of Object.values(files))
    if (!existsSync(file))
      throw new WorldUnavailableError(`client '${name}' is not built: there is no ${file}`, {
        hint: 'Run `npm run build`.',
      });
  return { client, name, version, released: true, ...files };
}

function bundle(
  client: string,
  name: ClientName,
  packageName: string,
  { folder: packageFolder, version, released }: InstalledPackage,
): ClientBuild {
  // Loaded only where it is needed: it is large, and most runs put the client's own version on trial.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const file = join(folderOfThisProcess(), String(builds.size));
  const files = { simulatedFile: `${file}.cjs`, childFile: `${file}.mjs` };
  const alias = { [packageName]: packageFolder };
  let inputs: string[];
  try {
    const { metafile } = buildSync({
      ...simulatedBundle(name, files.simulatedFile, alias),
      logLevel: 'silent',
      metafile: true,
    });
    inputs = Object.keys(metafile.inputs);
    buildSync({ ...childBundle(name, files.childFile, alias), logLevel: 'silent' });
  } catch (error) {
    throw new WorldUnavailableError(`${client} cannot be bundled: ${messageOf(error)}`, { cause: error });
  }
  return {
    client,
    name,
    version: released
      ? version
      : `${version}${version.includes('+') ? '.' : '+'}local.${digestOf(inputs, packageFolder)}`,
    released,
    ...files,
  };
}

/** Of the package's files that are in the bundle, wherever the package stands. */
function digestOf(inputs: readonly string[], packageFolder: string): string {
  const hash = createHash('sha256');
  const root = realpathSync(packageFolder);
  const files = inputs.map((file) => resolve(file)).filter((file) => file.startsWith(`${root}${sep}`));
  for (const file of files.sort()) hash.update(`${relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 8);
}

function folderOfThisProcess(): string {
  if (folder === null) {
    const created = mkdtempSync(join(tmpdir(), 'kafka-trial-clients-'));
    folder = created;
    process.on('exit', () => rmSync(created, { recursive: true, force: true }));
  }
  return folder;
}
