/** The trace: what counts in its hash, and how the first difference between two runs is found. */
import { describe, expect, it } from 'vitest';
import {
  compareTraces,
  describeDivergence,
  digestBytes,
  digestValue,
  firstDifference,
  label,
  type Recording,
  Trace,
} from './trace.ts';

type Event = [timeUs: number, owner: string, kind: string, digest: number];

const traceOf = (events: readonly Event[], recording: Recording | null = null) => {
  const trace = new Trace(recording);
  for (const [timeUs, owner, kind, digest] of events) trace.add(timeUs, label(owner), label(kind), digest);
  return trace.summary();
};
const events = (count: number): Event[] =>
  Array.from({ length: count }, (_, i) => [i * 7, `m${i % 5}.1`, i % 3 === 0 ? 'timeout' : 'data', i * 31]);
const changed = (list: Event[], index: number, change: (event: Event) => Event): Event[] =>
  list.map((event, i) => (i === index ? change(event) : event));

describe('Trace', () => {
  it('has the hash that it has always had', () => {
    expect(traceOf(events(10)).hash).toBe('aeb94f11681fce579fd99dcd83c3ca3b');
  });

  it('counts every part of every event, and their order', () => {
    const base = events(50);
    const changes: ((event: Event) => Event)[] = [
      ([timeUs, owner, kind, digest]) => [timeUs + 1, owner, kind, digest],
      ([timeUs, owner, kind, digest]) => [timeUs + 2 ** 33, owner, kind, digest],
      ([timeUs, , kind, digest]) => [timeUs, 'm9.1', kind, digest],
      ([timeUs, owner, , digest]) => [timeUs, owner, 'end', digest],
      ([timeUs, owner, kind, digest]) => [timeUs, owner, kind, digest ^ 1],
    ];
    const hashes = new Set([traceOf(base).hash]);
    for (const change of changes) hashes.add(traceOf(changed(base, 20, change)).hash);
    hashes.add(traceOf(base.slice(0, -1)).hash);
    hashes.add(traceOf(base.toReversed()).hash);
    expect(hashes.size).toBe(changes.length + 3);
  });

  it('finds the thousand events in which two runs part, and in them the first event', () => {
    const one = events(5_500);
    const other = changed(one, 3_456, ([timeUs, owner, kind]) => [timeUs, owner, kind, 0xbeef]);
    const window = firstDifference(traceOf(one), traceOf(other));
    expect(window).toEqual({ from: 3_000, to: 4_000 });
    const divergence = compareTraces(traceOf(one, window), traceOf(other, window));
    expect(divergence?.sequence).toBe(3_456);
    expect(divergence === null ? '' : describeDivergence(divergence)).toBe(
      'The runs differ first in event 3456: timeout of m1.1 at 24.192 ms (payload 0001a280) in one, ' +
        'timeout of m1.1 at 24.192 ms (payload 0000beef) in the other.',
    );
  });

  it('finds where one run ends before the other', () => {
    const one = events(1_500);
    const window = firstDifference(traceOf(one), traceOf(one.slice(0, 1_200)));
    const divergence = compareTraces(traceOf(one, window), traceOf(one.slice(0, 1_200), window));
    expect(divergence).toMatchObject({ sequence: 1_200, second: null });
    expect(describeDivergence(divergence as NonNullable<typeof divergence>)).toContain('the end of the run');
  });

  it('finds nothing in equal runs', () => {
    expect(firstDifference(traceOf(events(2_500)), traceOf(events(2_500)))).toBeNull();
  });
});

describe('digests', () => {
  it('tell bytes apart by value, length and place', () => {
    const digests = [[], [0], [0, 0], [1, 2, 3, 4, 5], [1, 2, 3, 5, 4], [1, 2, 3, 4], [4, 3, 2, 1]].map(
      (bytes) => digestBytes(Uint8Array.from(bytes)),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('tell plain values apart by type, key and nesting', () => {
    const values = [
      null,
      0,
      '0',
      false,
      0n,
      [],
      {},
      [0],
      [[0]],
      { a: 0 },
      { b: 0 },
      { a: { b: 0 } },
      0.5,
      -1,
      2 ** 40,
      undefined,
    ];
    expect(new Set(values.map((value) => digestValue(value))).size).toBe(values.length);
  });
});
