/**
 * Runs one lesson: the lesson and the means of a world enter; its history, the verdict, and in what it differs from what
 * was expected leave.
 */
import { judge } from '../../properties/index.ts';
import type { Verdict } from '../../properties/property.ts';
import type { Expectation } from '../../scenarios/lessons/lesson.ts';
import { type History, MARKER_PREFIX } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { WireMessage } from '../world/simulated/message-tap.ts';
import type { World } from '../world/world.ts';
import { differences } from './compare.ts';
import type { NamedLesson } from './load.ts';
import { type Observation, observe } from './observe.ts';

export interface LessonWorld {
  readonly world: World;
  /** The Fetch answers that brought records in the run before; null in a world that cannot see them. */
  readonly takeFetches: (() => readonly FetchWithRecords[]) | null;
}

interface FetchWithRecords {
  readonly process: string;
  /** Milliseconds of scenario time. */
  readonly time: number;
}

export interface LessonRun {
  readonly history: History;
  readonly verdict: Verdict;
  readonly observation: Observation;
  /** One sentence for each; none where everything came as expected. */
  readonly differences: readonly string[];
}

/** What to expect in a world, or a sentence on why the lesson cannot be run there. */
export const expectationIn = (lesson: NamedLesson, world: World['name']): Expectation | string =>
  lesson.lesson.expect[world];

/** @throws WorldUnavailableError, and the signal's reason */
export async function runLesson(
  lesson: NamedLesson,
  { world, takeFetches }: LessonWorld,
  signal: AbortSignal,
): Promise<LessonRun> {
  const expected = expectationIn(lesson, world.name);
  if (typeof expected === 'string') throw new Error(`${lesson.name} cannot be run here: ${expected}`);
  const recorder = new HistoryRecorder();
  await world.run(lesson.scenario, { client: lesson.lesson.client, mutant: null }, recorder, signal);
  const history = recorder.finishHistory();
  const verdict = judge(history);
  const observation = observe(history, verdict, takeFetches && countFetches(history, takeFetches()));
  return { history, verdict, observation, differences: differences(expected, observation) };
}

/** The markers, which the harness writes when the lesson is over, are fetched too, and are no part of it. */
function countFetches(history: History, fetches: readonly FetchWithRecords[]): Map<string, number> {
  const marker = history.events.find(
    (event) => event.kind === 'produce-invoke' && event.records[0]?.record.startsWith(MARKER_PREFIX),
  );
  const counts = new Map<string, number>();
  for (const { process, time } of fetches)
    if (time < (marker?.time ?? Number.POSITIVE_INFINITY))
      counts.set(process, (counts.get(process) ?? 0) + 1);
  return counts;
}

/** A simulated world for lessons. */
export async function openSimulatedLessons(
  onLog: (origin: string, line: string) => void,
): Promise<LessonWorld> {
  const { SimulatedWorld } = await import('../world/simulated/simulated-world.ts');
  let fetches: FetchWithRecords[] = [];
  const onMessage = (message: WireMessage): void => {
    const { process, time } = message;
    if (process !== null && bringsRecords(message)) fetches.push({ process, time });
  };
  return {
    world: new SimulatedWorld({ onLog, inspection: { onMessage } }),
    takeFetches: () => {
      const taken = fetches;
      fetches = [];
      return taken;
    },
  };
}

interface FetchBody {
  readonly responses?: readonly {
    readonly partitions?: readonly { readonly records?: readonly unknown[] | null }[];
  }[];
}

const bringsRecords = ({ api, direction, body }: WireMessage): boolean =>
  api === 'Fetch' &&
  direction === 'answer' &&
  ((body as FetchBody | null)?.responses ?? []).some(({ partitions = [] }) =>
    partitions.some(({ records }) => (records?.length ?? 0) > 0),
  );
