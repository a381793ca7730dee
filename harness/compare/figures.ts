/**
 * The figures of one run that comparisons are made of: a history, its verdict and the counts of requests enter; numbers
 * by name leave, each the better the smaller it is.
 */
import { recordsLost } from '../../properties/at-least-once.ts';
import { type Evidence, evidenceOf } from '../../properties/evidence/evidence.ts';
import { type Hold, holdsOf, ownerlessSpans } from '../../properties/evidence/ownership.ts';
import type { Verdict } from '../../properties/property.ts';
import { membersHit } from '../../scenarios/schema.ts';
import { type History, MARKER_PREFIX } from '../history/schema.ts';
import { percentileOf } from './statistics.ts';

/** By name; null where the run has nothing to measure, such as the duplicates per crash where nothing crashed. */
export type Figures = Readonly<Record<string, number | null>>;

export interface FigureFacts {
  readonly title: string;
  /** What the number counts or measures, for a column beside it. */
  readonly unit: 'records' | 'ms' | 'times' | 'anomalies';
}

/** In the order in which reports name them; those of single APIs and properties follow their totals. */
const facts: Readonly<Record<string, FigureFacts>> = {
  illegal: { title: 'illegal anomalies', unit: 'anomalies' },
  'illegal.new': { title: 'illegal anomalies, new', unit: 'anomalies' },
  'illegal.known': { title: 'illegal anomalies, known bugs', unit: 'anomalies' },
  lost: { title: 'records lost', unit: 'records' },
  unwritten: { title: 'records sent and in no log', unit: 'records' },
  duplicates: { title: 'delivered twice', unit: 'records' },
  'duplicates.perCrash': { title: 'delivered twice per crash', unit: 'records' },
  'duplicates.worst': { title: 'delivered twice, worst hand-over', unit: 'records' },
  ownerless: { title: 'without a live owner, all partitions', unit: 'ms' },
  'ownerless.median': { title: 'without a live owner, median', unit: 'ms' },
  'ownerless.p99': { title: 'without a live owner, p99', unit: 'ms' },
  'ownerless.worst': { title: 'without a live owner, worst', unit: 'ms' },
  'recovery.median': { title: 'crash or stall to next delivery, median', unit: 'ms' },
  'recovery.worst': { title: 'crash or stall to next delivery, worst', unit: 'ms' },
  'lag.p50': { title: 'end-to-end lag, p50', unit: 'ms' },
  'lag.p99': { title: 'end-to-end lag, p99', unit: 'ms' },
  rebalances: { title: 'rebalances', unit: 'times' },
  commits: { title: 'commit requests', unit: 'times' },
  requests: { title: 'requests', unit: 'times' },
};

const SUBDIVIDED = { illegal: 'anomalies', requests: 'times' } as const;

/** @param name as in `Figures` */
export function factsOf(name: string): FigureFacts {
  const known = facts[name];
  if (known !== undefined) return known;
  const [whole, part] = name.split(/:(.*)/s) as ['illegal' | 'requests', string];
  return { title: `${facts[whole]?.title ?? whole}: ${part}`, unit: SUBDIVIDED[whole] };
}

/** In the order of the facts, parts behind their whole in the order of their names. */
export function inFigureOrder(names: Iterable<string>): string[] {
  const order = Object.keys(facts);
  const placeOf = (name: string): number => order.indexOf(name.split(':')[0] as string);
  return [...names].sort((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/** @param requests by API, or null in a world that does not count them */
export function figuresOf(
  history: History,
  verdict: Verdict,
  requests: Readonly<Record<string, number>> | null,
): Figures {
  const evidence = evidenceOf(history);
  return {
    ...anomalyFigures(verdict),
    lost: recordsLost(evidence),
    unwritten: recordsUnwritten(evidence),
    ...duplicateFigures(evidence, verdict),
    ...ownershipFigures(evidence),
    ...lagFigures(evidence),
    rebalances: evidence.groups.reduce(
      (sum, { generations }) =>
        sum + new Set(generations.filter(({ isStable }) => isStable).map((one) => one.generation)).size,
      0,
    ),
    commits: history.events.reduce((sum, { kind }) => sum + (kind === 'commit-invoke' ? 1 : 0), 0),
    ...requestFigures(requests),
  };
}

function anomalyFigures({ anomalies, properties }: Verdict): Record<string, number> {
  const illegal = anomalies.filter(({ policy }) => policy === 'illegal');
  const of = (id: string): number => illegal.filter(({ property }) => property === id).length;
  return {
    illegal: illegal.length,
    ...Object.fromEntries(properties.map(({ id }) => [`illegal:${id}`, of(id)])),
  };
}

/** Of topics whose whole log is known and from which nothing was deleted: there a record that is missing is in no log. */
function recordsUnwritten({
  scenario,
  producing,
  processes,
  completeTopics,
  locations,
}: Evidence): number | null {
  const isTrimmed = (topic: string): boolean =>
    scenario.actions.some(
      (action) =>
        (action.kind === 'delete-records' || action.kind === 'compact-topic') && action.topic === topic,
    );
  const sends = producing.sends.filter(
    ({ process, topic }) => processes.has(process) && completeTopics.has(topic) && !isTrimmed(topic),
  );
  if (sends.length === 0) return null;
  return sends.flatMap(({ records }) => records).filter((record) => !locations.has(record)).length;
}

function duplicateFigures({ actions }: Evidence, { ledger }: Verdict): Figures {
  const sum = (entries: Verdict['ledger']): number =>
    entries.reduce((total, { replayed }) => total + replayed, 0);
  const crashes = actions.filter(({ action }) => action.kind === 'crash').length;
  return {
    duplicates: sum(ledger),
    'duplicates.perCrash':
      crashes === 0 ? null : sum(ledger.filter(({ cause }) => cause === 'crash')) / crashes,
    'duplicates.worst': ledger.reduce((most, { replayed }) => Math.max(most, replayed), 0),
  };
}

function ownershipFigures(evidence: Evidence): Figures {
  const spans = evidence.groups
    .flatMap((group) => ownerlessSpans(evidence, group))
    .map(({ fromTime, toTime }) => toTime - fromTime);
  const recoveries = evidence.groups.flatMap((group) => recoveriesOf(evidence, group.id));
  return {
    ownerless: rounded(spans.reduce((sum, span) => sum + span, 0)),
    'ownerless.median': rounded(percentileOf(spans, 0.5) ?? 0),
    'ownerless.p99': rounded(percentileOf(spans, 0.99) ?? 0),
    'ownerless.worst': rounded(percentileOf(spans, 1) ?? 0),
    'recovery.median': rounded(percentileOf(recoveries, 0.5)),
    'recovery.worst': rounded(percentileOf(recoveries, 1)),
  };
}

/**
 * For each partition that a member held when it crashed or was stalled: how long it took until a record of it was
 * delivered again, to anybody. A partition in which nothing is left to deliver, but for the harness's own markers, says
 * nothing.
 */
function recoveriesOf(evidence: Evidence, groupId: string): number[] {
  const group = evidence.groups.find(({ id }) => id === groupId);
  if (group === undefined) return [];
  const hits = evidence.actions.flatMap(({ action, fromTime }) =>
    action.kind === 'crash' || action.kind === 'stall'
      ? membersHit(evidence.scenario, action).map((member) => ({ member, fromTime }))
      : [],
  );
  const ofGroup = new Set(group.processes.map(({ process }) => process));
  const memberOf = new Map(group.processes.map(({ process, id }) => [process, id]));
  // The hold ends with the very event that is looked for.
  const isHit = (hold: Hold, member: string, time: number): boolean =>
    memberOf.get(hold.process) === member && hold.fromTime <= time && hold.toTime >= time;
  const holds = holdsOf(evidence, group);
  const deliveries = new Map<string, number[]>();
  for (const event of evidence.history.events) {
    if (event.kind !== 'delivery' || event.group !== groupId || !ofGroup.has(event.process)) continue;
    const key = `${event.topic}/${event.partition}`;
    const log = evidence.logs.get(key);
    const isWork = event.offsets.some((offset) => {
      const record = log?.recordAt.get(Number(offset));
      return record != null && !record.startsWith(MARKER_PREFIX);
    });
    if (!isWork) continue;
    const times = deliveries.get(key) ?? [];
    times.push(event.time);
    deliveries.set(key, times);
  }
  return hits.flatMap(({ member, fromTime }) => {
    const keys = new Set(holds.filter((hold) => isHit(hold, member, fromTime)).map(({ key }) => key));
    return [...keys].flatMap((key) => {
      const next = deliveries.get(key)?.find((time) => time > fromTime);
      return next === undefined ? [] : [next - fromTime];
    });
  });
}

/** From the call of send to the end of the first processing that succeeded, over all groups. */
function lagFigures({ groups, producing, logs }: Evidence): Figures {
  const sentAt = new Map<string, number>();
  for (const { records, time } of producing.sends)
    for (const record of records)
      if (!record.startsWith(MARKER_PREFIX) && !sentAt.has(record)) sentAt.set(record, time);
  const lags = groups.flatMap(({ consumption }) =>
    [...consumption.values()].flatMap(({ key, fates }) =>
      [...fates].flatMap(([offset, { done }]) => {
        const record = done?.record ?? logs.get(key)?.recordAt.get(offset) ?? null;
        const sent = record === null ? undefined : sentAt.get(record);
        return sent === undefined || done === null || done.endTime === null ? [] : [done.endTime - sent];
      }),
    ),
  );
  return { 'lag.p50': rounded(percentileOf(lags, 0.5)), 'lag.p99': rounded(percentileOf(lags, 0.99)) };
}

function requestFigures(requests: Readonly<Record<string, number>> | null): Figures {
  if (requests === null) return {};
  return {
    requests: Object.values(requests).reduce((sum, one) => sum + one, 0),
    ...Object.fromEntries(Object.entries(requests).map(([api, times]) => [`requests:${api}`, times])),
  };
}

/** To microseconds, which is as fine as histories are. */
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 1_000) / 1_000);
