/** idle-member: stable generations with more members than partitions enter, idle members that fail or starve leave. */
import type { Scenario } from '../scenarios/schema.ts';
import { groupOf, proof, reporter } from './anomaly.ts';
import { isRewritten } from './balanced-assignment.ts';
import { withheldIn } from './coverage.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  hasRival,
  mayLoseTouch,
  rebalanceWaitMs,
} from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import { endedWithMate, isStalledWithin } from './evidence/processes.ts';
import { CLOCK_TOLERANCE_MS, partitionOf } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('idle-member');

const EXPIRED = 'idle member lost its membership';
const EXPIRED_ONCE = 'idle member lost its membership once';
const FAILED = 'idle member failed';

export const idleMember: Property = {
  id: 'idle-member',
  title: 'Members without partitions wait quietly and take over',
  statement:
    'A member is without partitions in a stable generation only where no other member has two or more partitions of a topic that both subscribe to; so a member beyond the number of partitions is idle, and takes over when an owner goes. A generation that is written again for a static member that is back keeps the assignment that it was made with, whatever that member subscribes to by now (KIP-345). With cooperative-sticky (KIP-429) it may have to wait for one more generation, where this one keeps back a partition that its last owner has yet to give up. While it is idle, and until a second process of the same member takes its place, it reports no failure, its process ends over none but that of another member in it, and it stays a member unless it leaves, stops, ends, stalls or fails.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => {
      const stable = group.generations.filter((generation) => generation.isStable);
      const expired = stable.flatMap((generation) => expiredWhileIdle(evidence, group, generation));
      // Outside virtual time a busy machine can cost anybody a session; an idle member without heartbeats loses each.
      const isChance = history.start.world !== 'simulated' && expired.length === 1;
      return [
        ...stable.flatMap((generation) => [
          // What a static member that is back is given was shared out for what it subscribed to before (KIP-345).
          ...(isRewritten(group, generation) ? [] : starved(group, generation)),
          ...failedWhileIdle(evidence, group, generation),
        ]),
        ...expired.map((anomaly) => (isChance ? { ...anomaly, signature: EXPIRED_ONCE } : anomaly)),
      ];
    });
  },
  policy(scenario, anomaly) {
    if (anomaly.signature === EXPIRED_ONCE) return 'observed';
    if (anomaly.signature === EXPIRED) return canKeepSession(scenario, anomaly) ? 'illegal' : 'observed';
    if (anomaly.signature === FAILED) return mayLoseTouch(scenario) ? 'observed' : 'illegal';
    return 'illegal';
  },
};

/**
 * A client that heartbeats between two fetches keeps its session only where both fit into it; and a broker that is away,
 * or a broken link to it, can cost anybody the session.
 */
function canKeepSession(scenario: Scenario, anomaly: Anomaly): boolean {
  const { heartbeatIntervalMs, fetchMaxWaitMs, sessionTimeoutMs } = groupOf(scenario, anomaly);
  return !mayLoseTouch(scenario) && 2 * (heartbeatIntervalMs + fetchMaxWaitMs) <= sessionTimeoutMs;
}

const idleMembers = (generation: GenerationEvidence) =>
  generation.members.filter((member) => member.assignment.every(({ partitions }) => partitions.length === 0));

/**
 * Round robin deals a topic's partitions in a circle among the members that subscribe to it, and range and sticky
 * spread each topic too: nobody gets a second one of a topic before each subscriber has something.
 */
function starved(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const withheld = [...withheldIn(group, generation).keys()].map((key) => partitionOf(key).topic);
  return idleMembers(generation).flatMap((idle) => {
    if (withheld.some((topic) => idle.subscription.includes(topic))) return [];
    for (const owner of generation.members)
      for (const { topic, partitions } of owner.assignment)
        if (
          partitions.length >= 2 &&
          idle.subscription.includes(topic) &&
          // An assignment of a topic that the owner does not subscribe to is another property's matter.
          owner.subscription.includes(topic)
        )
          return [
            report(
              'idle while another member has two partitions',
              `Generation ${generation.generation} of group ${group.id} gives ${idle.clientId} nothing and ${owner.clientId} ${partitions.length} partitions of ${topic}, to which both subscribe.`,
              proof(generation.seq),
              { group: group.id, topic, process: idle.clientId },
            ),
          ];
    return [];
  });
}

/** From this generation's record to the next one's. */
function timeOf(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
): { fromTime: number; toTime: number } {
  const next = group.generations[generation.index + 1];
  const end = evidence.settled?.time ?? Number.POSITIVE_INFINITY;
  return {
    fromTime: generation.time + CLOCK_TOLERANCE_MS,
    toTime: Math.min(next?.time ?? Number.POSITIVE_INFINITY, end) - CLOCK_TOLERANCE_MS,
  };
}

function failedWhileIdle(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
): Anomaly[] {
  const { fromTime, toTime } = timeOf(evidence, group, generation);
  return idleMembers(generation).flatMap(({ clientId }) => {
    const process = evidence.processes.get(clientId);
    if (process === undefined) return [];
    // What a member reports after it was told to end is part of ending.
    const until = Math.min(toTime, process.order?.time ?? Number.POSITIVE_INFINITY);
    const isWithin = ({ time }: { time: number }): boolean => time >= fromTime && time <= until;
    const failures = [
      ...process.clientCrashes
        .filter(isWithin)
        .map(({ seq, error }) => ({ seq, what: `its client stopped with ${error}` })),
      ...process.applicationErrors
        .filter(isWithin)
        .map(({ seq, call, error }) => ({ seq, what: `${call} failed with ${error}` })),
    ];
    const { exit, order } = process;
    // Of several members in one process, the one that failed says so itself.
    if (exit !== null && order === null && isWithin(exit) && !endedWithMate(evidence.processes, process))
      failures.push({ seq: exit.seq, what: `its process ended with ${exit.signal ?? `code ${exit.code}`}` });
    // Its place may go to a second process while the next generation is waited for.
    const own = failures.filter(({ seq }) => !hasRival(group, process, seq));
    return own.map(({ seq, what }) =>
      report(
        FAILED,
        `${clientId} had no partitions in generation ${generation.generation} of group ${group.id}, and ${what}.`,
        proof(generation.seq, seq),
        { group: group.id, process: clientId },
      ),
    );
  });
}

function expiredWhileIdle(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
): Anomaly[] {
  const next = group.generations[generation.index + 1];
  if (next === undefined || (evidence.settled !== null && next.time >= evidence.settled.time)) return [];
  const silenceMs = group.config.sessionTimeoutMs + rebalanceWaitMs(group.config);
  return idleMembers(generation).flatMap(({ memberId, clientId }) => {
    const process = evidence.processes.get(clientId);
    if (process === undefined || next.memberById.has(memberId)) return [];
    // Anything that can have silenced it recently enough explains it; so does a client that started anew.
    const fromTime = generation.time - silenceMs;
    const toTime = next.time + CLOCK_TOLERANCE_MS;
    const isExplained =
      (process.exit !== null && process.exit.time <= toTime) ||
      (process.order !== null && process.order.time <= toTime) ||
      isStalledWithin(process, fromTime, toTime) ||
      hasRival(group, process, next.seq) ||
      process.calls.some(({ call, time }) => call === 'stop' && time <= toTime) ||
      process.clientCrashes.some(({ time }) => time <= toTime);
    if (isExplained) return [];
    return [
      report(
        EXPIRED,
        `${clientId} had no partitions in generation ${generation.generation} of group ${group.id}, and generation ${next.generation} is without it, although it ran and nothing had happened to it.`,
        proof(generation.seq, next.seq),
        { group: group.id, process: clientId },
      ),
    ];
  });
}
