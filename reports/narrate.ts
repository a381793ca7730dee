/**
 * Tells a run as a short story: a history and its verdict enter; steps in plain language leave, with one sentence for
 * each stretch of work instead of one for each record, and at the end what became of the records and why.
 */
import { type EventOf, type History, type HistoryEvent, MARKER_PREFIX } from '../harness/history/schema.ts';
import type { Verdict } from '../properties/property.ts';
import { recordSpans } from '../scenarios/lessons/lesson.ts';
import { membersHit, type Scenario } from '../scenarios/schema.ts';
import { describeEvent } from './describe-event.ts';
import { type Fates, fatesOf } from './fates.ts';
import { tellAction } from './narrate-actions.ts';
import { findingsOf } from './narrate-findings.ts';
import { describeLeft, describeSent, describeWork, type Hand, type Sent, type Work } from './narrate-work.ts';

export interface Step {
  /** When it began, in milliseconds of scenario time. */
  readonly timeMs: number;
  /** One sentence, without a full stop. */
  readonly text: string;
}

export interface Narration {
  readonly steps: readonly Step[];
  /** What became of the records and why, one sentence each; at least one. */
  readonly findings: readonly string[];
}

/** A producer that has sent nothing for so long has ended a stretch of work. */
const PAUSE_MS = 1_000;

/** Times are those at which a stretch of work began, ascending. */
export function narrate(history: History, verdict: Verdict): Narration {
  const narrator = new Narrator(history);
  for (const event of history.events) {
    narrator.take(event);
    if (event.kind === 'settled') break;
  }
  const name = namesOf(history);
  return {
    steps: narrator.end().map(({ timeMs, text }) => ({ timeMs, text: name(text) })),
    findings: findingsOf(history, verdict).map(name),
  };
}

interface Asked {
  readonly timeMs: number;
  readonly process: string;
  readonly at: string;
  readonly answers: string[];
}

class Narrator {
  readonly #scenario: Scenario;
  readonly #fates: Fates;
  readonly #steps: Step[] = [];
  /** By process and partition, in the order in which they were begun. */
  readonly #work = new Map<string, Work>();
  readonly #hands = new Map<string, Map<string, Hand>>();
  readonly #running = new Map<string, string>();
  readonly #commits = new Map<string, EventOf<'commit-invoke'>>();
  /** What was said last of a group's committed offset, by group and partition. */
  readonly #committed = new Map<string, number>();
  readonly #sent = new Map<string, Sent>();
  /** The records of each transaction, by process and number. */
  readonly #transactions = new Map<string, readonly string[]>();
  readonly #sends = new Map<string, { sent: Sent; records: number }>();
  /** ListOffsets answers that have not been told yet, by process and by what was asked for. */
  readonly #asked = new Map<string, Asked>();
  readonly #saidLast = new Map<string, string>();

  constructor(history: History) {
    this.#scenario = history.start.scenario;
    this.#fates = fatesOf(history);
  }

  take(event: HistoryEvent): void {
    switch (event.kind) {
      case 'delivery':
        this.#delivered(event);
        break;
      case 'processing-begin':
        this.#began(event);
        break;
      case 'processing-end':
        this.#ended(event);
        break;
      case 'commit-invoke':
        this.#commits.set(`${event.process} ${event.commit}`, event);
        break;
      case 'commit-ok':
        this.#commitConfirmed(event);
        break;
      case 'produce-invoke':
        this.#sending(event);
        break;
      case 'produce-ok':
      case 'produce-fail':
      case 'produce-unknown':
        this.#sendEnded(event);
        break;
      case 'transaction-end':
        this.#transactionEnded(event);
        break;
      case 'process-exit':
        this.#exited(event);
        break;
      case 'settled':
        this.#settled(event);
        break;
      case 'group-generation':
        this.#regrouped(event);
        break;
      case 'wire-list-offsets':
        this.#listed(event);
        break;
      case 'wire-offset-fetch':
      case 'wire-fetch-error':
        this.#sayOnce(event);
        break;
      case 'application-commit-end':
        if (event.outcome !== 'ok') this.#sayOnce(event);
        break;
      case 'action':
        if (event.actionKind.endsWith('-broker'))
          for (const process of this.#processesSending()) this.#tellSent(process);
        this.#acted(event);
        break;
      case 'process-start':
        if (event.role === 'member')
          this.#say(
            event,
            `${event.id} started${event.incarnation === 1 ? '' : ` again, as ${event.process}`}${
              event.sharedProcess === undefined ? '' : `, in the shared process ${event.sharedProcess}`
            }`,
          );
        break;
      default:
        if (isWorthTelling(event)) this.#say(event, describeEvent(event, this.#scenario));
    }
  }

  /** Of what began at the same time, what was found first comes first. */
  end(): readonly Step[] {
    return this.#steps.toSorted((a, b) => a.timeMs - b.timeMs);
  }

  #say({ time }: { readonly time: number }, text: string): void {
    this.#tellListed();
    this.#tellWork();
    for (const sent of [...this.#sent.values()])
      if (time - sent.lastMs > PAUSE_MS) this.#tellSent(sent.process);
    this.#steps.push({ timeMs: time, text });
  }

  /** Clients ask again what they know already; that is told where the answer has changed. */
  #sayOnce(event: EventOf<'wire-offset-fetch' | 'wire-fetch-error' | 'application-commit-end'>): void {
    const text = describeEvent(event, this.#scenario);
    const about = `${event.process} ${event.kind}`;
    if (this.#saidLast.get(about) === text) return;
    this.#saidLast.set(about, text);
    this.#say(event, text);
  }

  /** A member asks for many partitions at once, and each answer is an event. */
  #listed({ process, time, at, topic, partition, offset, error }: EventOf<'wire-list-offsets'>): void {
    const known = this.#asked.get(`${process} ${at}`) ?? { timeMs: time, process, at, answers: [] };
    this.#asked.set(`${process} ${at}`, known);
    const answer = `${partitionOf({ topic, partition })} ${error ?? offset ?? 'none'}`;
    // A client that reads from several brokers may ask once for each.
    if (!known.answers.includes(answer)) known.answers.push(answer);
  }

  #tellListed(): void {
    for (const { timeMs, process, at, answers } of this.#asked.values())
      this.#steps.push({ timeMs, text: `${process} asked for the ${at} offset: ${answers.join(', ')}` });
    this.#asked.clear();
  }

  #hand(process: string, partition: string): Hand {
    const ofProcess = this.#hands.get(process) ?? new Map<string, Hand>();
    this.#hands.set(process, ofProcess);
    const hand = ofProcess.get(partition) ?? { delivered: 0, begun: 0, done: 0 };
    ofProcess.set(partition, hand);
    return hand;
  }

  #delivered(event: EventOf<'delivery'>): void {
    if (this.#fates.isOfMarkersOnly(event)) return;
    const hand = this.#hand(event.process, partitionOf(event));
    hand.delivered = Number(event.offsets.at(-1)) + 1;
  }

  #began(event: EventOf<'processing-begin'>): void {
    const { process, record, offset } = event;
    if (record === null || record.startsWith(MARKER_PREFIX)) return;
    const partition = partitionOf(event);
    this.#running.set(`${process} ${partition} ${offset}`, record);
    this.#hand(process, partition).begun = Number(offset) + 1;
    this.#workOf(event, partition);
  }

  #ended(event: EventOf<'processing-end'>): void {
    const { process, offset, outcome } = event;
    const partition = partitionOf(event);
    const record = this.#running.get(`${process} ${partition} ${offset}`);
    if (record === undefined) return;
    const work = this.#workOf(event, partition);
    if (outcome === 'failed') {
      work.failed.push(Number(offset));
      return;
    }
    work.done.push({ offset: Number(offset), record });
    this.#hand(process, partition).done = Number(offset) + 1;
  }

  #commitConfirmed(event: EventOf<'commit-ok'>): void {
    const request = this.#commits.get(`${event.process} ${event.commit}`);
    for (const one of request?.offsets ?? []) {
      const partition = partitionOf(one);
      const about = `${event.group} ${partition}`;
      const offset = Number(one.offset);
      const isMarker = this.#fates.isMarker(one.topic, one.partition, offset - 1);
      if (this.#committed.get(about) === offset || isMarker) continue;
      this.#committed.set(about, offset);
      this.#workOf(event, partition).commits.push(offset);
    }
  }

  #workOf({ process, time }: { readonly process: string; readonly time: number }, partition: string): Work {
    const key = `${process} ${partition}`;
    const known = this.#work.get(key);
    if (known !== undefined) return known;
    const work: Work = { timeMs: time, process, partition, done: [], failed: [], commits: [] };
    this.#work.set(key, work);
    return work;
  }

  #tellWork(): void {
    for (const work of this.#work.values()) {
      const text = describeWork(work);
      if (text !== null) this.#steps.push({ timeMs: work.timeMs, text });
    }
    this.#work.clear();
  }

  #sending(event: EventOf<'produce-invoke'>): void {
    const { process, topic, acks, records, time, produce } = event;
    if (process === 'harness') return;
    const key = `${process} ${topic}`;
    const sent: Sent = this.#sent.get(key) ?? {
      timeMs: time,
      process,
      topic,
      acks: String(acks),
      lastMs: time,
      records: [],
      isTransactional: false,
      outcomes: new Map(),
    };
    this.#sent.set(key, sent);
    sent.lastMs = time;
    sent.records.push(...records.map(({ record }) => record));
    if (event.transaction !== undefined) {
      sent.isTransactional = true;
      const about = `${process} ${event.transaction}`;
      const known = this.#transactions.get(about) ?? [];
      this.#transactions.set(about, [...known, ...records.map(({ record }) => record)]);
    }
    this.#sends.set(`${process} ${produce}`, { sent, records: records.length });
  }

  #sendEnded(event: EventOf<'produce-ok' | 'produce-fail' | 'produce-unknown'>): void {
    const send = this.#sends.get(`${event.process} ${event.produce}`);
    if (send === undefined) return;
    const outcome = event.kind === 'produce-ok' ? 'ok' : event.kind === 'produce-fail' ? 'failed' : 'unknown';
    const { outcomes } = send.sent;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + send.records);
  }

  /** That one was committed is what everybody expects. */
  #transactionEnded({
    process,
    transaction,
    ending,
    outcome,
    error,
    time,
  }: EventOf<'transaction-end'>): void {
    if (ending === 'commit' && outcome === 'ok') return;
    const sent = recordSpans(this.#transactions.get(`${process} ${transaction}`) ?? []).join(', ');
    const which = sent === '' ? 'a transaction' : `the transaction with ${sent}`;
    this.#say(
      { time },
      outcome === 'ok' ? `${process} aborted ${which}` : `${process} could not ${ending} ${which}: ${error}`,
    );
  }

  #processesSending(): string[] {
    return [...new Set([...this.#sent.values()].map(({ process }) => process))];
  }

  #tellSent(process: string): void {
    for (const [key, sent] of this.#sent) {
      if (sent.process !== process) continue;
      this.#sent.delete(key);
      this.#tellWork();
      this.#steps.push({ timeMs: sent.timeMs, text: describeSent(sent) });
    }
  }

  #acted(event: EventOf<'action'>): void {
    const action = this.#scenario.actions[event.action];
    const text =
      event.outcome === 'skipped' || action === undefined
        ? describeEvent(event, this.#scenario)
        : tellAction(action, event.phase, membersHit(this.#scenario, action));
    if (text !== null) this.#say(event, text);
  }

  #exited(event: EventOf<'process-exit'>): void {
    this.#tellSent(event.process);
    const hands = this.#hands.get(event.process);
    const isProducer = this.#scenario.producers.some(({ id }) => event.process.startsWith(`${id}.`));
    if (isProducer && event.code === 0) return;
    this.#say(event, describeEvent(event, this.#scenario));
    if (event.signal !== 'SIGKILL') return;
    const group = this.#scenario.groups.find(({ members }) =>
      members.some(({ id }) => event.process.startsWith(`${id}.`)),
    );
    for (const [partition, hand] of hands ?? []) {
      const text = describeLeft(hand, this.#committed.get(`${group?.id} ${partition}`) ?? null);
      if (text !== null)
        this.#steps.push({ timeMs: event.time, text: `it left ${partition} behind: ${text}` });
    }
  }

  #regrouped(event: EventOf<'group-generation'>): void {
    // A group begins as an empty one.
    if (event.generation > 0) this.#say(event, describeEvent(event, this.#scenario));
    // What a member has lost it leaves to nobody when it dies.
    for (const { process, clientId, assignment } of event.members) {
      const owned = new Set(
        assignment.flatMap(({ topic, partitions }) =>
          partitions.map((partition) => partitionOf({ topic, partition })),
        ),
      );
      const hands = this.#hands.get(process ?? clientId);
      for (const partition of [...(hands?.keys() ?? [])]) if (!owned.has(partition)) hands?.delete(partition);
    }
  }

  #settled(event: EventOf<'settled'>): void {
    for (const process of this.#processesSending()) this.#tellSent(process);
    this.#say(
      event,
      event.undrained.length === 0 ? 'everybody had caught up' : describeEvent(event, this.#scenario),
    );
  }
}

/** Of the events that say something by themselves. */
function isWorthTelling(event: HistoryEvent): boolean {
  switch (event.kind) {
    case 'wire-heartbeat':
      // The invitation to join again is what the generation that follows says better.
      return event.error !== 'REBALANCE_IN_PROGRESS';
    case 'application-error':
    case 'client-crashed':
    case 'commit-fail':
    case 'commit-unknown':
    case 'commit-removed':
    case 'process-frozen':
    case 'wire-throttle':
      return true;
    default:
      return false;
  }
}

const partitionOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}-${partition}`;

/** Processes by the names of the scenario where they have had one life only. */
export function namesOf({ events }: History): (text: string) => string {
  const lives = new Map<string, number>();
  for (const event of events)
    if (event.kind === 'process-start')
      lives.set(event.id, Math.max(event.incarnation, lives.get(event.id) ?? 0));
  const once = [...lives].flatMap(([id, incarnation]) => (incarnation === 1 ? [id] : []));
  if (once.length === 0) return (text) => text;
  const pattern = new RegExp(`(?<![\\w.-])(${once.join('|')})\\.1(?![\\w-])`, 'g');
  return (text) => text.replace(pattern, '$1');
}
