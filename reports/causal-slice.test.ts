/** What could have mattered to an anomaly in real simulated runs, and what could not. */
import { describe, expect, it } from 'vitest';
import type { Happening } from '../harness/runner/inspect.ts';
import { inspect } from '../harness/runner/inspect.ts';
import { judge } from '../properties/index.ts';
import { generateScenario } from '../scenarios/arbitrary.ts';
import { causalSlice } from './causal-slice.ts';

async function sliceOf(seed: number, index: number, property: string) {
  const scenario = generateScenario(seed, index);
  const { signal } = new AbortController();
  const { history, happenings } = await inspect({
    scenario,
    subject: { client: 'kafkajs', mutant: null },
    messages: true,
    signal,
  });
  const anomaly = judge(history).anomalies.find((one) => one.property === property);
  if (anomaly === undefined) throw new Error(`${property} did not fail`);
  return { anomaly, happenings, scenario, slice: causalSlice(happenings, anomaly, scenario) };
}

const messagesOf = (slice: readonly Happening[], api: string) =>
  slice.flatMap((one) => ('message' in one && one.message.api === api ? [one.message] : []));

describe('causalSlice', () => {
  it('of a member that gave up has its group and its own work, and ends with the proof', async () => {
    const { anomaly, happenings, slice } = await sliceOf(7, 37, 'convergence');
    expect(slice.length).toBeLessThan(happenings.length / 4);
    const last = slice.at(-1);
    expect(last !== undefined && 'event' in last ? last.event.seq : null).toBe(anomaly.events.at(-1));
    const seqs = slice.flatMap((one) => ('event' in one ? [one.event.seq] : []));
    for (const seq of anomaly.events) expect(seqs).toContain(seq);
    expect(messagesOf(slice, 'JoinGroup').length).toBeGreaterThan(2);
    // The heartbeat that told it, and none of those that said that all was well.
    const answers = messagesOf(slice, 'Heartbeat').filter(({ direction }) => direction === 'answer');
    for (const { body } of answers) expect(JSON.stringify(body)).not.toContain('"errorCode":"NONE"');
    expect(messagesOf(slice, 'Metadata')).toEqual([]);
  });

  it('of a partition has no word of other partitions, and each request with its answer', async () => {
    const { anomaly, slice } = await sliceOf(7, 5, 'at-least-once');
    const { topic, partition } = anomaly.subject;
    const others = slice.filter(
      (one) =>
        'event' in one &&
        !anomaly.events.includes(one.event.seq) &&
        'topic' in one.event &&
        'partition' in one.event &&
        (one.event.topic !== topic || one.event.partition !== partition),
    );
    expect(others).toEqual([]);
    const listed = messagesOf(slice, 'ListOffsets');
    expect(listed.filter(({ direction }) => direction === 'request')).toHaveLength(listed.length / 2);
    expect(listed.length).toBeGreaterThan(0);
  });
});
