/**
 * Holds a replay against the run that was recorded: what was recorded and the result enter; whether it is the same run
 * leaves, or what has changed since.
 */
import type { RunResult } from '../../reports/results.ts';
import { GENERATOR_VERSION } from '../../scenarios/arbitrary.ts';
import type { Recorded } from '../../scenarios/finding.ts';
import { UsageError } from '../errors.ts';
import { describeClient } from '../subject/builds.ts';
import { parseClientSpec } from '../subject/client-spec.ts';
import type { Subject } from '../world/world.ts';

/**
 * What a replay puts on trial where the person did not say: exactly what was recorded.
 * @throws UsageError where that cannot be had any more
 */
export function recordedSubject(recorded: readonly (Recorded | null)[]): Subject | null {
  const [first] = recorded;
  if (first === undefined || first === null) return null;
  for (const one of recorded)
    if (
      one?.client !== first.client ||
      one.mutant !== first.mutant ||
      one.clientVersion !== first.clientVersion
    )
      return null;
  return { client: exactly(first), mutant: first.mutant };
}

function exactly({ client, clientVersion }: Recorded): string {
  const now = describeClient(client).version;
  if (now === clientVersion) return client;
  const { name, source } = parseClientSpec(client);
  // A release can be had again under its own number; somebody's own code is what it is now.
  if (source.kind === 'own' && name !== 'reference' && !clientVersion.includes('+')) {
    const exact = `${name}@${clientVersion}`;
    describeClient(exact);
    return exact;
  }
  throw new UsageError(`It was recorded with ${name} ${clientVersion}, and ${client} is ${now} now.`, {
    hint: `Give --client ${client} to run it with what that is now.`,
  });
}

export interface Reproduction {
  /** Runs whose trace is the recorded one, and all that were to have it. */
  readonly same: number;
  readonly runs: number;
  /** One sentence on that, and what has changed since where it is not the same. */
  readonly sentence: string;
}

/**
 * @param recorded by the index of the run; null where there is nothing to hold it against
 * @returns null where that is so for all of them, and no scenario was repeated
 */
export function compareWithRecorded(
  result: RunResult,
  recorded: readonly (Recorded | null)[],
): Reproduction | null {
  const comparable = result.results.flatMap(({ index, traceHash }) => {
    const one = recorded[index] ?? null;
    return traceHash === null || one === null || one.traceHash === null ? [] : [{ traceHash, one }];
  });
  if (comparable.length === 0) return sameAsEachOther(result);
  const other = comparable.find(({ traceHash, one }) => traceHash !== one.traceHash);
  const same = comparable.filter(({ traceHash, one }) => traceHash === one.traceHash).length;
  const counted = `${same} of ${comparable.length}`;
  if (other === undefined)
    return {
      same,
      runs: comparable.length,
      sentence: `The recorded run again: ${counted} traces are equal.`,
    };
  const changes = changesSince(other.one, result);
  return {
    same,
    runs: comparable.length,
    sentence:
      `This is not the recorded run: ${counted} traces are equal (recorded ${other.one.traceHash}, now ${other.traceHash}). ` +
      (changes.length === 0
        ? 'Nothing that was recorded has changed: then it is the code of kafka-trial, or a bug of the simulated world.'
        : `Since then changed: ${changes.join(', ')}.`),
  };
}

/** Repetitions of a scenario of which no run was recorded. */
function sameAsEachOther({ results }: RunResult): Reproduction | null {
  const firsts = new Map<string, string | null>();
  const repeated = results.filter(({ name, traceHash }) => {
    if (firsts.has(name)) return true;
    firsts.set(name, traceHash);
    return results.filter((one) => one.name === name).length > 1;
  });
  if (repeated.length === 0 || repeated.some(({ traceHash }) => traceHash === null)) return null;
  const same = repeated.filter(({ name, traceHash }) => traceHash === firsts.get(name)).length;
  const sentence = `${same} of ${repeated.length} runs have the same trace as the first.`;
  return { same, runs: repeated.length, sentence };
}

function changesSince({ versions, clientVersion, mutant }: Recorded, result: RunResult): string[] {
  const now: Record<string, string> = { ...result.versions, generator: String(GENERATOR_VERSION) };
  const changed = (name: string, before: string | null, after: string | null): string[] =>
    before === after ? [] : [`${name} (${before ?? 'none'}, now ${after ?? 'none'})`];
  return [
    ...changed(result.client.name, clientVersion, result.client.version),
    ...changed('the mutant', mutant, result.mutant),
    ...Object.keys(versions)
      .sort()
      .flatMap((name) => changed(name, versions[name] ?? null, now[name] ?? null)),
  ];
}
