/** Controllers without a majority, on virtual time: what nobody decides then, and what is decided when there is one again. */
import { describe, expect, test } from 'vitest';
import { kafka43 } from './profiles.ts';
import { metadataApi } from './protocol/03-metadata.ts';
import { createTopicsApi } from './protocol/19-create-topics.ts';
import { initProducerIdApi } from './protocol/22-init-producer-id.ts';
import { errorName } from './protocol/errors.ts';
import type { ClusterSettings } from './settings.ts';
import { createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.ts';
import { TestClient } from './testing/test-client.ts';
import { VirtualTime } from './testing/virtual-time.ts';

const TOPIC = 'orders';
const RESIGNATION_MS = 3_000;
const SESSION_MS = 4_000;
const at = (ms: number) => ({ minMs: ms, maxMs: ms });

let world: VirtualTime;
let cluster: SimulatedCluster;

/** A topic with a partition led by each of the nodes. */
function start(nodes: number, settings: Partial<ClusterSettings> = {}): void {
  world = new VirtualTime();
  cluster = createSimulatedCluster({
    brokerCount: nodes,
    profile: kafka43,
    settings: {
      brokerSessionTimeoutMs: SESSION_MS,
      brokerHeartbeatIntervalMs: 0,
      controllerElectionDelay: at(2_000),
      controllerResignationDelay: at(RESIGNATION_MS),
      controllerVoteDelay: at(100),
      ...settings,
    },
    environment: world,
  });
  cluster.createTopic({ name: TOPIC, partitions: nodes, replicationFactor: nodes });
}

const crash = (...ids: number[]): void => {
  for (const id of ids) {
    cluster.crashBroker(id);
    world.dropTimers(id);
  }
};
const pause = (...ids: number[]): void => {
  for (const id of ids) {
    cluster.pauseBroker(id);
    world.pause(id);
  }
};
const unpause = (...ids: number[]): void => {
  for (const id of ids) {
    world.unpause(id);
    cluster.unpauseBroker(id);
  }
};
const partitions = () => cluster.image.topics.get(TOPIC)?.partitions ?? [];
const leaders = (): number[] => partitions().map(({ leader }) => leader);
const isFenced = (id: number): boolean => cluster.image.brokers.get(id)?.fenced === true;
const created = (id: number, name = 'new') => {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1 }];
  const place = new TestClient(cluster, id).ask(createTopicsApi, 7, { topics });
  return () => place.answer?.topics.map(({ errorCode }) => errorName(errorCode)).join() ?? 'no answer';
};
const producerId = (id: number): string => {
  const asked = { transactionalId: null, transactionTimeoutMs: 0 };
  const { answer } = new TestClient(cluster, id).ask(initProducerIdApi, 1, asked);
  return errorName(answer?.errorCode ?? -2);
};

describe('most nodes are gone', () => {
  test('nobody is fenced and no leader moves, whoever is left, until a majority is back', () => {
    for (const left of [1, 2, 3]) {
      start(3);
      const others = [1, 2, 3].filter((id) => id !== left);
      const before = cluster.image;
      crash(...others);
      const answer = created(left);
      expect(producerId(left)).toBe('COORDINATOR_LOAD_IN_PROGRESS');
      world.run(30_000);
      expect(cluster.image, `${left} is left`).toBe(before);
      expect(answer()).toBe('no answer');
      const { answer: seen } = new TestClient(cluster, left).ask(metadataApi, 9, { topics: null });
      expect(seen?.brokers).toHaveLength(3);
      expect(
        seen?.topics.find(({ name }) => name === TOPIC)?.partitions.map(({ leaderId }) => leaderId),
      ).toEqual(leaders());

      const [first, second] = others as [number, number];
      cluster.startBroker(first);
      world.run(1_000);
      expect(answer(), 'its controller is up, and the vote is over').toBe('NONE');
      expect(producerId(left)).toBe('NONE');
      // Sessions begin with the election: also that of the former life of who is back.
      world.run(SESSION_MS - 500);
      expect([cluster.phase(first), isFenced(first), isFenced(second)]).toEqual(['starting', false, false]);
      world.run(200);
      expect([cluster.phase(first), isFenced(first), isFenced(second)]).toEqual(['running', false, true]);
      expect(leaders()).not.toContain(second);
    }
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('of %i nodes it takes %i', (nodes, majority) => {
    for (let gone = 1; gone < nodes; gone++) {
      start(nodes);
      const [stays, ...others] = cluster.brokerIds as [number, ...number[]];
      crash(...others.slice(0, gone));
      const answer = created(stays);
      world.run(10_000);
      expect(answer(), `${gone} of ${nodes} are gone`).toBe(nodes - gone >= majority ? 'NONE' : 'no answer');
    }
  });

  test('a controller that gets its majority back before it resigns goes on with the sessions that it knows', () => {
    const fencedMs = [1, 2, 3].map((left) => {
      start(3);
      const back = (left % 3) + 1;
      const frozen = (back % 3) + 1;
      pause(back, frozen);
      world.run(RESIGNATION_MS - 100);
      const answer = created(left);
      unpause(back);
      world.run(200);
      expect(answer()).toBe('NONE');
      const startMs = world.nowMs - RESIGNATION_MS - 100;
      while (!isFenced(frozen) && world.nowMs < startMs + 20_000) world.run(100);
      return world.nowMs - startMs;
    });
    // Where it is the frozen one that has it, another is elected, for which all sessions begin anew.
    expect(fencedMs.sort((one, other) => one - other)).toEqual([
      SESSION_MS,
      SESSION_MS,
      RESIGNATION_MS + SESSION_MS,
    ]);
  });

  test('a controlled shutdown waits for a controller, and the broker serves until then', () => {
    start(3);
    let isStopped = false;
    crash(1, 2);
    cluster.stopBroker(3, () => (isStopped = true));
    world.run(20_000);
    expect([isStopped, cluster.phase(3)]).toEqual([false, 'shutting-down']);
    cluster.startBroker(1);
    world.run(1_500);
    expect([isStopped, cluster.phase(3), isFenced(3)]).toEqual([true, 'down', true]);
  });

  test('who has gone in good order has been fenced, and takes the majority of two with it', () => {
    start(2);
    cluster.stopBroker(1);
    world.run(1_000);
    expect([cluster.phase(1), isFenced(1), leaders()]).toEqual(['down', true, [2, 2]]);
    const answer = created(2);
    world.run(10_000);
    expect(answer()).toBe('no answer');
    cluster.startBroker(1);
    world.run(1_500);
    expect([answer(), isFenced(1)]).toEqual(['NONE', false]);
  });

  test('who goes in good order hands the controller over', () => {
    for (const gone of [1, 2, 3]) {
      start(3);
      cluster.stopBroker(gone);
      while (cluster.phase(gone) !== 'down') world.run(1);
      const answer = created((gone % 3) + 1);
      world.run(10);
      expect(answer()).toBe('NONE');
    }
  });

  test('whom the controller took for gone before it resigned is fenced as soon as it is elected again', () => {
    // The active controller is not known from outside: it is the one that is left in one case of three.
    const outcomes = [1, 2, 3].map((left) => {
      start(3, { brokerSessionTimeoutMs: 2_500 });
      const others = [1, 2, 3].filter((id) => id !== left);
      crash(...others);
      world.run(10_000);
      expect(others.map(isFenced)).toEqual([false, false]);
      cluster.startBroker(others[0] as number);
      world.run(700);
      return isFenced(others[1] as number);
    });
    expect(outcomes.filter((isAtOnce) => isAtOnce)).toHaveLength(1);
  });

  test('a frozen controller takes nobody for gone, and who was taken for gone and runs is let in again', () => {
    const outcomes = [1, 2, 3].map((left) => {
      start(3, { brokerSessionTimeoutMs: 2_500 });
      const frozen = (left % 3) + 1;
      const gone = (frozen % 3) + 1;
      pause(frozen);
      crash(gone);
      world.run(10_000);
      const { version } = cluster.image;
      unpause(frozen);
      world.run(200);
      const isAtOnce = isFenced(gone);
      // Its own end was in the log too.
      expect(cluster.image.version - version).toBeGreaterThanOrEqual(isAtOnce ? 3 : 0);
      world.run(2_500);
      expect([isFenced(left), isFenced(frozen), isFenced(gone)]).toEqual([false, false, true]);
      return isAtOnce;
    });
    expect(outcomes.filter((isAtOnce) => isAtOnce)).toHaveLength(1);
  });
});

describe('nodes are cut off from each other', () => {
  const cut = (left: number, right: number, isCut = true): void => cluster.isolateBroker(left, right, isCut);

  test('the two that reach each other have a controller; the third is fenced, and serves what it knew', () => {
    start(3);
    for (const other of [2, 3]) cut(1, other);
    world.run(10_000);
    expect([isFenced(1), isFenced(2), isFenced(3)]).toEqual([true, false, false]);
    expect(leaders()).not.toContain(1);
    const answer = created(2);
    world.run(100);
    expect(answer()).toBe('NONE');
    const seen = new TestClient(cluster, 1).ask(metadataApi, 9, { topics: null }).answer;
    expect(seen?.topics.map(({ name }) => name)).not.toContain('new');
    expect(seen?.brokers.map(({ nodeId }) => nodeId)).toContain(1);
    const waiting = created(1, 'later');
    world.run(10_000);
    expect(waiting()).toBe('no answer');

    for (const other of [2, 3]) cut(1, other, false);
    world.run(100);
    expect([waiting(), isFenced(1)]).toEqual(['NONE', false]);
    const caughtUp = new TestClient(cluster, 1).ask(metadataApi, 9, { topics: null }).answer;
    expect(caughtUp?.topics.map(({ name }) => name)).toContain('new');
  });

  test('one cut leaves a majority; the broker that does not reach the controller is fenced until it does', () => {
    const fenced = [
      [1, 2],
      [2, 3],
      [3, 1],
    ].map(([left, right]) => {
      start(3);
      cut(left as number, right as number);
      world.run(10_000);
      const answer = created(1 + ((left as number) % 3));
      world.run(100);
      const found = [1, 2, 3].filter(isFenced);
      cut(left as number, right as number, false);
      world.run(100);
      expect([answer(), ...[1, 2, 3].filter(isFenced)]).toEqual(['NONE']);
      return found;
    });
    // The same node has the controller each time: two of the cuts are beside it.
    expect(fenced.map(({ length }) => length).sort((one, other) => one - other)).toEqual([0, 1, 1]);
  });

  test('everybody from everybody: nobody is fenced, and nothing is decided until two reach each other', () => {
    start(3);
    const before = cluster.image;
    for (const [left, right] of [
      [1, 2],
      [2, 3],
      [3, 1],
    ] as const)
      cut(left, right);
    world.run(20_000);
    expect(cluster.image).toBe(before);
    cut(2, 3, false);
    world.run(200 + SESSION_MS);
    expect([isFenced(1), isFenced(2), isFenced(3)]).toEqual([true, false, false]);
  });
});
