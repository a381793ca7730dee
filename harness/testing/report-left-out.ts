/** A vitest global set-up that ends a run with the one line that says which tests were left out, and why. */
import { kafkaProject } from './worlds.ts';

export async function setup(): Promise<() => void> {
  const { missing } = await kafkaProject();
  return () => {
    // At exit, so that it is the closing line, after the reporters' own.
    process.once('exit', () => process.stdout.write(`Left out: the Kafka suite (${missing}).\n`));
  };
}
