/** One run of a scenario, whatever the world: world, scenario and subject enter, the history and its verdict leave. */
import { judge } from '../../properties/index.ts';
import type { Verdict } from '../../properties/property.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { Subject, World } from '../world/world.ts';

export interface JudgedRun {
  readonly history: History;
  readonly verdict: Verdict;
}

/** Apart from the run: on real Kafka judging one run would hold up the others. */
export const judged = (history: History): JudgedRun => ({ history, verdict: judge(history) });

export async function historyOf(
  world: World,
  scenario: Scenario,
  subject: Subject,
  signal: AbortSignal,
): Promise<History> {
  const recorder = new HistoryRecorder();
  await world.run(scenario, subject, recorder, signal);
  return recorder.finishHistory();
}
