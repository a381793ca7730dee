/**
 * How slow a machine is: the history of a real run that took place on it and that of a simulated one enter, and what the
 * simulated world needs to be as slow leaves.
 */
import { indexActions } from '../../properties/evidence/processes.ts';
import { indexThrottles } from '../../properties/evidence/throttles.ts';
import { isOutage } from '../../scenarios/schema.ts';
import type { EventKind, History } from '../history/schema.ts';
import { LAN } from '../world/simulated/network.ts';
import type { Machine } from '../world/simulated/simulated-world.ts';

/**
 * How slow the machine was on which the real run took place: starting a process and answering a request can take many
 * times as long on a busy one, and that decides what the next action finds.
 */
export function machineOf(real: History, simulated: History): Machine {
  // A driver without a tap is first heard of later than one that has it.
  const told = new Set(real.events.map(({ kind }) => kind));
  const simulatedMs = startTimes(simulated, told);
  const startDelaysMs = new Map(
    [...startTimes(real, told)].map(([process, ms]) => [
      process,
      Math.max(0, ms - (simulatedMs.get(process) ?? 0)),
    ]),
  );
  const usualMs = brokerStartTimes(simulated);
  const brokerStartDelaysMs = new Map(
    [...brokerStartTimes(real)].map(([action, ms]) => [action, Math.max(0, ms - (usualMs.get(action) ?? 0))]),
  );
  const [median, slowest] = roundTripsMs(real);
  const oneWayUs = (ms: number): number => Math.round(ms * 500);
  const latencyUs = Math.max(LAN.latencyUs, oneWayUs(median));
  return {
    startDelaysMs,
    brokerStartDelaysMs,
    network: { ...LAN, latencyUs, jitterUs: Math.max(LAN.jitterUs, oneWayUs(slowest) - latencyUs) },
  };
}

/** A broker's start is no longer for it: it was measured to the end, until all brokers knew it. */
export function slower({ startDelaysMs, brokerStartDelaysMs, network }: Machine, factor: number): Machine {
  return {
    brokerStartDelaysMs,
    startDelaysMs: new Map([...startDelaysMs].map(([process, delayMs]) => [process, delayMs * factor])),
    network: {
      ...network,
      latencyUs: Math.round(network.latencyUs * factor),
      jitterUs: Math.round(network.jitterUs * factor),
    },
  };
}

/**
 * The median and the ninth decile of what a commit or a send took from its request to its answer; those that had to wait
 * for a broker that was away, or for the sake of a quota, or of a process with a broken link, say nothing of the machine.
 */
function roundTripsMs(history: History): [number, number] {
  const { scenario } = history.start;
  const broken = scenario.actions.flatMap((action) => ('link' in action ? [action.link.process] : []));
  const outages = [...outagesOf(history), ...indexThrottles(history)];
  const begun = new Map<string, number>();
  const tookMs: number[] = [];
  for (const event of history.events) {
    if (broken.some((id) => event.process.startsWith(`${id}.`))) continue;
    if (event.kind === 'commit-invoke') begun.set(`${event.process} commit ${event.commit}`, event.time);
    else if (event.kind === 'produce-invoke')
      begun.set(`${event.process} produce ${event.produce}`, event.time);
    else if (event.kind === 'commit-ok' || event.kind === 'produce-ok') {
      const call = event.kind === 'commit-ok' ? `commit ${event.commit}` : `produce ${event.produce}`;
      const since = begun.get(`${event.process} ${call}`);
      if (since === undefined) continue;
      if (!outages.some(({ fromTime, toTime }) => fromTime <= event.time && toTime >= since))
        tookMs.push(event.time - since);
    }
  }
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? 0;
  return [at(0.5), at(0.9)];
}

/**
 * By process: milliseconds from its start to its first event of these kinds. One that first tells of an error had not come so
 * far when the broker went.
 */
function startTimes(history: History, kinds: ReadonlySet<EventKind>): Map<string, number> {
  const outages = outagesOf(history);
  const starts = new Map<string, number>();
  const times = new Map<string, number>();
  for (const { process, kind, time } of history.events) {
    if (kind === 'process-start') starts.set(process, time);
    const start = starts.get(process);
    if (start === undefined || kind === 'process-start' || !kinds.has(kind) || times.has(process)) continue;
    const outage = outages.find(({ fromTime }) => fromTime >= start && fromTime <= time);
    times.set(process, (kind === 'application-error' && outage ? outage.fromTime : time) - start);
  }
  return times;
}

const outagesOf = (history: History) =>
  indexActions(history, history.start.scenario).filter(
    ({ action, fromTime, toTime }) => isOutage(action) && fromTime < toTime && Number.isFinite(toTime),
  );

/**
 * By the action that ends with the start: milliseconds from when it was due to when the broker was back. Orders for one
 * broker are carried out one after another, so that one which comes while another is under way has to wait for it.
 */
function brokerStartTimes({ start, events }: History): Map<number, number> {
  const times = new Map<number, number>();
  const lastEndMs = new Map<number, number>();
  for (const event of events) {
    if (event.kind !== 'action' || event.phase !== 'end') continue;
    const action = start.scenario.actions[event.action];
    switch (action?.kind) {
      case 'crash-broker':
      case 'restart-broker': {
        const turnMs = Math.max(action.atMs + action.durationMs, lastEndMs.get(action.broker) ?? 0);
        times.set(event.action, Math.max(0, event.time - turnMs));
        lastEndMs.set(action.broker, event.time);
        break;
      }
      case 'pause-broker':
        lastEndMs.set(action.broker, event.time);
        break;
    }
  }
  return times;
}
