/**
 * Declares the conformance cases as tests: an arm and the drivers enter, one test for each client and case, and the
 * API keys and versions that every client used in cases that passed leave for the table.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConformanceCase, cases } from './cases.ts';
import type { Driver, Session } from './driver.ts';
import { platformaticDriver } from './platformatic.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { addResults } from './table.ts';

export interface Arm {
  /** As the table calls it. */
  readonly name: string;
  start(): Promise<{ readonly bootstrapServers: readonly string[] } & AsyncDisposable>;
}

const CASE_MS = 60_000;

export function declareConformance(
  arm: Arm,
  drivers: readonly Driver[],
  chosen: readonly ConformanceCase[] = cases,
): void {
  describe(`conformance: ${arm.name}`, () => {
    let cluster: Awaited<ReturnType<Arm['start']>>;
    let proxy: RecordingProxy;
    let admin: Session & AsyncDisposable;
    let names = 0;

    beforeAll(async () => {
      cluster = await arm.start();
      proxy = await RecordingProxy.open(cluster.bootstrapServers);
      // Not through the proxy: what it asks is no client's doing.
      admin = platformaticDriver.open(cluster.bootstrapServers);
    }, 120_000);
    afterAll(async () => {
      await admin[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    });

    describe.each(drivers)('$name', (driver) => {
      let client: Session & AsyncDisposable;
      const used = new Set<string>();
      beforeAll(() => {
        client = driver.open(proxy.bootstrapServers);
      });
      afterAll(async () => {
        await client[Symbol.asyncDispose]();
        addResults(arm.name, driver, used);
      });

      const possible = chosen.filter(({ needs }) =>
        needs.every((ability) => driver.cannot[ability] === undefined),
      );
      test.each(possible)('$title', { timeout: CASE_MS }, async ({ run }) => {
        proxy.take();
        const name = (what: string): string => {
          names += 1;
          return `conformance-${what}-${process.pid}-${names}`;
        };
        await expect(run({ client, admin, name })).resolves.toBeUndefined();
        for (const one of proxy.take()) used.add(one);
      });
    });
  });
}
