/** The simulated world from end to end: generated scenarios, the unmodified kafkajs, the simulated cluster. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../properties/index.ts';
import { generateScenario } from '../../../scenarios/arbitrary.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { SimulatedWorld } from './simulated-world.ts';

const subject = { client: 'kafkajs', mutant: null };

const run = async (index: number) => {
  const recorder = new HistoryRecorder();
  await new SimulatedWorld().run(generateScenario(1, index, 'calm'), subject, recorder);
  return { history: recorder.finishHistory(), trace: recorder.trace };
};

describe('SimulatedWorld', () => {
  it('runs a generated scenario to its end, and the same again', async () => {
    const first = await run(0);
    const kinds = first.history.events.map((event) => event.kind);
    console.log(first.trace, kinds.length, first.history.events.at(-1)?.time);
    console.log(judge(first.history).anomalies);
    expect(kinds.at(-1)).toBe('finish');
    const second = await run(0);
    expect(second.trace).toEqual(first.trace);
    expect(second.history).toEqual(first.history);
  });
});
