/** What is said of the run of a known bug while it goes on. */
import { expect, it } from 'vitest';
import { findBug, loadKnownBugs } from './load.ts';
import { RunWatch } from './watch.ts';

const { scenario } = findBug(await loadKnownBugs(), 'kafkajs-1453');
const settling = { ...scenario, settling: { ...scenario.settling, boundMs: 30_000 } };

it('says of a run on real Kafka what it is doing, and for how long at most, also while nothing happens', () => {
  let nowMs = 1_000;
  const watch = new RunWatch(settling, true, () => nowMs);
  nowMs += 2_500;
  expect(watch.where).toBe('waiting for the world, 2 s');
  watch.see({ kind: 'start', time: 0 });
  nowMs += 4_000;
  expect(watch.where).toBe('work and faults, 4 s');
  watch.see({ kind: 'heal', time: 5_000 });
  nowMs += 12_000;
  expect(watch.where).toBe('settling, 12 s of 30 s at most');
  watch.see({ kind: 'settled', time: 35_000 });
  expect(watch.where).toBe('closing, 0 s');
});

it('counts the virtual time of a simulated one', () => {
  let nowMs = 0;
  const watch = new RunWatch(settling, false, () => nowMs);
  watch.see({ kind: 'start', time: 0 });
  watch.see({ kind: 'heal', time: 5_000 });
  watch.see({ kind: 'delivery', time: 26_000 });
  nowMs += 600_000;
  expect(watch.where).toBe('settling, 21 virtual s of 30 virtual s at most');
});
