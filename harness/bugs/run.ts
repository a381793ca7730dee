/**
 * Runs a known bug's scenario with one client: the bug, the client and a world enter; whether the bug was to be expected
 * there, whether it showed, and what was found leave.
 */
import { judge } from '../../properties/index.ts';
import type { JudgedAnomaly, Verdict } from '../../properties/property.ts';
import { refusals } from '../client/clients.ts';
import type { History, UnplacedEvent } from '../history/schema.ts';
import { describeClient } from '../subject/builds.ts';
import type { World } from '../world/world.ts';
import { hasBug, isBreach } from './known-issues.ts';
import type { NamedBug } from './load.ts';
import { WatchedRecorder } from './watch.ts';

export interface BugRun {
  readonly client: { readonly name: string; readonly version: string };
  /** Whether this version has the bug, as the catalogue says. */
  readonly expected: boolean;
  /** Whether everything that the bug trips was found; for a client without the bug, whether any of it was. */
  readonly shown: boolean;
  readonly verdict: Verdict;
  readonly history: History;
  /** Null in a world that has no trace. */
  readonly traceHash: string | null;
}

/**
 * Null where the client cannot do what the scenario asks for: then it cannot have the bug.
 * @param onEvent told of every event as it is recorded
 */
export async function runBug(
  bug: NamedBug,
  client: string,
  world: World,
  signal: AbortSignal,
  onEvent: (event: UnplacedEvent) => void = () => {},
): Promise<BugRun | null> {
  if (refusals(client, bug.scenario).length > 0) return null;
  const recorder = new WatchedRecorder(onEvent);
  await world.run(bug.scenario, { client, mutant: null }, recorder, signal);
  const history = recorder.finishHistory();
  const verdict = judge(history);
  const described = describeClient(client);
  const expected = hasBug(bug, described);
  const found = bug.bug.trips.map((breach) =>
    verdict.anomalies.some((one) => one.policy === 'illegal' && isBreach(one, breach)),
  );
  return {
    client: described,
    expected,
    shown: expected ? found.every(Boolean) : found.some(Boolean),
    verdict,
    history,
    traceHash: recorder.trace?.hash ?? null,
  };
}

/** The first of what the bug trips, for the account of what happened. */
export const breachOf = ({ bug }: NamedBug, { verdict }: BugRun): JudgedAnomaly | undefined =>
  verdict.anomalies.find((one) => bug.trips.some((breach) => isBreach(one, breach)));
