/** How slow a machine is: histories of the same scenario on two machines enter, what the one takes longer is checked. */
import { expect, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Action, Scenario } from '../../scenarios/schema.ts';
import type { EventOf, History, HistoryEvent } from '../history/schema.ts';
import { machineOf, slower } from './machine.ts';

const actions: Action[] = [
  { kind: 'crash-broker', atMs: 4_000, durationMs: 3_000, broker: 1 },
  { kind: 'crash-broker', atMs: 8_000, durationMs: 1_000, broker: 1 },
  { kind: 'pause-broker', atMs: 8_000, durationMs: 1_000, broker: 2 },
  { kind: 'restart-broker', atMs: 9_000, durationMs: 500, broker: 2 },
];

/** @param ends when each action ended; null for one that never did */
function historyOf(ends: readonly (number | null)[]): History {
  const scenario: Scenario = { ...generateScenario(1, 0, 'calm'), actions };
  const start = { kind: 'start', time: 0, seq: 0, process: 'harness', scenario } as EventOf<'start'>;
  const events = ends
    .flatMap((time, action) =>
      time === null ? [] : [{ kind: 'action', phase: 'end', time, action } as EventOf<'action'>],
    )
    .sort((a, b) => a.time - b.time);
  return { start, events: [start, ...events] as HistoryEvent[] };
}

test('a broker is given what its start took longer on the real machine', () => {
  const simulated = historyOf([9_500, 12_000, 9_010, 12_000]);
  const real = historyOf([13_000, 18_800, 9_050, 12_600]);
  expect([...machineOf(real, simulated).brokerStartDelaysMs]).toEqual([
    [3, 600],
    // From the end of its schedule, 7,000.
    [0, 3_500],
    // From the end of the order before it: 5,800 on the real machine, 2,500 in the simulated world.
    [1, 3_300],
  ]);
});

test('a start that took no longer than usual, or that nobody saw the end of, is given nothing', () => {
  const { brokerStartDelaysMs } = machineOf(
    historyOf([9_000, null, 9_050, 12_600]),
    historyOf([9_500, 12_000, 9_010, 12_600]),
  );
  expect([...brokerStartDelaysMs]).toEqual([
    [0, 0],
    [3, 0],
  ]);
});

test('a slower machine is slower in what could be measured only in part, and a broker is back when it is back', () => {
  const network = { ...machineOf(historyOf([]), historyOf([])).network, latencyUs: 100, jitterUs: 50 };
  const machine = {
    startDelaysMs: new Map([['m1.1', 200]]),
    brokerStartDelaysMs: new Map([[0, 3_500]]),
    network,
  };
  expect(slower(machine, 2)).toEqual({
    startDelaysMs: new Map([['m1.1', 400]]),
    brokerStartDelaysMs: new Map([[0, 3_500]]),
    network: { ...network, latencyUs: 200, jitterUs: 100 },
  });
});

test('what had to wait for a broker that was away does not count for its slowness', () => {
  const begin = { kind: 'action', phase: 'begin', time: 4_000, action: 0 };
  const commit = (number: number, fromMs: number, toMs: number) => [
    { kind: 'commit-invoke', process: 'm1.1', commit: number, time: fromMs },
    { kind: 'commit-ok', process: 'm1.1', commit: number, time: toMs },
  ];
  const { start, events } = historyOf([9_000, null, null, null]);
  const calls = [...commit(1, 1_000, 1_010), ...commit(2, 3_900, 9_100), ...commit(3, 8_000, 9_500)];
  const real = { start, events: [...events, begin, ...calls].sort((a, b) => a.time - b.time) } as History;
  expect(machineOf(real, historyOf([])).network.latencyUs).toBe(5_000);
});

test('what had to wait for the sake of a quota does not either', () => {
  const { start } = historyOf([]);
  const events = [
    { kind: 'commit-invoke', process: 'm1.1', commit: 0, time: 1_000 },
    { kind: 'wire-throttle', process: 'm1.1', api: 'OffsetCommit', throttleTimeMs: 900, time: 1_100 },
    { kind: 'commit-ok', process: 'm1.1', commit: 0, time: 1_100 },
    { kind: 'commit-invoke', process: 'm1.1', commit: 1, time: 1_900 },
    { kind: 'commit-ok', process: 'm1.1', commit: 1, time: 2_100 },
    { kind: 'commit-invoke', process: 'm1.1', commit: 2, time: 3_000 },
    { kind: 'commit-ok', process: 'm1.1', commit: 2, time: 3_008 },
  ] as EventOf<'commit-invoke' | 'commit-ok' | 'wire-throttle'>[];
  expect(machineOf({ start, events }, historyOf([])).network.latencyUs).toBe(4_000);
});

test('what went over a broken link says nothing of the machine', () => {
  const answered = (process: string, tookMs: number): EventOf<'commit-invoke' | 'commit-ok'>[] =>
    [
      { kind: 'commit-invoke', time: 1_000, process, commit: 0 },
      { kind: 'commit-ok', time: 1_000 + tookMs, process, commit: 0 },
    ] as EventOf<'commit-invoke' | 'commit-ok'>[];
  const slow: Action = {
    kind: 'slow-link',
    atMs: 0,
    durationMs: 9_000,
    link: { process: 'm1', broker: null },
    latencyMs: { min: 500, max: 500 },
    bytesPerSecond: null,
    lossPerThousand: 0,
  };
  const { start } = historyOf([]);
  const events = [...answered('m1.1', 1_000), ...answered('m10.1', 8)];
  const real = (actions: Action[]): History => ({
    start: { ...start, scenario: { ...start.scenario, actions } },
    events,
  });
  expect(machineOf(real([slow]), historyOf([])).network.latencyUs).toBe(4_000);
  expect(machineOf(real([]), historyOf([])).network.latencyUs).toBe(500_000);
});

test('a process that first tells of an error had not come so far when the broker went', () => {
  const startedWith = (kind: 'application-error' | 'produce-invoke', time: number): History => {
    const { start, events } = historyOf([7_500, null, null, null]);
    const fault = { kind: 'action', phase: 'begin', outcome: 'applied', time: 4_010, action: 0 };
    const process = 'producer-1.1';
    const own = [
      { kind: 'process-start', time: 100, process, role: 'producer', id: 'producer-1' },
      { kind, time, process },
    ];
    const all = [...events, fault, ...own].map((event) => ({ outcome: 'applied', ...event }));
    return { start, events: all.sort((a, b) => a.time - b.time) as HistoryEvent[] };
  };
  const delayOf = (real: History) =>
    machineOf(real, startedWith('produce-invoke', 150)).startDelaysMs.get('producer-1.1');
  // The simulated one tells of nothing that the real one told of.
  expect(delayOf(startedWith('application-error', 11_660))).toBe(4_010 - 100);
  expect(delayOf(startedWith('produce-invoke', 11_660))).toBe(11_660 - 150);
});
