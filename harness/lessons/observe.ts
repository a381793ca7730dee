/**
 * What became of a run, in the terms of a lesson's expectation: a history and its verdict enter, and in the simulated
 * world the messages too; records, generations, commits and errors leave, without the markers of the harness.
 */
import type { JudgedAnomaly, Outcome, Verdict } from '../../properties/property.ts';
import { fatesOf } from '../../reports/fates.ts';
import { skippedActionsOf } from '../../reports/results.ts';
import type { Owners } from '../../scenarios/lessons/lesson.ts';
import type { EventOf, History } from '../history/schema.ts';

export interface Observation {
  /** Actions that the world could not carry out, each with the reason. */
  readonly skippedActions: readonly string[];
  readonly outcome: Outcome;
  readonly anomalies: readonly JudgedAnomaly[];
  readonly processedAgain: Readonly<Record<string, readonly string[]>>;
  readonly neverProcessed: Readonly<Record<string, readonly string[]>>;
  readonly notInLog: readonly string[];
  readonly generations: Readonly<Record<string, readonly Owners[]>>;
  readonly commitRequests: Readonly<Record<string, number>>;
  readonly commitFailures: Readonly<Record<string, number>>;
  readonly deliveries: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, readonly string[]>>;
  /** The errors of each member's application, in order. */
  readonly applicationErrors: Readonly<Record<string, readonly string[]>>;
  /** Null where nobody counted. */
  readonly fetchesWithRecords: Readonly<Record<string, number>> | null;
}

/** @param fetchesWithRecords by process; null in a world that cannot count them */
export function observe(
  history: History,
  verdict: Verdict,
  fetchesWithRecords: ReadonlyMap<string, number> | null,
): Observation {
  const { scenario } = history.start;
  const settledAt = history.events.findIndex((event) => event.kind === 'settled');
  const events = settledAt < 0 ? history.events : history.events.slice(0, settledAt);
  const fates = fatesOf(history);
  const members = scenario.groups.flatMap((group) => group.members.map(({ id }) => id));
  const perMember = <T>(of: (member: string) => T): Record<string, T> =>
    Object.fromEntries(members.map((member) => [member, of(member)]));
  const perGroup = <T>(of: (group: string) => T): Record<string, T> =>
    Object.fromEntries(scenario.groups.map(({ id }) => [id, of(id)]));
  const count = (is: (event: (typeof events)[number]) => boolean): Record<string, number> =>
    perMember((member) => events.filter((event) => memberOf(event.process) === member && is(event)).length);
  return {
    skippedActions: skippedActionsOf(history),
    outcome: verdict.outcome,
    anomalies: verdict.anomalies,
    processedAgain: perGroup((group) => (fates.groups.get(group)?.again ?? []).map(({ record }) => record)),
    neverProcessed: perGroup((group) => fates.groups.get(group)?.never ?? []),
    notInLog: fates.notInLog,
    generations: perGroup((group) =>
      events.flatMap((event) =>
        event.kind === 'group-generation' && event.group === group && event.state === 'stable'
          ? [ownersOf(event)]
          : [],
      ),
    ),
    commitRequests: count((event) => event.kind === 'commit-invoke'),
    commitFailures: count((event) => event.kind === 'application-commit-end' && event.outcome === 'failed'),
    deliveries: count((event) => event.kind === 'delivery' && !fates.isOfMarkersOnly(event)),
    refusals: perMember((member) =>
      [
        ...new Set(
          events.flatMap((event) => {
            if (memberOf(event.process) !== member) return [];
            if (event.kind === 'commit-fail') return event.errors.map(({ error }) => error);
            return event.kind === 'wire-heartbeat' ? [event.error] : [];
          }),
        ),
      ].filter((error) => error !== 'REBALANCE_IN_PROGRESS'),
    ),
    applicationErrors: perMember((member) =>
      events.flatMap((event) =>
        event.kind === 'application-error' && memberOf(event.process) === member ? [event.error] : [],
      ),
    ),
    fetchesWithRecords:
      fetchesWithRecords === null
        ? null
        : perMember((member) =>
            [...fetchesWithRecords].reduce(
              (sum, [process, fetches]) => sum + (memberOf(process) === member ? fetches : 0),
              0,
            ),
          ),
  };
}

/** `m1` of its process `m1.2`. */
const memberOf = (process: string): string => process.replace(/\.\d+$/, '');

const ownersOf = ({ members }: EventOf<'group-generation'>): Owners =>
  Object.fromEntries(
    members
      .map((member): [string, string] => [
        memberOf(member.clientId),
        member.assignment
          .flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`))
          .join(' '),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
