/** The client ids that a process may come to have in one run: a scenario enters, with the ids of all incarnations there can be. */
import { processMates, type Scenario, sharedProcessOf } from '../../scenarios/schema.ts';
import { RESTARTS_MAX } from './processes.ts';

/** @param process null for each of the scenario */
export function clientIdsWithin(scenario: Scenario, process: string | null): string[] {
  const { producers, groups, actions } = scenario;
  // A producer is started once, and by nobody again.
  const incarnations = new Map(producers.map(({ id }) => [id, 1]));
  for (const { id, sharedProcess } of groups.flatMap(({ members }) => members)) {
    const starts = actions.filter(
      (action) => (action.kind === 'join' || action.kind === 'twin') && action.member === id,
    ).length;
    const most = starts === 0 ? 0 : starts + RESTARTS_MAX;
    incarnations.set(id, most);
    // Each start of a member may be that of a new process for all.
    if (sharedProcess !== undefined)
      incarnations.set(sharedProcess, (incarnations.get(sharedProcess) ?? 0) + most);
  }
  const shared = process === null ? undefined : sharedProcessOf(scenario, process);
  const names =
    process === null
      ? [...incarnations.keys()]
      : [...processMates(scenario, process), ...(shared === undefined ? [] : [shared])];
  return names.flatMap((name) =>
    Array.from({ length: incarnations.get(name) ?? 0 }, (_, i) => `${name}.${i + 1}`),
  );
}
