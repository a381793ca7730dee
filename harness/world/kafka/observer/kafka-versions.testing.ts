/** For tests: the Kafka versions of which this machine has an image; the default one is always among them. */
import { execFileSync } from 'node:child_process';
import { DEFAULT_KAFKA_VERSION, defaultKafkaImage } from '../image-name.ts';

export interface VersionUnderTest {
  readonly version: string;
  readonly image: string;
}

const OLDER_VERSION = '3.9.1';

export function versionsUnderTest(): VersionUnderTest[] {
  const versions = [{ version: DEFAULT_KAFKA_VERSION, image: defaultKafkaImage() }];
  const older = { version: OLDER_VERSION, image: `apache/kafka:${OLDER_VERSION}` };
  if (isPresent(older.image)) versions.push(older);
  return versions;
}

function isPresent(image: string): boolean {
  try {
    execFileSync('docker', ['image', 'inspect', image], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
