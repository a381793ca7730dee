/** The member's place in its group against a coordinator that answers when the test says so. */
import { expect, it } from 'vitest';
import { findCoordinatorApi } from '../../../cluster/protocol/10-find-coordinator.ts';
import { joinGroupApi } from '../../../cluster/protocol/11-join-group.ts';
import { heartbeatApi } from '../../../cluster/protocol/12-heartbeat.ts';
import { syncGroupApi } from '../../../cluster/protocol/14-sync-group.ts';
import { type ErrorName, errorCode } from '../../../cluster/protocol/errors.ts';
import { Signal } from '../clock.ts';
import { consumerConfig } from '../config.ts';
import type { NetworkClient } from '../network/client.ts';
import { Membership } from './membership.ts';

/** Holds each request until it is answered by hand. */
class HeldRequests {
  readonly #signal = new Signal();
  readonly #held: { api: unknown; answer: (body: object) => void }[] = [];

  readonly network = {
    request: (_node: number, api: unknown) => this.#hold(api),
    requestAny: (api: unknown) => this.#hold(api),
    setCoordinator: (nodeId: number) => nodeId,
    disconnect: () => {},
  } as unknown as NetworkClient;

  #hold(api: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      this.#held.push({ api, answer: resolve });
      this.#signal.notify();
    });
  }

  /** The next request of this kind, once it is made. */
  async taken(api: unknown): Promise<(body: object) => void> {
    for (;;) {
      const { version } = this.#signal;
      const at = this.#held.findIndex((one) => one.api === api);
      const [found] = at < 0 ? [] : this.#held.splice(at, 1);
      if (found !== undefined) return found.answer;
      await this.#signal.wait(60_000, version);
    }
  }
}

/** A member that has joined a generation and has asked for its assignment in it. */
async function joins() {
  const requests = new HeldRequests();
  const signal = new Signal();
  const config = consumerConfig(
    { 'bootstrap.servers': ['kafka:9092'], 'group.id': 'group', 'heartbeat.interval.ms': 1 },
    () => {},
  );
  const membership = new Membership(config, 'group', requests.network, signal, {
    protocols: () => [{ name: 'range', metadata: new Uint8Array() }],
    assign: async () => await Promise.resolve(new Map()),
  });
  membership.coordinator();
  const { version } = signal;
  (await requests.taken(findCoordinatorApi))({ coordinators: [], errorCode: 0, nodeId: 1, host: 'kafka' });
  await signal.wait(60_000, version);
  membership.join();
  const joined = { errorCode: 0, generationId: 1, memberId: 'me', protocolName: 'range', leader: 'other' };
  (await requests.taken(joinGroupApi))(joined);
  const answerSync = await requests.taken(syncGroupApi);
  const isOver = async (): Promise<void> => {
    for (let seen = signal.version; membership.isJoining; seen = signal.version)
      await signal.wait(60_000, seen);
  };
  return { membership, requests, answerSync, isOver };
}

/** A member whose SyncGroup is answered, and a heartbeat of the same generation with this error right behind it. */
async function joinsAndHears(error: ErrorName): Promise<Membership> {
  const { membership, requests, answerSync, isOver } = await joins();
  const answerHeartbeat = await requests.taken(heartbeatApi);
  answerSync({ errorCode: 0, assignment: new Uint8Array() });
  answerHeartbeat({ errorCode: errorCode(error) });
  await isOver();
  membership.close();
  return membership;
}

it('an answer that takes the place away counts, also where it comes along with the one that gives it', async () => {
  const membership = await joinsAndHears('ILLEGAL_GENERATION');
  expect(membership.takeJoined()).toBeNull();
  expect(membership.isRejoinNeeded).toBe(true);
});

it('so does one that calls for the next rebalance', async () => {
  expect((await joinsAndHears('REBALANCE_IN_PROGRESS')).isRejoinNeeded).toBe(true);
  expect((await joinsAndHears('NONE')).isRejoinNeeded).toBe(false);
});

it('a member that is refused its assignment keeps its place with heartbeats, until the next poll joins', async () => {
  const { membership, requests, answerSync, isOver } = await joins();
  answerSync({ errorCode: errorCode('REBALANCE_IN_PROGRESS') });
  await isOver();
  expect([membership.state, membership.isRejoinNeeded]).toEqual(['completing', true]);
  for (const error of ['NONE', 'REBALANCE_IN_PROGRESS', 'NONE'] as const)
    (await requests.taken(heartbeatApi))({ errorCode: errorCode(error) });
  expect(membership.state).toBe('completing');
  (await requests.taken(heartbeatApi))({ errorCode: errorCode('UNKNOWN_MEMBER_ID') });
  membership.join();
  await requests.taken(joinGroupApi);
  expect(membership.generation.memberId).toBe('');
  membership.close();
});
