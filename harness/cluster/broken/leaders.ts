/**
 * Group leaders that are broken on purpose, whatever client they run: the assignment that a leader hands in enters the
 * coordinator otherwise than the assignor made it.
 */

import { syncGroupApi } from '../protocol/14-sync-group.ts';
import { decodeAssignment, encodeAssignment } from '../protocol/consumer-protocol.ts';
import { type Breakage, breaking } from './breakage.ts';

/** What one member is assigned, as `topic/partition`; members in order of their ids. */
interface Share {
  readonly memberId: string;
  readonly partitions: string[];
}

interface HandedIn {
  readonly group: string;
  readonly generation: number;
  readonly shares: readonly Share[];
}

type Topics = { topic: string; partitions: number[] }[];

const NAME = /^(.*)\/(\d+)$/;

function toTopics(partitions: readonly string[]): Topics {
  const byTopic = new Map<string, number[]>();
  for (const name of partitions) {
    const [, topic = '', partition] = NAME.exec(name) ?? [];
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), Number(partition)]);
  }
  return [...byTopic].map(([topic, list]) => ({ topic, partitions: list.sort((a, b) => a - b) }));
}

const toNames = (topics: Topics): string[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}/${partition}`));

/** @param change alters the shares in place */
const breakingLeader = (change: (handedIn: HandedIn) => void): Breakage[] => [
  breaking(syncGroupApi, (handle) => (context, request, version, respond) => {
    const decoded = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      ...(assignment.length === 0
        ? { version: 0, assignment: [], userData: null }
        : decodeAssignment(assignment)),
    }));
    const shares = decoded
      .map(({ memberId, assignment }) => ({ memberId, partitions: toNames(assignment as Topics) }))
      .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    // Followers hand nothing in.
    if (shares.length === 0) return handle(context, request, version, respond);
    change({ group: request.groupId, generation: request.generationId, shares });
    const assignments = decoded.map(({ memberId, version: format, userData }) => ({
      memberId,
      assignment: encodeAssignment({
        version: format,
        assignment: toTopics(shares.find((share) => share.memberId === memberId)?.partitions ?? []),
        userData,
      }),
    }));
    handle(context, { ...request, assignments }, version, respond);
  }),
];

const bySize = (shares: readonly Share[]): Share[] =>
  shares.toSorted((a, b) => b.partitions.length - a.partitions.length);

/** Gives a partition of one member to another one too. */
export const doubling = (): Breakage[] =>
  breakingLeader(({ shares }) => {
    const [owner, other] = [shares.find(({ partitions }) => partitions.length > 0), shares.at(-1)];
    if (owner === undefined || other === undefined || owner === other) return;
    other.partitions.push(owner.partitions[0] as string);
  });

/** Leaves a partition out in every second generation. */
export const orphaning = (): Breakage[] =>
  breakingLeader(({ generation, shares }) => {
    if (generation % 2 === 0) bySize(shares)[0]?.partitions.pop();
  });

/** Moves a partition from the smallest share that has one to the largest. */
export const lopsided = (): Breakage[] =>
  breakingLeader(({ shares }) => {
    const [largest, ...others] = bySize(shares.filter(({ partitions }) => partitions.length > 0));
    const moved = others.at(-1)?.partitions.pop();
    if (moved !== undefined) largest?.partitions.push(moved);
  });

/** Gives all to one member. */
export const greedy = (): Breakage[] =>
  breakingLeader(({ shares }) => {
    const [first, ...others] = shares;
    for (const other of others) first?.partitions.push(...other.partitions.splice(0));
  });

/** Every second generation, members get each other's shares. */
export const restlessLeader = (): Breakage[] =>
  breakingLeader(({ generation, shares }) => {
    if (generation % 2 === 1) return;
    const moved = shares.map(({ partitions }) => partitions.splice(0));
    for (const [i, share] of shares.entries())
      share.partitions.push(...(moved[(i + 1) % moved.length] as string[]));
  });

/** Gives what its owner has yet to give up (KIP-429) to another member at once. */
export const hasty = (): Breakage[] => {
  const owners = new Map<string, string>();
  return breakingLeader(({ group, shares }) => {
    const assigned = new Set(shares.flatMap(({ partitions }) => partitions));
    for (const [place, owner] of owners) {
      const partition = place.slice(group.length + 1);
      const isMember = shares.some(({ memberId }) => memberId === owner);
      if (!place.startsWith(`${group} `) || assigned.has(partition) || !isMember) continue;
      shares.find(({ memberId }) => memberId !== owner)?.partitions.push(partition);
    }
    for (const { memberId, partitions } of shares)
      for (const partition of partitions) owners.set(`${group} ${partition}`, memberId);
  });
};
