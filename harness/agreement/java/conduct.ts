/**
 * What a client did in a run, in the terms by which two clients can be compared: a history and its verdict enter; beside the
 * end state, the errors that reached applications and who was assigned what in each generation leave.
 */
import type { Verdict } from '../../../properties/property.ts';
import type { History } from '../../history/schema.ts';
import { type EndState, endStateOf } from '../end-state.ts';
import { type RecordFate, recordFates } from './record-fates.ts';

export interface Conduct {
  readonly end: EndState;
  /** By group: Kafka's names of the errors of polls, closes and commits that its members' applications were told of. */
  readonly errors: ReadonlyMap<string, ReadonlySet<string>>;
  /** By group and record. */
  readonly fates: ReadonlyMap<string, ReadonlyMap<string, RecordFate>>;
  readonly generations: readonly GenerationConduct[];
}

export interface GenerationConduct {
  /** What the assignment is a function of: group, assignor, members, partitions and, where it is sticky, the one before. */
  readonly question: string;
  /** Who was assigned what. */
  readonly answer: string;
}

export function conductOf(history: History, verdict: Verdict): Conduct {
  const { events } = history;
  const groupOf = new Map(
    events.flatMap((event) =>
      event.kind === 'process-start' ? [[event.process, event.group] as const] : [],
    ),
  );
  const errors = new Map<string, Set<string>>();
  for (const event of events) {
    const error = errorOf(event);
    const group = groupOf.get(event.process) ?? null;
    if (error === null || group === null) continue;
    errors.set(group, (errors.get(group) ?? new Set()).add(kafkaNameOf(error)));
  }
  return {
    end: endStateOf(history, verdict),
    errors,
    fates: recordFates(history),
    generations: generationsOf(events),
  };
}

const errorOf = (event: History['events'][number]): string | null =>
  event.kind === 'application-error' || event.kind === 'application-commit-end' ? event.error : null;

/**
 * `FENCED_INSTANCE_ID` of the Java client's `FencedInstanceIdException: ...`, and of Kafka's own name for the error, which is
 * what the reference client says.
 */
export const kafkaNameOf = (error: string): string =>
  (/^\w+/.exec(error)?.[0] ?? error)
    .replace(/(Exception|Error)$/, '')
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .toUpperCase();

function generationsOf(events: History['events']): GenerationConduct[] {
  const before = new Map<string, string>();
  return events.flatMap((event) => {
    if (event.kind !== 'group-generation') return [];
    const { group, protocol, members } = event;
    if (event.state !== 'stable') {
      before.delete(group);
      return [];
    }
    const owners = members
      .map(({ clientId, subscription, assignment }) => ({
        member: clientId,
        topics: [...subscription].sort(),
        owned: assignment.flatMap(({ topic, partitions }) =>
          partitions.map((partition) => `${topic}-${partition}`),
        ),
      }))
      .sort((a, b) => (a.member < b.member ? -1 : 1));
    const isSticky = protocol === 'sticky' || protocol === 'cooperative-sticky';
    const question = JSON.stringify([
      group,
      protocol,
      owners.map(({ member, topics }) => [member, topics]),
      owners.flatMap(({ owned }) => owned).sort(),
      isSticky ? (before.get(group) ?? null) : null,
    ]);
    const answer = owners.map(({ member, owned }) => `${member}: ${owned.join(' ') || 'nothing'}`).join('; ');
    before.set(group, answer);
    return [{ question, answer }];
  });
}
