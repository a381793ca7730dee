/**
 * `kafka-trial/reporter`, a reporter of vitest's beside its own: the tests of a run enter; for each trial that failed,
 * its findings, its scenario files and the commands that repeat them leave at the end, and a JSON file where one is
 * asked for.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, TestCase } from 'vitest/node';
import { visible } from '../../reports/escape.ts';
import type { TrialMeta } from './vitest.ts';

export interface TrialReporterOptions {
  /** Where a JSON file with all that failed goes, for whatever comes after the tests. */
  readonly outputFile?: string;
  /** Takes the lines at the end (default: standard output). */
  readonly write?: (text: string) => void;
}

interface FailedTrial extends TrialMeta {
  readonly test: string;
  readonly file: string;
}

export default class TrialReporter implements Reporter {
  readonly #options: TrialReporterOptions;
  #failed: FailedTrial[] = [];

  constructor(options: TrialReporterOptions = {}) {
    this.#options = options;
  }

  onTestRunStart(): void {
    // In watch mode, runs follow each other.
    this.#failed = [];
  }

  onTestCaseResult(test: TestCase): void {
    const { kafkaTrial } = test.meta();
    if (kafkaTrial !== undefined)
      this.#failed.push({ test: test.fullName, file: test.module.relativeModuleId, ...kafkaTrial });
  }

  onTestRunEnd(): void {
    const { outputFile, write = (text) => process.stdout.write(text) } = this.#options;
    if (outputFile !== undefined) {
      mkdirSync(dirname(outputFile), { recursive: true });
      writeFileSync(outputFile, `${JSON.stringify({ schema: 1, failed: this.#failed }, null, 2)}\n`);
    }
    if (this.#failed.length > 0) write(`\n${this.#failed.flatMap(linesOf).join('\n')}\n`);
  }
}

const linesOf = ({ test, failures, scenarios, shrunk, reportFile }: FailedTrial): string[] => [
  visible(`Trial failed: ${test}, in ${scenarios} scenarios`),
  ...failures.flatMap(({ property, message, scenarioFile, replay }) => [
    visible(`  ${property}: ${message}`),
    ...(scenarioFile === null ? [] : [visible(`    scenario  ${scenarioFile}`)]),
    ...(replay === null ? [] : [visible(`    replay    ${replay}`)]),
  ]),
  ...(shrunk === null ? [] : [visible(`    small     ${shrunk.scenarioFile}`)]),
  visible(`    report    ${reportFile}`),
];
