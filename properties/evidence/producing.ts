/** The sends of the producers: `produce-*` and `producer-close` events enter, sends with their outcomes leave. */
import type { EventOf, History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { ProcessEvidence } from './processes.ts';
import { listAt, mapAt, toOffset } from './values.ts';

export interface Send {
  readonly process: string;
  /** The producer of the scenario. */
  readonly producer: string;
  readonly topic: string;
  readonly acks: 0 | 1 | 'all';
  readonly records: readonly string[];
  readonly seq: number;
  readonly time: number;
  /** `none`: the history shows no outcome, so nobody knows whether the records were written. */
  readonly outcome: 'ok' | 'fail' | 'unknown' | 'none';
  readonly outcomeSeq: number | null;
  readonly outcomeTime: number | null;
  readonly answers: readonly { readonly partition: number; readonly baseOffset: number }[];
}

export interface ProducerClose {
  readonly begin: EventOf<'producer-close'>;
  readonly end: EventOf<'producer-close'>;
}

export interface ProducingEvidence {
  /** In the order of their invocation. */
  readonly sends: readonly Send[];
  /** Closes that ended without an error, by process. */
  readonly closes: ReadonlyMap<string, ProducerClose>;
}

export function indexProducing(
  history: History,
  processes: ReadonlyMap<string, ProcessEvidence>,
): ProducingEvidence {
  const outcomes = new Map<string, Map<number, EventOf<'produce-ok' | 'produce-fail' | 'produce-unknown'>>>();
  for (const event of eventsOf(history, 'produce-ok', 'produce-fail', 'produce-unknown'))
    mapAt(outcomes, event.process).set(event.produce, event);
  const closeEvents = new Map<string, EventOf<'producer-close'>[]>();
  for (const event of eventsOf(history, 'producer-close')) listAt(closeEvents, event.process).push(event);
  const sends = eventsOf(history, 'produce-invoke').map((event): Send => {
    const outcome = outcomes.get(event.process)?.get(event.produce);
    return {
      process: event.process,
      producer: processes.get(event.process)?.id ?? event.process,
      topic: event.topic,
      acks: event.acks,
      records: event.records.map(({ record }) => record),
      seq: event.seq,
      time: event.time,
      outcome: outcome === undefined ? 'none' : OUTCOME_BY_KIND[outcome.kind],
      outcomeSeq: outcome?.seq ?? null,
      outcomeTime: outcome?.time ?? null,
      answers:
        outcome?.kind === 'produce-ok'
          ? outcome.answers.map(({ partition, baseOffset }) => ({
              partition,
              baseOffset: toOffset(baseOffset),
            }))
          : [],
    };
  });
  const closes = new Map<string, ProducerClose>();
  for (const [process, events] of closeEvents) {
    const begin = events.find((event) => event.phase === 'begin');
    const end = events.find((event) => event.phase === 'end');
    if (begin !== undefined && end !== undefined && end.error === null) closes.set(process, { begin, end });
  }
  return { sends, closes };
}

const OUTCOME_BY_KIND = { 'produce-ok': 'ok', 'produce-fail': 'fail', 'produce-unknown': 'unknown' } as const;
