/** The conformance cases by librdkafka, which is neither ours nor JavaScript, against both arms. */
import { describe } from 'vitest';
import { realKafka, simulated } from './testing/conformance/arms.ts';
import { installConfluentKafka, librdkafkaDriver, missingPython } from './testing/conformance/librdkafka.ts';
import { declareConformance } from './testing/conformance/suite.ts';

const missing = missingPython();
if (missing !== null && (process.env.KAFKA_TRIAL_REQUIRE ?? '').includes('kafka'))
  throw new Error(`KAFKA_TRIAL_REQUIRE names kafka, but ${missing}`);

describe.runIf(missing === null)(`by librdkafka${missing === null ? '' : ` (left out: ${missing})`}`, () => {
  if (missing === null) installConfluentKafka();
  declareConformance(simulated, [librdkafkaDriver]);
  declareConformance(realKafka, [librdkafkaDriver]);
});
