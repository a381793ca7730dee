/** A vitest global set-up that ends a run with a line for each suite that was left out: its name and why. */
import { browserProject, javaProject, kafkaProject } from './worlds.ts';

/** Each test project runs this set-up, and one list is enough. */
const announced = process as typeof process & { [key: symbol]: boolean };
const ANNOUNCED = Symbol.for('kafka-trial: what is left out');

export async function setup(): Promise<() => void> {
  const suites = { Kafka: await kafkaProject(), Java: await javaProject(), browser: await browserProject() };
  return () => {
    if (announced[ANNOUNCED]) return;
    announced[ANNOUNCED] = true;
    // At exit, so that these are the closing lines, after the reporters' own.
    process.once('exit', () => {
      for (const [name, { missing }] of Object.entries(suites))
        if (missing !== null) process.stdout.write(`Left out: the ${name} suite (${missing}).\n`);
    });
  };
}
