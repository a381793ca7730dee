/** What was expected of a lesson and what came of it enter; one sentence for each difference leaves. */
import {
  type Expectation,
  expandRecords,
  type Owners,
  type RecordSet,
  recordSpans,
} from '../../scenarios/lessons/lesson.ts';
import type { Observation } from './observe.ts';

export function differences(expected: Expectation, seen: Observation): string[] {
  return [
    ...seen.skippedActions.map((action) => `The lesson needs what could not be done: ${action}.`),
    ...(seen.outcome === expected.outcome
      ? []
      : [`The verdict was to be ${expected.outcome}, and is ${seen.outcome}.`]),
    ...anomalyDifferences(expected, seen),
    ...perName(seen.processedAgain, expected.processedAgain, (group, want, got) =>
      recordDifference(`Records that ${group} processed again`, want ?? [], got ?? []),
    ),
    ...perName(seen.neverProcessed, expected.neverProcessed, (group, want, got) =>
      recordDifference(`Records that ${group} never processed`, want ?? [], got ?? []),
    ),
    ...recordDifference('Records that no log holds at the end', expected.notInLog ?? [], seen.notInLog),
    ...perName(seen.generations, expected.generations, (group, want, got) =>
      want === undefined || sameGenerations(want, got ?? [])
        ? []
        : [`The generations of ${group} were to be ${list(want)}, and were ${list(got ?? [])}.`],
    ),
    ...perName(seen.generations, expected.passesThrough, (group, want, got) =>
      want === undefined || isAmong(want, got ?? [])
        ? []
        : [`${group} was to pass through ${list(want)}, and its generations were ${list(got ?? [])}.`],
    ),
    ...numbers('commit requests', expected.commitRequests, seen.commitRequests),
    ...numbers('failed commits', expected.commitFailures, seen.commitFailures),
    ...numbers('handovers of records', expected.deliveries, seen.deliveries),
    ...numbers('Fetch answers with records', expected.fetchesWithRecords, seen.fetchesWithRecords),
    ...perName(seen.refusals, expected.refusals, (member, want, got) =>
      want === undefined || JSON.stringify(want) === JSON.stringify(got ?? [])
        ? []
        : [`The coordinator was to refuse ${member} with ${words(want)}, and did with ${words(got ?? [])}.`],
    ),
    ...perName(seen.applicationErrors, expected.applicationErrors, (member, want, got = []) => {
      if (want === undefined)
        return got.length === 0 ? [] : [`No error was to reach the application of ${member}: ${got[0]}.`];
      return got.some((error) => error.includes(want))
        ? []
        : [`'${want}' was to reach the application of ${member}, and ${words(got)} did.`];
    }),
  ];
}

function anomalyDifferences(expected: Expectation, { anomalies }: Observation): string[] {
  const kinds = new Map<string, { count: number; message: string }>();
  for (const { property, policy, signature, message } of anomalies) {
    const kind = `${policy} ${property} (${signature})`;
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { count: 1, message });
    else known.count++;
  }
  const missing = expected.anomalies.flatMap(({ property, policy, signature, count }) => {
    const kind = `${policy} ${property} (${signature})`;
    const found = kinds.get(kind)?.count ?? 0;
    kinds.delete(kind);
    return count === undefined || found === count
      ? []
      : [`There was to be ${count} times: ${kind}; it was ${found} times.`];
  });
  return [...missing, ...[...kinds].map(([kind, { message }]) => `Not expected: ${kind}: ${message}`)];
}

/** Every name of either side once. @throws Error where a name is expected that the scenario does not have */
function perName<W, G>(
  seen: Readonly<Record<string, G>>,
  expected: Readonly<Record<string, W>> | undefined,
  compare: (name: string, want: W | undefined, got: G | undefined) => string[],
): string[] {
  const unknown = Object.keys(expected ?? {}).find((name) => !(name in seen));
  if (unknown !== undefined)
    throw new Error(`the lesson expects something of '${unknown}', which it has not`);
  return Object.keys(seen).flatMap((name) => compare(name, expected?.[name], seen[name]));
}

function recordDifference(what: string, want: RecordSet, got: readonly string[]): string[] {
  const gotSpans = recordSpans(got);
  if (!('atLeast' in want)) {
    const spans = recordSpans(expandRecords(want));
    return spans.join() === gotSpans.join()
      ? []
      : [`${what} were to be ${words(spans)}, and are ${words(gotSpans)}.`];
  }
  const { atLeast, atMost } = want;
  return got.length >= atLeast && got.length <= atMost
    ? []
    : [`${what} were to be ${atLeast} to ${atMost}, and are ${got.length}: ${words(gotSpans)}.`];
}

const numbers = (
  what: string,
  expected: Readonly<Record<string, number>> | undefined,
  seen: Readonly<Record<string, number>> | null,
): string[] =>
  perName(seen ?? {}, expected, (member, want, got) =>
    want === undefined || want === got ? [] : [`${member} was to have ${want} ${what}, and had ${got}.`],
  );

const generationKey = (owners: Owners): string =>
  JSON.stringify(Object.entries(owners).sort(([a], [b]) => (a < b ? -1 : 1)));

const sameGenerations = (want: readonly Owners[], got: readonly Owners[]): boolean =>
  want.map(generationKey).join() === got.map(generationKey).join();

/** In this order, whatever else there was. */
function isAmong(want: readonly Owners[], got: readonly Owners[]): boolean {
  let next = 0;
  for (const one of got) {
    const wanted = want[next];
    if (wanted !== undefined && generationKey(wanted) === generationKey(one)) next++;
  }
  return next === want.length;
}

const words = (items: readonly string[]): string => (items.length === 0 ? 'none' : items.join(', '));

const list = (generations: readonly Owners[]): string =>
  generations
    .map(
      (owners) =>
        `{${Object.entries(owners)
          .map(([member, owned]) => `${member}: ${owned || 'nothing'}`)
          .join('; ')}}`,
    )
    .join(' ') || 'none';
