/** Versions of what runs: nothing enters, version strings leave, read from the packages themselves. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** This package's root folder, whether the code runs compiled (in dist/) or as it stands. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string };
      if (name === 'kafka-trial') return folder;
    } catch {
      // No package.json here: one folder up.
    }
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the package.json of kafka-trial is not above its code');
    folder = parent;
  }
})();

const versionIn = (file: string): string =>
  (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;

export const harnessVersion = (): string => versionIn(join(packageRoot, 'package.json'));

/** Version of an installed package, such as kafkajs. */
export const installedVersion = (name: string): string => versionIn(require.resolve(`${name}/package.json`));
