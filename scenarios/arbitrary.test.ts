/** The generator: the same seed gives the same scenario everywhere, and all that it promises to draw is drawn. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENERATOR_VERSION, generateScenario, type ProfileName, scenarioArbitrary } from './arbitrary.ts';
import { coincidences } from './families/coincidences.ts';
import { isByHand, isLifecycleAction, type Producer, type Scenario, scenarioSchema } from './schema.ts';

const many = (count: number): Scenario[] => Array.from({ length: count }, (_, i) => generateScenario(11, i));

describe('generateScenario', () => {
  it('gives the same scenarios on every machine', () => {
    const text = JSON.stringify(Array.from({ length: 50 }, (_, i) => generateScenario(42, i)));
    // A change here means that old seeds give other scenarios: raise GENERATOR_VERSION with it.
    expect({
      version: GENERATOR_VERSION,
      digest: createHash('sha256').update(text).digest('hex'),
    }).toMatchInlineSnapshot(`
      {
        "digest": "b856b929d8660a400e49ed10f5436001dfba471c446328603383ddb6cdaeccf1",
        "version": 13,
      }
    `);
  });

  it('depends on seed and index alone', () => {
    const later = generateScenario(5, 9);
    generateScenario(6, 0);
    expect(generateScenario(5, 9)).toEqual(later);
    expect(generateScenario(5, 8)).not.toEqual(later);
    expect(generateScenario(6, 9).seed).not.toBe(later.seed);
  });

  it('reaches every value of every dimension within 1,000 scenarios', () => {
    const seen = new Set<string>();
    for (const scenario of many(1_000)) {
      seen.add(`brokers ${scenario.topology.brokers}`);
      seen.add(`topics ${scenario.topology.topics.length}`);
      for (const topic of scenario.topology.topics) seen.add(`partitions ${topic.partitions}`);
      seen.add(`groups ${scenario.groups.length}`);
      seen.add(`members ${scenario.groups.reduce((sum, group) => sum + group.members.length, 0)}`);
      for (const producer of scenario.producers)
        seen
          .add(`acks ${producer.acks}`)
          .add(`idempotent ${producer.idempotent}`)
          .add(`keyed ${producer.keys !== null}`);
      for (const group of scenario.groups) {
        seen.add(`${group.consumeMode} ${group.commitMode.kind} ${group.commitOrder}`);
        seen.add(`reset ${group.autoOffsetReset}`).add(`failures ${group.handler.failuresPerThousand > 0}`);
        if (group.commitMode.kind === 'auto')
          seen
            .add(`interval ${group.commitMode.intervalMs !== null}`)
            .add(`threshold ${group.commitMode.thresholdRecords !== null}`);
      }
      for (const action of scenario.actions) seen.add(`action ${action.kind}`);
    }
    const range = (name: string, from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => `${name} ${from + i}`);
    const orders = (mode: string, kinds: string[], order: string) =>
      kinds.map((kind) => `${mode} ${kind} ${order}`);
    const expected = [
      'brokers 1',
      'brokers 3',
      ...range('topics', 1, 3),
      ...range('partitions', 1, 12),
      'groups 1',
      'groups 2',
      ...range('members', 1, 8),
      'acks 0',
      'acks 1',
      'acks all',
      'idempotent true',
      'idempotent false',
      'keyed true',
      'keyed false',
      'reset earliest',
      'reset latest',
      'failures true',
      'failures false',
      'interval true',
      'interval false',
      'threshold true',
      'threshold false',
      ...[
        'join',
        'leave',
        'terminate',
        'crash',
        'stall',
        'crash-producer',
        'crash-broker',
        'restart-broker',
        'pause-broker',
        'add-partitions',
        'delete-records',
        'delete-offsets',
      ].map((kind) => `action ${kind}`),
      ...orders('each-message', ['auto', 'per-record', 'asynchronous', 'none'], 'process-then-commit'),
      ...orders('each-message', ['per-record', 'asynchronous'], 'commit-then-process'),
      ...['each-batch', 'manual'].flatMap((mode) => [
        ...orders(mode, ['auto', 'per-record', 'per-batch', 'asynchronous', 'none'], 'process-then-commit'),
        ...orders(mode, ['per-record', 'per-batch', 'asynchronous'], 'commit-then-process'),
      ]),
    ];
    expect(expected.filter((value) => !seen.has(value))).toEqual([]);
  });

  it('stays within its limits, and every group has somebody to drain it', () => {
    for (const scenario of many(1_000)) {
      expect(scenario.groups.reduce((sum, group) => sum + group.members.length, 0)).toBeLessThanOrEqual(8);
      for (const group of scenario.groups) {
        const alive = new Set<string>();
        const own = new Set(group.members.map((member) => member.id));
        for (const action of scenario.actions) {
          if (!('member' in action) || !own.has(action.member)) continue;
          if (action.kind === 'join') alive.add(action.member);
          else if (action.kind !== 'stall') alive.delete(action.member);
        }
        expect(alive.size, JSON.stringify(scenario.actions)).toBeGreaterThan(0);
      }
    }
  });

  it('gives work that takes hours all the time that it takes', () => {
    const scenario = generateScenario(905, 176, 'everything-java');
    expect(scenario.settling.boundMs).toBeGreaterThan(3_600_000);
  });

  it('shrinks to valid scenarios only, down to one member and one topic', () => {
    const result = fc.check(
      fc.property(scenarioArbitrary(), (scenario) => {
        expect(scenarioSchema.safeParse(scenario).success).toBe(true);
        // Fails on everything with a crash, so that fast-check has to shrink.
        return !scenario.actions.some((action) => action.kind === 'crash');
      }),
      { seed: 3, numRuns: 200 },
    );
    expect(result.failed).toBe(true);
    const [smallest] = result.counterexample as [Scenario];
    expect(smallest.topology.topics).toHaveLength(1);
    expect(smallest.groups).toHaveLength(1);
    expect(smallest.actions.length).toBeLessThanOrEqual(4);
  });
});

describe("the 'network' profile", () => {
  it('breaks links of every kind, slows networks, sets clocks, and has one to five brokers', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const { topology, groups, actions } = generateScenario(3, index, 'network');
      seen.add(`brokers ${topology.brokers}`).add(`network ${topology.network?.latencyMs.max}`);
      for (const { clock } of groups.flatMap(({ members }) => members))
        if (clock !== undefined) seen.add(`offset ${clock.offsetMs}`).add(`drift ${clock.driftPerMillion}`);
      for (const action of actions) {
        if ('link' in action) seen.add(action.kind).add(`all brokers ${action.link.broker === null}`);
        if (action.kind === 'cut-link') seen.add(action.direction);
        if (action.kind === 'reset-link') seen.add(action.ending);
        if (action.kind === 'throttle-client') {
          for (const quota of Object.keys(action.quotas)) seen.add(quota);
          seen.add(`of all ${action.process === null}`);
        }
      }
    }
    for (const brokers of [1, 2, 3, 4, 5]) expect(seen).toContain(`brokers ${brokers}`);
    expect([...seen]).toEqual(
      expect.arrayContaining(
        [
          ['cut-link', 'slow-link', 'reset-link', 'all brokers true', 'all brokers false'],
          [
            'consumerBytesPerSecond',
            'producerBytesPerSecond',
            'requestPercent',
            'of all true',
            'of all false',
          ],
          ['both', 'to-broker', 'to-process', 'reset', 'half-open'],
          ['network undefined', 'network 10', 'network 80', 'network 250'],
          [
            'offset 0',
            'offset 5000',
            'offset -5000',
            'offset 3540000',
            'drift 0',
            'drift 200',
            'drift -50000',
          ],
        ].flat(),
      ),
    );
  });
});

describe("the 'java' profile", () => {
  it('draws every option that only the Java client has, and none too', () => {
    const seen = new Set<string>();
    const see = (name: string, value: unknown) => seen.add(`${name} ${JSON.stringify(value)}`);
    for (let index = 0; index < 300; index++) {
      const { groups, producers } = generateScenario(3, index, 'java');
      for (const group of groups) {
        see('assignors', group.assignors);
        for (const key of [
          'staticMembership',
          'maxPollRecords',
          'maxPollIntervalMs',
          'fetchMinBytes',
        ] as const)
          see(key, group[key]);
        for (const key of ['isolationLevel', 'subscription', 'autoOffsetReset'] as const)
          see(key, group[key]);
        see('closeTimeoutMs', group.closeTimeoutMs);
        see('few heartbeats', group.heartbeatIntervalMs * 3 > group.sessionTimeoutMs);
        see('commitMode', group.commitMode.kind);
        if (group.commitMode.kind !== 'asynchronous') continue;
        see('callback', group.commitMode.callback);
        see('after', group.commitMode.after);
      }
      for (const producer of producers)
        for (const key of ['lingerMs', 'batchBytes', 'closing', 'deliveryTimeoutMs'] as const)
          see(key, producer[key]);
    }
    const values: [string, unknown[]][] = [
      [
        'assignors',
        [
          undefined,
          ['range'],
          ['roundrobin'],
          ['sticky'],
          ['cooperative-sticky'],
          ['range', 'cooperative-sticky'],
        ],
      ],
      ['staticMembership', [undefined, true, false]],
      ['maxPollRecords', [undefined, 500, 50, 5, 1]],
      ['maxPollIntervalMs', [undefined, 10_000, 3_000, 800]],
      ['fetchMinBytes', [undefined, 1, 200, 5_000]],
      ['isolationLevel', [undefined, 'read_uncommitted', 'read_committed']],
      ['subscription', [undefined, 'names', 'pattern']],
      ['autoOffsetReset', ['earliest', 'latest', 'none']],
      ['commitMode', ['auto', 'per-record', 'per-batch', 'per-poll', 'asynchronous', 'none']],
      ['callback', [undefined, true, false]],
      ['after', [undefined, 'poll']],
      ['closeTimeoutMs', [undefined, 30_000, 500, 0]],
      ['few heartbeats', [true, false]],
      ['lingerMs', [undefined, 0, 5, 50, 500]],
      ['batchBytes', [undefined, 16_384, 200, 0]],
      ['closing', [undefined, 'flush', 'drop']],
      ['deliveryTimeoutMs', [undefined, 30_000, 5_000, 1_500]],
    ];
    for (const [name, all] of values)
      for (const value of all) expect(seen).toContain(`${name} ${JSON.stringify(value)}`);
  });
});

describe("the 'consumer' profile", () => {
  it('draws every call, within joins too, every option, and none', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const { groups, actions } = generateScenario(3, index, 'consumer');
      for (const action of actions) {
        seen.add(action.kind);
        if (action.kind === 'seek') seen.add(`seek ${action.offset}`);
        if (action.kind === 'pause-partitions') seen.add(`whole topic ${action.partitions === null}`);
        const isJoining = (other: (typeof actions)[number]): boolean =>
          other.kind === 'join' &&
          'member' in action &&
          other.member === action.member &&
          action.atMs - other.atMs === 300;
        if (action.kind === 'stop-consumer') seen.add(`stop within a join ${actions.some(isJoining)}`);
      }
      for (const group of groups) {
        for (const key of ['subscription', 'isolationLevel', 'resolvesPartially', 'onClientCrash'] as const)
          seen.add(`${key} ${group[key]}`);
        seen.add(`slow ${group.handler.timeMs.max > group.sessionTimeoutMs}`);
        for (const { topics } of group.members) seen.add(`topics of its own ${topics !== undefined}`);
      }
    }
    const expected = [
      ['seek', 'pause-partitions', 'stop-consumer', 'commit'],
      ['seek 0', 'seek 40', 'seek 1000000', 'seek -1', 'seek -2', 'whole topic true', 'whole topic false'],
      ['stop within a join true', 'stop within a join false', 'slow true', 'slow false'],
      ['subscription pattern', 'subscription undefined', 'isolationLevel read_committed'],
      [
        'resolvesPartially true',
        'onClientCrash disconnect',
        'topics of its own true',
        'topics of its own false',
      ],
    ].flat();
    expect(expected.filter((one) => !seen.has(one))).toEqual([]);
  });
});

describe("the 'consumer-java' profile", () => {
  it('asks for positions and committed offsets, takes partitions by hand, or does neither', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 100; index++) {
      const { actions, groups } = generateScenario(3, index, 'consumer-java');
      const kinds = actions.map(({ kind }) => kind);
      for (const group of groups) seen.add(`by hand ${isByHand(group)}`);
      for (const kind of ['position', 'committed'] as const) seen.add(`${kind} ${kinds.includes(kind)}`);
    }
    expect([...seen].sort()).toEqual([
      'by hand false',
      'by hand true',
      'committed false',
      'committed true',
      'position false',
      'position true',
    ]);
  });
});

describe('processes with several members', () => {
  const drawn = Array.from({ length: 300 }, (_, index) => generateScenario(3, index, 'everything'));
  const sharingIn = ({ groups }: Scenario) =>
    groups.flatMap(({ id: group, members }) =>
      members.flatMap(({ id, sharedProcess }) => (sharedProcess === undefined ? [] : [{ id, group }])),
    );

  it('are seldom, of one group or of two, of two members or of three', () => {
    const shared = drawn.map(sharingIn).filter((members) => members.length > 0);
    expect(shared.length).toBeGreaterThan(15);
    expect(shared.length).toBeLessThan(100);
    expect(new Set(shared.map(({ length }) => length))).toEqual(new Set([2, 3]));
    const groups = new Set(shared.map((members) => new Set(members.map(({ group }) => group)).size));
    expect(groups).toEqual(new Set([1, 2]));
  });

  it('are started again with all that ran in them', () => {
    const back = drawn.flatMap((scenario) => {
      const mates = sharingIn(scenario);
      return scenario.actions.flatMap((action) => {
        if (action.kind !== 'crash' || !mates.some(({ id }) => id === action.member)) return [];
        const isUp = (id: string): boolean =>
          scenario.actions.findLast(
            (one) =>
              'member' in one && one.member === id && isLifecycleAction(one) && one.atMs <= action.atMs,
          )?.kind === 'join';
        return mates
          .filter(({ id }) => id !== action.member && isUp(id))
          .map(({ id }) =>
            scenario.actions.some(
              (one) => one.kind === 'join' && one.member === id && one.atMs > action.atMs,
            ),
          );
      });
    });
    expect(back.length).toBeGreaterThan(2);
    expect(back).not.toContain(false);
  });
});

describe('coincidences', () => {
  const kindsOf = ({ producers, actions, groups }: Scenario): string[] => {
    const ids = producers.map(({ id }) => id);
    const kinds = new Set(actions.map(({ kind }) => kind));
    const isLong = actions.some((one) => one.kind === 'isolate-brokers' && one.durationMs > 60_000);
    const isNear = groups.some(({ members }) =>
      members.some(({ id, rack }) => rack !== undefined && id.endsWith('-m10')),
    );
    const isRefused = actions.some(
      (one) =>
        one.kind === 'answer-error' &&
        one.api === 'OffsetCommit' &&
        actions.some(({ kind, atMs }) => kind === 'join' && atMs === one.atMs),
    );
    return [
      ...(ids.includes('backlog') && kinds.has('pause-partitions') ? ['pause-in-a-backlog'] : []),
      ...(ids.includes('late') && kinds.has('add-partitions') ? ['rejoin-beside-a-fetch'] : []),
      ...(ids.includes('backlog') && kinds.has('add-partitions') ? ['rejoin-beside-a-handler'] : []),
      ...(ids.includes('feed') && kinds.has('stall') ? ['stall-in-a-transaction'] : []),
      ...(isLong && isNear ? ['follower-behind'] : []),
      ...(ids.some((id) => id.endsWith('-later')) ? ['silence-around-a-join'] : []),
      ...(isRefused ? ['first-commit-refused'] : []),
    ];
  };
  const seen = (profile: ProfileName, count: number): string[] => [
    ...new Set(
      Array.from({ length: count }, (_, index) => generateScenario(3, index, profile)).flatMap(kindsOf),
    ),
  ];

  it('are all among everything, and each where it belongs', () => {
    expect(seen('everything', 600).sort()).toEqual(coincidences.toSorted());
    expect(seen('cluster', 200)).toContain('follower-behind');
    expect(seen('pipelines', 100)).toEqual(['stall-in-a-transaction']);
    expect(seen('resets', 100).sort()).toEqual(['first-commit-refused', 'silence-around-a-join']);
    expect(seen('members', 100)).toEqual([]);
  });

  it('let nobody write around a join that begins a group anew', () => {
    const quiet = Array.from({ length: 100 }, (_, index) => generateScenario(3, index, 'resets')).filter(
      ({ producers }) => producers.some(({ id }) => id.endsWith('-later')),
    );
    expect(quiet.length).toBeGreaterThan(5);
    for (const { name, producers, groups, actions } of quiet) {
      const ids = new Set(groups[0]?.members.map(({ id }) => id));
      const lives = actions.filter((one) => isLifecycleAction(one) && ids.has(one.member));
      const left = lives.findLastIndex(({ kind }) => kind === 'leave');
      const begins = lives.slice(left + 1).find(({ kind }) => kind === 'join')?.atMs ?? 0;
      const writes = producers.some(({ startMs, stopMs }) => startMs <= begins && stopMs > begins);
      expect(writes, name).toBe(false);
    }
  });
});

describe("the 'transactions' profile", () => {
  it('draws transactions with keys in both formats, and some that are aborted', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 100; index++)
      for (const { transactions, keys, keyFormat } of generateScenario(3, index, 'transactions').producers) {
        seen.add(`keys in a format ${keyFormat !== undefined && keys === null}`);
        if (transactions !== undefined) seen.add(`${keyFormat} ${transactions.abortEvery}`);
      }
    expect(seen).not.toContain('keys in a format true');
    for (const keyFormat of [undefined, 'text', 'integer'])
      for (const every of [null, 2, 3, 5]) expect(seen).toContain(`${keyFormat} ${every}`);
  });
});

describe("the 'cluster', 'resets' and 'everything' profiles", () => {
  const actionsOf = (profile: 'cluster' | 'resets' | 'everything', count: number) =>
    Array.from({ length: count }, (_, index) => generateScenario(3, index, profile));

  it('draw every fault of the cluster, and leave members and brokers dead', () => {
    const seen = new Set<string>();
    for (const { topology, groups, actions, producers, settling } of actionsOf('cluster', 600)) {
      if (topology.racks !== undefined)
        for (const { metadataMaxAgeMs, members } of groups) {
          seen.add(`metadata for ${metadataMaxAgeMs}`);
          for (const { rack } of members) seen.add(`rack of a broker ${topology.racks.includes(rack ?? '')}`);
        }
      for (const action of actions) {
        seen.add(action.kind);
        if (action.kind === 'compact-topic') {
          const isOfTopic = ({ topics }: Producer): boolean => topics.includes(action.topic);
          seen.add(`keyless ${producers.filter(isOfTopic).some(({ keys }) => keys === null)}`);
        }
        if (action.kind === 'answer-error') seen.add(action.api).add(`of any ${action.process === null}`);
      }
      seen.add(`dead members ${(settling.dead?.members.length ?? 0) > 0}`);
      seen.add(`dead brokers ${settling.dead?.brokers.length ?? 0}`);
    }
    const expected = [
      ['answer-error', 'move-coordinator', 'move-leader', 'throttle-broker', 'isolate-brokers'],
      ['isolate-controller', 'recreate-topic', 'restart-broker', 'terminate', 'of any true', 'of any false'],
      ['Fetch', 'Produce', 'ListOffsets', 'Metadata', 'OffsetCommit', 'OffsetFetch', 'FindCoordinator'],
      ['JoinGroup', 'SyncGroup', 'Heartbeat', 'dead members true', 'dead members false'],
      [
        'dead brokers 0',
        'dead brokers 1',
        'compact-topic',
        'rack of a broker true',
        'rack of a broker false',
      ],
      ['metadata for 2000', 'metadata for 30000', 'metadata for 300000'],
    ].flat();
    expect(expected.filter((one) => !seen.has(one))).toEqual([]);
    expect(seen).not.toContain('keyless true');
  });

  it('begin groups in every way to be without an offset', () => {
    const seen = new Set<string>();
    for (const { actions, topology, groups } of actionsOf('resets', 300)) {
      for (const { kind } of actions) seen.add(kind);
      seen.add(`retention ${topology.offsetsRetentionMs !== undefined}`).add(`${groups[0]?.autoOffsetReset}`);
    }
    const expected = [
      'alter-offsets',
      'delete-offsets',
      'delete-records',
      'recreate-topic',
      'crash',
      'earliest',
    ];
    expect(
      [...expected, 'latest', 'retention true', 'retention false'].filter((one) => !seen.has(one)),
    ).toEqual([]);
    const { autoOffsetReset } = generateScenario(3, 4, 'resets-java').groups[0] ?? {};
    expect(['earliest', 'latest', 'none']).toContain(autoOffsetReset);
  });

  it('draw which families there are at all', () => {
    const kinds = actionsOf('everything', 100).map(({ actions }) => new Set(actions.map(({ kind }) => kind)));
    for (const kind of ['seek', 'answer-error', 'cut-link', 'alter-offsets'] as const) {
      const count = kinds.filter((one) => one.has(kind)).length;
      expect(count, kind).toBeGreaterThan(3);
      expect(count, kind).toBeLessThan(60);
    }
  });
});
