/**
 * Builds an application of the user's: its module's file enters; one script leaves that holds it, everything that it
 * imports and the watching between it and its kafkajs, and that a simulated process and a child process run alike.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildFailure, build, formatMessages, type Plugin } from 'esbuild';
import { UsageError, WorldUnavailableError } from '../errors.ts';
import { packageRoot } from '../version.ts';

export interface ApplicationSource {
  /** The module's file. */
  readonly file: string;
  /** Environment variables that it finds. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Modules to put in the place of others: by what the application imports, or by a file, which file to take. */
  readonly substitutes?: Readonly<Record<string, string>>;
}

export interface Bundle extends AsyncDisposable {
  readonly path: string;
  /** Version of the kafkajs inside. */
  readonly clientVersion: string;
}

/** The compiled code of this package that goes into the bundle. */
const own = (file: string): string => join(packageRoot, 'dist', 'harness', 'client', 'user', file);

/** @throws UsageError where it is not there, cannot be bundled or imports no kafkajs */
export async function bundleApplication(source: ApplicationSource): Promise<Bundle> {
  const file = resolve(source.file);
  if (!existsSync(file)) throw new UsageError(`There is no application module '${source.file}'.`);
  if (!existsSync(own('adapter.js')))
    throw new WorldUnavailableError('kafka-trial itself is not built.', { hint: 'Run `npm run build`.' });
  const clients = new Set<string>();
  const code = await compile(file, source, (path) => clients.add(path));
  const [client] = clients;
  if (client === undefined)
    throw new UsageError(`${source.file} imports no kafkajs, so there is nothing of it to put on trial.`, {
      hint: 'An application on trial creates its consumer with kafkajs; other clients are not supported yet.',
    });
  const folder = join(tmpdir(), `kafka-trial-application-${randomUUID()}`);
  await mkdir(folder);
  const path = join(folder, 'application.js');
  await writeFile(path, code);
  return {
    path,
    clientVersion: await versionOf(client),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function compile(
  file: string,
  { file: named, environment = {}, substitutes = {} }: ApplicationSource,
  onClient: (path: string) => void,
): Promise<string> {
  try {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createAdapter } from ${JSON.stringify(own('adapter.js'))};
          exportAdapter(createAdapter({
            load: () => import(${JSON.stringify(file)}),
            environment: ${JSON.stringify(environment)},
          }));`,
        resolveDir: dirname(file),
        sourcefile: 'kafka-trial-application.js',
      },
      bundle: true,
      write: false,
      platform: 'node',
      target: 'node20',
      // As an ES module, so that the application may await at its top; without an import or export that is left over it
      // runs inside a function all the same.
      format: 'esm',
      banner: { js: '"use strict"; const exportAdapter = (adapter) => { module.exports = adapter; };' },
      // `import()` of what is not bundled becomes a call of `require`, which each process has one of its own of.
      supported: { 'dynamic-import': false },
      define: {
        'import.meta.url': JSON.stringify(pathToFileURL(file).href),
        'import.meta.filename': JSON.stringify(file),
        'import.meta.dirname': JSON.stringify(dirname(file)),
      },
      legalComments: 'none',
      logLevel: 'silent',
      plugins: [substitution(substitutes), observedKafkajs(onClient), builtinModules],
    });
    return outputFiles[0]?.text as string;
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (errors === undefined) throw error;
    const [text = ''] = await formatMessages(errors.slice(0, 1), { kind: 'error', color: false });
    throw new UsageError(`${named} cannot be bundled:\n${text.trim()}`, {
      hint: 'A module that cannot be had here can be replaced with --substitute MODULE=FILE.',
    });
  }
}

const substitution = (substitutes: Readonly<Record<string, string>>): Plugin => ({
  name: 'substitutes',
  setup(context) {
    const byName = new Map(Object.entries(substitutes).map(([name, file]) => [name, resolve(file)]));
    // A file is named as the user sees it, an import as the application writes it.
    const byFile = new Map([...byName].map(([name, file]) => [resolve(name), file]));
    for (const [name, file] of byName)
      if (!existsSync(file))
        throw new UsageError(`There is no file '${file}' to put in the place of '${name}'.`);
    context.onResolve({ filter: /.*/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === SEEN || byName.size === 0) return null;
      const named = byName.get(path);
      // The substitute itself may want what it stands for.
      if (named !== undefined) return named === importer ? null : { path: named };
      if (isBuiltin(path)) return null;
      const found = await context.resolve(path, { importer, resolveDir, kind, pluginData: SEEN });
      const file = byFile.get(found.path);
      return file === undefined || file === importer ? null : { path: file };
    });
  },
});

/** Marks a question that a plugin of ours asks itself. */
const SEEN = Symbol('seen');

const observedKafkajs = (onClient: (path: string) => void): Plugin => ({
  name: 'kafkajs',
  setup(context) {
    context.onResolve(
      { filter: /^kafkajs$/ },
      async ({ path, resolveDir, importer, kind, namespace, pluginData }) => {
        if (pluginData === SEEN || namespace === 'kafkajs') return null;
        const found = await context.resolve(path, { importer, resolveDir, kind, pluginData: SEEN });
        if (found.errors.length > 0) return found;
        onClient(found.path);
        return { path: found.path, namespace: 'kafkajs' };
      },
    );
    context.onLoad({ filter: /.*/, namespace: 'kafkajs' }, ({ path }) => ({
      contents: `
        const { observeKafkajs } = require(${JSON.stringify(own('observe-kafkajs.js'))});
        module.exports = observeKafkajs(require(${JSON.stringify(path)}));`,
      resolveDir: dirname(path),
    }));
  },
});

/** Modules of the platform are asked of the `require` of whichever process it is; no `import` is left over. */
const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup(context) {
    context.onResolve({ filter: /.*/ }, ({ path, namespace }) => {
      if (!isBuiltin(path)) return path.endsWith('.node') ? { path, external: true } : null;
      if (namespace === 'builtin') return { path, external: true };
      return { path, namespace: 'builtin' };
    });
    context.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

async function versionOf(file: string): Promise<string> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const found = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === 'kafkajs' && found.version !== undefined) return found.version;
    } catch {
      // No package.json here: one folder up.
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}
