/** The conformance cases against real Kafka, by clients that run in Node.js. */
import { realKafka } from './testing/conformance/arms.ts';
import { kafkajsDriver } from './testing/conformance/kafkajs.ts';
import { platformaticDriver } from './testing/conformance/platformatic.ts';
import { referenceDriver } from './testing/conformance/reference.ts';
import { declareConformance } from './testing/conformance/suite.ts';

declareConformance(realKafka, [kafkajsDriver, platformaticDriver, referenceDriver]);
