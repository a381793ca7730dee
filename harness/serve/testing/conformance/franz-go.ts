/** franz-go for the conformance cases: a Go toolchain enters, a driver of the program built with it leaves. */
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { externalDriver } from './external.ts';

const folder = fileURLToPath(new URL('franz-go', import.meta.url));
const program = join(tmpdir(), 'kafka-trial-franz-go');
/** As go.mod says. */
const MINOR_MIN = 26;

/** Why it cannot be used on this machine, or null. */
export function missingGo(): string | null {
  try {
    const version = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', cwd: tmpdir() }).trim();
    const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
    return minor >= MINOR_MIN ? null : `franz-go needs Go 1.${MINOR_MIN}, and there is ${version}`;
  } catch {
    return 'there is no Go toolchain';
  }
}

/** Again at once where nothing has changed. */
export const buildFranzGo = (): void => {
  execFileSync('go', ['build', '-o', program, '.'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
};

export const franzGoDriver = externalDriver('franz-go', () => [program], {});
