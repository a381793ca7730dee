/**
 * The conformance cases by clients that are heavy to build or to start, against both arms: Apache's kafka-clients, Kafka's
 * own command-line tools, kcat and franz-go. A sample of the cases, unless KAFKA_TRIAL_CONFORMANCE is `all`.
 */
import { afterAll, describe } from 'vitest';
import { compileJava } from '../agreement/java/program.ts';
import { realKafka, simulated } from './testing/conformance/arms.ts';
import { cases } from './testing/conformance/cases.ts';
import type { Driver } from './testing/conformance/driver.ts';
import { buildFranzGo, franzGoDriver, missingGo } from './testing/conformance/franz-go.ts';
import { conformanceSources, javaDriver } from './testing/conformance/java.ts';
import { kafkaToolsDriver } from './testing/conformance/kafka-tools.ts';
import { kcatDriver, missingKcat } from './testing/conformance/kcat.ts';
import { declareConformance } from './testing/conformance/suite.ts';

const isWhole = process.env.KAFKA_TRIAL_CONFORMANCE === 'all';
const missing: string[] = [];
// For a look at one of them: kafka-clients, tools, kcat or franz-go.
const only = process.env.KAFKA_TRIAL_CONFORMANCE_CLIENT ?? '';
const java = await compileJava(conformanceSources);
const drivers: Driver[] = [javaDriver(java)];
afterAll(async () => await java[Symbol.asyncDispose]());

const kcat = missingKcat();
const isRequired = (process.env.KAFKA_TRIAL_REQUIRE ?? '').split(',').includes('kafka');
if (kcat !== null && isRequired) throw new Error(`KAFKA_TRIAL_REQUIRE names kafka, but ${kcat}`);
if (kcat === null) drivers.push(kcatDriver);
else missing.push(kcat);

// Half a minute of compiling, and of starting JVMs, is for the whole run.
if (isWhole) {
  drivers.push(kafkaToolsDriver);
  const go = missingGo();
  if (go === null) {
    buildFranzGo();
    drivers.push(franzGoDriver);
  } else missing.push(go);
}

const SAMPLE = [
  'what is produced with codec lz4 is consumed as it was',
  'a reader of committed records sees none of an aborted transaction',
  'a group goes on where it committed',
  'an administrator deletes a committed offset',
];
const asked = drivers.filter(({ name }) => name.includes(only));
const chosen = isWhole ? cases : cases.filter(({ title }) => SAMPLE.includes(title));

describe(`by other clients${missing.length === 0 ? '' : ` (left out: ${missing.join(', and ')})`}`, () => {
  declareConformance(simulated, asked, chosen);
  declareConformance(realKafka, asked, chosen);
});
