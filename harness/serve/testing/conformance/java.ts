/** Apache's kafka-clients for the conformance cases: a compiled program on their jars enters, a driver leaves. */
import { fileURLToPath } from 'node:url';
import type { JavaProgram } from '../../../agreement/java/program.ts';
import type { Driver } from './driver.ts';
import { externalDriver } from './external.ts';

/** What is compiled for it. */
export const conformanceSources = fileURLToPath(new URL('java', import.meta.url));

const OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m'];
const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';

export const javaDriver = ({ classPath }: JavaProgram): Driver =>
  externalDriver(
    'kafka-clients (Java)',
    () => ['java', ...OPTIONS, QUIET, '-cp', classPath, 'Conformance'],
    {},
  );
