/**
 * What happens in a run, as one paragraph of plain words: its history, its verdict and the anomaly that it is about
 * enter, the paragraph leaves.
 */
import type { History } from '../harness/history/schema.ts';
import type { JudgedAnomaly, Verdict } from '../properties/property.ts';
import type { CommitMode, Group, Scenario } from '../scenarios/schema.ts';
import { count, formatDuration, formatSeconds } from './describe-event.ts';
import { namesOf, narrate, type Step } from './narrate.ts';

/** Of a longer story, the beginning says who takes part, and the end what comes of it. */
const FIRST_STEPS = 6;
const LAST_STEPS = 14;
/** Kafka's errors and clients' stacks of causes can be long. */
const STEP_LENGTH_MAX = 240;

export function paragraphOf(history: History, verdict: Verdict, anomaly: JudgedAnomaly): string {
  const proven = history.events[anomaly.events.at(-1) ?? 0]?.time ?? Number.POSITIVE_INFINITY;
  const { steps: all } = narrate(history, verdict);
  // How settling ended is what such an anomaly is about.
  const isEnding = ({ text }: Step): boolean =>
    text === 'everybody had caught up' || text.startsWith('settling ended, not drained');
  const steps = all.filter((step) => !isEnding(step));
  // What comes after the proof belongs to no finding, unless the proof is that nothing came.
  const told = steps.filter(({ timeMs }) => timeMs <= proven);
  const message = ended(namesOf(history)(anomaly.message));
  return [settingOf(history), ...withErrorsOnce([...sentences(shorten(told)), message])].join(' ');
}

/** Who is there, and what of their configuration a reader has to know. */
function settingOf({ start: { scenario, client } }: History): string {
  const { brokers, topics } = scenario.topology;
  const partitionsOf = (name: string): string =>
    count(topics.find((topic) => topic.name === name)?.partitions ?? 0, 'partition');
  const groups = scenario.groups.map(
    ({ id, members, topics: read, autoOffsetReset, commitMode, ...group }) => {
      const own = members.flatMap(({ id: member, topics: some }) =>
        some === undefined ? [] : [`${member} reads only ${some.join(' and ')}`],
      );
      return [
        `${id} has ${count(members.length, 'member')}, reads ${read.map((name) => `${name} (${partitionsOf(name)})`).join(', ')}`,
        own.length === 0 ? '' : `, of which ${own.join(', ')},`,
        ` with auto.offset.reset ${autoOffsetReset} and a session timeout of ${formatDuration(group.sessionTimeoutMs)}`,
        `, ${COMMITS[commitMode.kind]}, and ${handlerOf(group.handler)}`,
      ].join('');
    },
  );
  return `${brokers === 1 ? 'There is one broker' : `There are ${brokers} brokers`}; ${[...groups, ...sharingOf(scenario, client.name)].join('; ')}.`;
}

/** Which members run in one process. */
function sharingOf({ groups }: Scenario, client: string): string[] {
  const mates = new Map<string, string[]>();
  for (const { id, sharedProcess } of groups.flatMap(({ members }) => members))
    if (sharedProcess !== undefined) mates.set(sharedProcess, [...(mates.get(sharedProcess) ?? []), id]);
  const onWhat = client === 'kafkajs' ? ', on one instance of Kafka' : '';
  return [...mates.values()].flatMap((ids) =>
    ids.length < 2 ? [] : [`${ids.join(' and ')} run in one process${onWhat}`],
  );
}

function handlerOf({
  timeMs: { min, max },
  failuresPerThousand,
  failuresPerRecord,
}: Group['handler']): string {
  const time = min === max ? formatDuration(max) : `${formatDuration(min)} to ${formatDuration(max)}`;
  const often =
    failuresPerThousand === 1_000 ? 'every record' : `${failuresPerThousand} records of a thousand`;
  const times = failuresPerRecord === 1 ? 'once' : `${failuresPerRecord} times`;
  return `works ${time} on a record${failuresPerThousand === 0 ? '' : `, failing ${times} at ${often}`}`;
}

const COMMITS: Readonly<Record<CommitMode['kind'], string>> = {
  auto: 'leaves commits to its client',
  'per-record': 'commits after each record',
  'per-batch': 'commits after each batch',
  'per-poll': 'commits after each poll',
  asynchronous: 'commits after each record without waiting',
  transaction: 'commits in the transactions that write its output',
  none: 'never commits',
};

const ended = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Clients say an error and all its causes each time; once is enough. */
function withErrorsOnce(texts: readonly string[]): string[] {
  const said = new Set<string>();
  return texts.map((text) =>
    text.replace(CAUSES, (causes) => {
      const isKnown = said.has(causes);
      said.add(causes);
      return isKnown ? 'the same error' : causes;
    }),
  );
}

/** An error with its causes, as `describeError` writes them, up to the end of what is said of it. */
const CAUSES = /\w*Error: [^;.]*? <- [^;.]+/g;

function shorten(steps: readonly Step[]): (Step | null)[] {
  if (steps.length <= FIRST_STEPS + LAST_STEPS) return [...steps];
  return [...steps.slice(0, FIRST_STEPS), null, ...steps.slice(-LAST_STEPS)];
}

/** Steps of the same moment share a sentence. */
function sentences(steps: readonly (Step | null)[]): string[] {
  const told: { time: string; texts: string[] }[] = [];
  for (const step of steps) {
    const time = step === null ? '' : formatSeconds(Math.max(0, step.timeMs), 1);
    const text = step === null ? '' : cut(step.text);
    const last = told.at(-1);
    if (last !== undefined && last.time === time) last.texts.push(text);
    else told.push({ time, texts: [text] });
  }
  return told.map(({ time, texts }) => (time === '' ? '(...)' : `At ${time}, ${texts.join('; ')}.`));
}

const cut = (text: string): string =>
  text.length <= STEP_LENGTH_MAX ? text : `${text.slice(0, STEP_LENGTH_MAX - 3)}...`;
