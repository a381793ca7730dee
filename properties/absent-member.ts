/**
 * Why a live member is not in its group at the end: what it was told and did last enters; the signature and the sentence
 * of convergence leave, one for each mechanism, so that a known bug cannot stand for another.
 */
import type { EventOf } from '../harness/history/schema.ts';
import { proof } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { type Evidence, type GroupEvidence, rebalanceWaitMs } from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import type { ProcessEvidence } from './evidence/processes.ts';
import { silenceOf } from './no-spurious-rebalance.ts';
import type { Anomaly } from './property.ts';

const GAVE_UP = 'live member whose client gave up';
const GAVE_UP_REFUSED = 'live member whose client gave up over a commit that was refused';
const NOT_IN = 'live member is not in the group';
const STARTS_ANEW = 'live member whose client waits to start anew';
const LOST_BUSY = 'live member has lost its place while its handler worked';
const LOST_WAITING = 'live member has lost its place while it waited to try a failed record again';
const FROZEN = 'live member whose client computes without end';
const ASKS_NOBODY = 'live member has lost its place and sends none of its commits';
const NO_MORE_JOINS = 'live member went on without a place after its join had failed';

/** Of whose process nothing is to be expected any more, though it runs. */
export const givenUp: ReadonlySet<string> = new Set([GAVE_UP, GAVE_UP_REFUSED]);

export const placeIn = (group: GroupEvidence, last: GenerationEvidence | null): string =>
  last === null ? `group ${group.id}` : `generation ${last.generation} of group ${group.id}, the last one`;

/** Why a live member is not in the last generation, where what it did last says so; the arguments of a report. */
export function absence(
  evidence: Evidence,
  group: GroupEvidence,
  last: GenerationEvidence | null,
  live: ProcessEvidence,
  settledSeq: number,
): [signature: string, message: string, events: number[], subject: Anomaly['subject']] {
  const { signature, why, seqs } = whyAbsent(evidence, group, live, settledSeq);
  // Whoever has given up is counted on for as long as its session lasts.
  const isCounted = last?.members.some(({ clientId }) => clientId === live.process) === true;
  return [
    signature,
    `${live.process} runs and ${isCounted ? 'does nothing' : 'is not'} in ${placeIn(group, last)}${why === null ? '' : `: ${why}`}.`,
    proof(last?.seq, ...seqs, settledSeq),
    { group: group.id, process: live.process },
  ];
}

interface Absence {
  readonly signature: string;
  readonly why: string | null;
  readonly seqs: readonly number[];
}

function whyAbsent(
  evidence: Evidence,
  group: GroupEvidence,
  live: ProcessEvidence,
  settledSeq: number,
): Absence {
  const { process } = live;
  const frozen = frozenAt(evidence, process, settledSeq);
  if (frozen !== null)
    return { signature: FROZEN, why: 'it hears nothing and does nothing any more', seqs: [frozen] };
  const crash = endOf(live, settledSeq);
  if (crash?.restart === false) {
    const refused = group.commits.applicationCommits.find(
      ({ begin, end }) => begin.process === process && end?.outcome === 'failed' && end.error === crash.error,
    );
    return {
      signature: refused === undefined ? GAVE_UP : GAVE_UP_REFUSED,
      why: `its client had stopped for good with ${crash.error}`,
      seqs: [crash.seq, ...(refused?.end == null ? [] : [refused.end.seq])],
    };
  }
  const joins = eventsOf(evidence.history, 'wire-join').filter(
    (event) => event.process === process && event.seq < settledSeq,
  );
  if (crash !== undefined && !joins.some(({ seq }) => seq > crash.seq))
    return {
      signature: STARTS_ANEW,
      why: `its client had stopped with ${crash.error} and was to start again`,
      seqs: [crash.seq],
    };
  const lost = group.generations.findLast(
    (generation) =>
      generation.seq < settledSeq &&
      !generation.members.some(({ clientId }) => clientId === process) &&
      group.generations[generation.index - 1]?.members.some(({ clientId }) => clientId === process) === true,
  );
  const silence = lost === undefined ? null : silenceOf(evidence, group, process, lost.time);
  if (silence !== null)
    return {
      signature: silence.kind === 'busy' ? LOST_BUSY : LOST_WAITING,
      why: `it had lost its place, and ${silence.why}`,
      seqs: [silence.seq],
    };
  return (
    wentOn(evidence, group, live, joins.at(-1), settledSeq) ??
    asksNobody(evidence, group, process, joins.at(-1)?.seq ?? -1, settledSeq) ?? {
      signature: NOT_IN,
      why: null,
      seqs: [],
    }
  );
}

/** Commit calls in a row: what fails only while a coordinator moves is tried again and done. */
const UNSENT_MIN = 3;

/** Whether the application's last commits failed without having left, since the member last asked for a place. */
function asksNobody(
  { history }: Evidence,
  { commits }: GroupEvidence,
  process: string,
  joinSeq: number,
  settledSeq: number,
): Absence | null {
  const last = commits.applicationCommits
    .filter(
      ({ begin, end }) =>
        begin.process === process && begin.seq > joinSeq && (end?.seq ?? settledSeq) < settledSeq,
    )
    .slice(-UNSENT_MIN);
  const [first] = last;
  const newest = last.at(-1)?.end;
  if (first === undefined || newest == null || last.length < UNSENT_MIN) return null;
  const hasSent = eventsOf(history, 'commit-invoke').some(
    (event) => event.process === process && event.seq > first.begin.seq && event.seq < settledSeq,
  );
  return hasSent || last.some(({ end }) => end?.outcome === 'ok')
    ? null
    : {
        signature: ASKS_NOBODY,
        why: `it had lost its place, and each of its last ${UNSENT_MIN} commits had failed before it was sent, the last with ${newest.error}`,
        seqs: [first.begin.seq, newest.seq],
      };
}

/** Whether the member has no place, has asked for none since it was told so, and has gone on with what it had before. */
function wentOn(
  { history, settled }: Evidence,
  { config }: GroupEvidence,
  { process }: ProcessEvidence,
  join: EventOf<'wire-join'> | undefined,
  settledSeq: number,
): Absence | null {
  const told = eventsOf(history, 'wire-heartbeat').findLast(
    (event) =>
      event.process === process &&
      event.error === 'UNKNOWN_MEMBER_ID' &&
      event.seq > (join?.seq ?? -1) &&
      event.seq < settledSeq,
  );
  const hasHadTime =
    told !== undefined &&
    (settled?.time ?? 0) - told.time > config.sessionTimeoutMs + rebalanceWaitMs(config);
  const refused = hasHadTime ? told : join;
  if (refused === undefined || refused.error === null) return null;
  const after = eventsOf(history, 'delivery', 'commit-invoke', 'wire-heartbeat').filter(
    (event) => event.process === process && event.seq > refused.seq && event.seq < settledSeq,
  );
  const went = after.findLast(({ kind }) => kind !== 'wire-heartbeat');
  // Who is told by a heartbeat that it has no place asks for one.
  if (went === undefined || after.some(({ kind }) => kind === 'wire-heartbeat')) return null;
  return {
    signature: NO_MORE_JOINS,
    why: `its ${refused.kind === 'wire-join' ? 'join' : 'heartbeat'} had been answered with ${refused.error}, and it had gone on with what it had before, without asking ${refused.kind === 'wire-join' ? 'again' : 'for a place'}`,
    seqs: [refused.seq, went.seq],
  };
}

/** The event that says that the process computes without end, and hears nothing any more. */
export const frozenAt = ({ history }: Evidence, process: string, beforeSeq: number): number | null =>
  eventsOf(history, 'process-frozen').find((event) => event.process === process && event.seq < beforeSeq)
    ?.seq ?? null;

/**
 * The crash that says how its client stands since the application last ran it. Of several for good in a row, the first: what
 * follows is of what was left of it, such as a second consumer that a stop had not ended.
 */
function endOf(
  { clientCrashes, calls }: ProcessEvidence,
  settledSeq: number,
): EventOf<'client-crashed'> | undefined {
  const runSeq = calls.findLast(({ call, seq }) => call === 'run' && seq < settledSeq)?.seq ?? -1;
  const crashes = clientCrashes.filter(({ seq }) => seq > runSeq && seq < settledSeq);
  return crashes[crashes.findLastIndex(({ restart }) => restart) + 1] ?? crashes.at(-1);
}

/** Whether its client has said that it stopped for good. */
export const hasGivenUp = (process: ProcessEvidence, settledSeq: number): boolean =>
  endOf(process, settledSeq)?.restart === false;
