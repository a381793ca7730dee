/** Small histories of the synthetic scenario, by hand: events with their times and processes enter, a history leaves. */
import type { History, UnplacedEvent } from '../../harness/history/schema.ts';
import { HistoryRecorder } from '../../harness/history/writer.ts';
import { syntheticScenario } from './synthetic.ts';

export type TimedEvent = readonly [timeMs: number, process: string, event: object];

/** Between the start and the finish of a run that was complete. */
export function historyOf(events: readonly TimedEvent[]): History {
  const recorder = new HistoryRecorder();
  const emit = (time: number, process: string, event: object): void =>
    recorder.record({ time, process, ...event } as UnplacedEvent);
  emit(0, 'harness', {
    kind: 'start',
    schema: 1,
    scenario: syntheticScenario(),
    world: 'simulated',
    client: { name: 'kafkajs', version: '2.2.4' },
    mutant: null,
    versions: {},
  });
  for (const event of events) emit(...event);
  emit(9_001, 'harness', { kind: 'finish', incomplete: [] });
  return recorder.finishHistory();
}
