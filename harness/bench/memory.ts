/**
 * What many runs leave behind: a number of generated scenarios enters, the size of the heap after a full garbage
 * collection leaves, taken ten times on the way. A harness that keeps nothing of a run shows a flat line.
 */
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { measure } from './measure.ts';

const SAMPLES = 10;

export interface HeapSample {
  readonly scenarios: number;
  readonly heapBytes: number;
}

/** @throws Error where Node.js was started without --expose-gc */
export async function measureMemory(
  count: number,
  seed: number,
  onSample: (sample: HeapSample) => void,
): Promise<HeapSample[]> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('the memory can be measured with `node --expose-gc` only');
  const samples: HeapSample[] = [];
  for (let done = 0; done < count; ) {
    const until = Math.ceil(((samples.length + 1) * count) / Math.min(SAMPLES, count));
    for (; done < until; done++) await measure('kafkajs', generateScenario(seed, done, 'default'));
    gc();
    const sample = { scenarios: done, heapBytes: process.memoryUsage().heapUsed };
    samples.push(sample);
    onSample(sample);
  }
  return samples;
}
