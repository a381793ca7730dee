/** librdkafka, by the PyPI package confluent-kafka, for the conformance cases; what it is installed with enters. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { externalDriver } from './external.ts';

const VERSION = '2.16.1';
const folder = join(tmpdir(), `kafka-trial-confluent-kafka-${VERSION}`);
const python = join(folder, 'bin', 'python');
const script = fileURLToPath(new URL('librdkafka.py', import.meta.url));

/** Why it cannot be used on this machine, or null. */
export function missingPython(): string | null {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no python3 with venv (on Debian: python3-venv)';
  }
}

/** Into a folder of its own, once; the wheel brings its own librdkafka. */
export function installConfluentKafka(): void {
  if (existsSync(join(folder, 'installed'))) return;
  execFileSync('python3', ['-m', 'venv', folder]);
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', `confluent-kafka==${VERSION}`]);
  execFileSync('touch', [join(folder, 'installed')]);
}

export const librdkafkaDriver = externalDriver('librdkafka (confluent-kafka)', () => [python, script], {
  'assignor-sticky': 'has range, round robin and cooperative sticky',
  'delete-offsets': 'has no such call in Python',
});
