/** The wire tap on conversations in the bytes of two clients, cut in every way, and on garbage. */
import net from 'node:net';
import {
  fetchV12,
  fetchV17,
  heartbeatV4,
  joinGroupV6,
  joinGroupV9,
  leaveGroupV4,
  leaveGroupV5,
  listOffsetsV6,
  listOffsetsV9,
  metadataV12,
  offsetCommitV8,
  offsetCommitV9,
  offsetFetchV8,
  offsetFetchV9,
  syncGroupV4,
  syncGroupV5,
} from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRequest, encodeResponse } from '../../cluster/protocol/api.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { encodeAssignment } from '../../cluster/protocol/consumer-protocol.ts';
import type { ClientEvent } from '../host.ts';
import { type FakeSocket, tappedProcess } from './testing/fake-socket.ts';
import { kafkajsRequest, kafkajsVersions } from './testing/kafkajs-requests.ts';

const CLIENT_ID = 'm1.1';

/** An answer in bytes that `codec.test.ts` holds against Kafka's own. */
const answer = (key: number, version: number, correlationId: number, body: object): Buffer => {
  const api = apiByKey.get(key);
  if (api === undefined) throw new Error(`no API ${key}`);
  return encodeResponse(api, version, correlationId, body);
};

const assignmentBytes = encodeAssignment({
  version: 0,
  assignment: [
    { topic: 'b', partitions: [1, 0] },
    { topic: 'a', partitions: [2] },
  ],
  userData: null,
});
const assignment = [
  { topic: 'a', partitions: [2] },
  { topic: 'b', partitions: [0, 1] },
];

/** One API in one version: a request of kafkajs, an answer, and the events that the two make. */
interface Exchange {
  readonly api: string;
  readonly key: number;
  readonly minVersion?: number;
  readonly request: (version: number) => object;
  readonly response: (version: number) => object;
  readonly before: ClientEvent[];
  readonly after: ClientEvent[];
}

const group = 'g';
const exchanges: Exchange[] = [
  {
    api: 'offsetCommit',
    key: 8,
    minVersion: 2,
    request: () => ({
      groupId: group,
      groupGenerationId: 4,
      memberId: 'm1.1-x',
      topics: [{ topic: 'a', partitions: [{ partition: 2, offset: '9007199254740993', metadata: null }] }],
    }),
    response: () => ({ topics: [{ name: 'a', partitions: [{ partitionIndex: 2, errorCode: 22 }] }] }),
    before: [
      {
        kind: 'commit-invoke',
        group,
        commit: 0,
        memberId: 'm1.1-x',
        generation: 4,
        offsets: [{ topic: 'a', partition: 2, offset: '9007199254740993' }],
      },
    ],
    after: [
      {
        kind: 'commit-fail',
        group,
        commit: 0,
        errors: [{ topic: 'a', partition: 2, error: 'ILLEGAL_GENERATION' }],
      },
    ],
  },
  {
    api: 'offsetFetch',
    key: 9,
    request: () => ({ groupId: group, topics: [{ topic: 'a', partitions: [{ partition: 0 }] }] }),
    response: () => ({
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, committedOffset: -1n, metadata: '', errorCode: 0 },
            { partitionIndex: 1, committedOffset: 12n, metadata: '', errorCode: 0 },
            { partitionIndex: 2, committedOffset: -1n, metadata: '', errorCode: 88 },
          ],
        },
      ],
    }),
    before: [],
    after: [
      {
        kind: 'wire-offset-fetch',
        group,
        offsets: [
          { topic: 'a', partition: 0, offset: null },
          { topic: 'a', partition: 1, offset: '12' },
        ],
        error: 'UNSTABLE_OFFSET_COMMIT',
      },
    ],
  },
  {
    api: 'joinGroup',
    key: 11,
    request: () => ({
      groupId: group,
      sessionTimeout: 1000,
      rebalanceTimeout: 2000,
      memberId: '',
      protocolType: 'consumer',
      groupProtocols: [{ name: 'RoundRobinAssigner', metadata: Buffer.from('000000000000', 'hex') }],
    }),
    response: () => ({
      errorCode: 0,
      generationId: 3,
      protocolName: 'RoundRobinAssigner',
      leader: 'm1.1-x',
      memberId: 'm1.1-x',
      members: [],
    }),
    before: [],
    after: [
      { kind: 'wire-join', group, memberId: 'm1.1-x', generation: 3, leaderMemberId: 'm1.1-x', error: null },
    ],
  },
  {
    api: 'syncGroup',
    key: 14,
    request: () => ({ groupId: group, generationId: 3, memberId: 'm1.1-x', groupAssignment: [] }),
    response: () => ({ errorCode: 0, assignment: assignmentBytes }),
    before: [],
    after: [{ kind: 'wire-sync', group, memberId: 'm1.1-x', generation: 3, assignment, error: null }],
  },
  {
    api: 'syncGroup',
    key: 14,
    request: () => ({ groupId: group, generationId: 3, memberId: 'm1.1-x', groupAssignment: [] }),
    response: () => ({ errorCode: 27, assignment: Buffer.alloc(0) }),
    before: [],
    after: [
      {
        kind: 'wire-sync',
        group,
        memberId: 'm1.1-x',
        generation: 3,
        assignment: [],
        error: 'REBALANCE_IN_PROGRESS',
      },
    ],
  },
  {
    api: 'heartbeat',
    key: 12,
    request: () => ({ groupId: group, groupGenerationId: 3, memberId: 'm1.1-x' }),
    response: () => ({ errorCode: 27 }),
    before: [],
    after: [
      { kind: 'wire-heartbeat', group, memberId: 'm1.1-x', generation: 3, error: 'REBALANCE_IN_PROGRESS' },
    ],
  },
  {
    api: 'heartbeat',
    key: 12,
    request: () => ({ groupId: group, groupGenerationId: 3, memberId: 'm1.1-x' }),
    response: () => ({ errorCode: 0 }),
    before: [],
    after: [],
  },
  {
    api: 'leaveGroup',
    key: 13,
    request: () => ({ groupId: group, memberId: 'm1.1-x' }),
    response: () => ({ errorCode: 0 }),
    before: [{ kind: 'wire-leave', group, memberIds: ['m1.1-x'] }],
    after: [],
  },
  {
    api: 'listOffsets',
    key: 2,
    minVersion: 1,
    request: () => ({
      topics: [
        {
          topic: 'a',
          partitions: [
            { partition: 0, timestamp: -2 },
            { partition: 1, timestamp: -1 },
            { partition: 2, timestamp: 1700000000000 },
          ],
        },
      ],
    }),
    response: () => ({
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, errorCode: 0, offset: 7n },
            { partitionIndex: 1, errorCode: 6, offset: -1n },
            { partitionIndex: 2, errorCode: 0, offset: -1n },
          ],
        },
      ],
    }),
    before: [],
    after: [
      { kind: 'wire-list-offsets', topic: 'a', partition: 0, at: 'earliest', offset: '7', error: null },
      {
        kind: 'wire-list-offsets',
        topic: 'a',
        partition: 1,
        at: 'latest',
        offset: null,
        error: 'NOT_LEADER_OR_FOLLOWER',
      },
      { kind: 'wire-list-offsets', topic: 'a', partition: 2, at: '1700000000000', offset: null, error: null },
    ],
  },
  {
    api: 'fetch',
    key: 1,
    minVersion: 4,
    request: () => ({
      maxWaitTime: 10,
      minBytes: 1,
      maxBytes: 1000,
      rackId: '',
      topics: [
        {
          topic: 'a',
          partitions: [
            { partition: 0, fetchOffset: '40', maxBytes: 100 },
            { partition: 1, fetchOffset: '41', maxBytes: 100 },
          ],
        },
      ],
    }),
    response: () => ({
      responses: [
        {
          topic: 'a',
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 50n,
              abortedTransactions: null,
              records: Buffer.alloc(600, 1),
            },
            {
              partitionIndex: 1,
              errorCode: 1,
              highWatermark: -1n,
              abortedTransactions: null,
              records: null,
            },
          ],
        },
      ],
    }),
    before: [],
    after: [
      { kind: 'wire-fetch-error', topic: 'a', partition: 1, offset: '41', error: 'OFFSET_OUT_OF_RANGE' },
    ],
  },
  {
    api: 'fetch',
    key: 1,
    minVersion: 11,
    request: () => ({
      maxWaitTime: 10,
      minBytes: 1,
      maxBytes: 1000,
      rackId: 'b',
      topics: [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: '40', maxBytes: 100 }] }],
    }),
    response: () => ({
      responses: [
        {
          topic: 'a',
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 50n,
              abortedTransactions: null,
              preferredReadReplica: 3,
              records: null,
            },
          ],
        },
      ],
    }),
    before: [],
    after: [{ kind: 'wire-read-replica', topic: 'a', partition: 0, broker: 3 }],
  },
];

const kafkajsCases = exchanges.flatMap((exchange) =>
  kafkajsVersions(exchange.api)
    .filter((version) => version >= (exchange.minVersion ?? 0))
    .map((version) => ({ ...exchange, version })),
);

describe("kafkajs' requests, in every version that it has", () => {
  test.each(kafkajsCases)(
    '$api $version',
    async ({ api, key, version, request, response, before, after }) => {
      const { connect, events, reports } = tappedProcess(CLIENT_ID);
      const socket = connect();
      const sent = await kafkajsRequest(api, version, 5, CLIENT_ID, request(version));
      // Seen before they leave.
      let atWrite: ClientEvent[] = [];
      const plainWrite = socket.written.push.bind(socket.written);
      socket.written.push = (...chunks) => {
        atWrite = [...events];
        return plainWrite(...chunks);
      };
      socket.write(sent);
      expect(atWrite).toEqual(before);
      // Seen before the client sees them.
      let atData: ClientEvent[] = [];
      socket.on('data', () => {
        atData = [...events];
      });
      socket.emit('data', answer(key, version, 5, response(version)));
      expect(atData).toEqual([...before, ...after]);
      expect(reports).toEqual([]);
    },
  );
});

interface PlatformaticApi {
  readonly api: { readonly key: number; readonly version: number };
  readonly createRequest: (...parameters: never[]) => { readonly buffer: Buffer };
}

/** A frame with the request header of a flexible version, around @platformatic/kafka's own body. */
const platformaticRequest = (
  { api, createRequest }: PlatformaticApi,
  correlationId: number,
  parameters: unknown[],
): Buffer => {
  const header = Buffer.alloc(10 + CLIENT_ID.length + 1);
  header.writeInt16BE(api.key, 0);
  header.writeInt16BE(api.version, 2);
  header.writeInt32BE(correlationId, 4);
  header.writeInt16BE(CLIENT_ID.length, 8);
  header.write(CLIENT_ID, 10);
  const body = createRequest(...(parameters as never[])).buffer;
  const size = Buffer.alloc(4);
  size.writeInt32BE(header.length + body.length);
  return Buffer.concat([size, header, body]);
};

const TOPIC_ID = '11111111-2222-3333-4444-555555555555';
const commitTopics = [
  {
    name: 'a',
    partitions: [{ partitionIndex: 2, committedOffset: 9007199254740993n, committedLeaderEpoch: 0 }],
  },
];
const fetchTopics = [
  {
    topic: 'a',
    topicId: TOPIC_ID,
    partitions: [0, 1].map((partition) => ({
      partition,
      currentLeaderEpoch: 0,
      fetchOffset: 40n + BigInt(partition),
      lastFetchedEpoch: 0,
      partitionMaxBytes: 100,
    })),
  },
];
const listTopics = [
  {
    name: 'a',
    partitions: [-2n, -1n, 1700000000000n].map((timestamp, partitionIndex) => ({
      partitionIndex,
      currentLeaderEpoch: 0,
      timestamp,
    })),
  },
];
const fetchGroups = [{ groupId: group, memberId: null, memberEpoch: -1, topics: [] }];
const protocols = [{ name: 'RoundRobinAssigner', metadata: Buffer.from('000000000000', 'hex') }];

const platformaticCases: { name: string; api: PlatformaticApi; parameters: unknown[] }[] = [
  { name: 'offsetCommit', api: offsetCommitV8, parameters: [group, 4, 'm1.1-x', null, commitTopics] },
  { name: 'offsetCommit', api: offsetCommitV9, parameters: [group, 4, 'm1.1-x', null, commitTopics] },
  { name: 'offsetFetch', api: offsetFetchV8, parameters: [fetchGroups, false] },
  { name: 'offsetFetch', api: offsetFetchV9, parameters: [fetchGroups, false] },
  { name: 'joinGroup', api: joinGroupV6, parameters: [group, 1000, 2000, '', null, 'consumer', protocols] },
  {
    name: 'joinGroup',
    api: joinGroupV9,
    parameters: [group, 1000, 2000, '', null, 'consumer', protocols, null],
  },
  { name: 'syncGroup', api: syncGroupV4, parameters: [group, 3, 'm1.1-x', null, null, null, []] },
  { name: 'syncGroup', api: syncGroupV5, parameters: [group, 3, 'm1.1-x', null, 'consumer', 'r', []] },
  { name: 'heartbeat', api: heartbeatV4, parameters: [group, 3, 'm1.1-x', null] },
  { name: 'leaveGroup', api: leaveGroupV4, parameters: [group, [{ memberId: 'm1.1-x' }]] },
  { name: 'leaveGroup', api: leaveGroupV5, parameters: [group, [{ memberId: 'm1.1-x', reason: null }]] },
  { name: 'listOffsets', api: listOffsetsV6, parameters: [-1, 0, listTopics] },
  { name: 'listOffsets', api: listOffsetsV9, parameters: [-1, 0, listTopics] },
  // Version 12 still has names; @platformatic/kafka writes there what is called the id.
  {
    name: 'fetch',
    api: fetchV12,
    parameters: [10, 1, 1000, 0, 0, -1, fetchTopics.map((one) => ({ ...one, topicId: one.topic })), [], ''],
  },
  { name: 'fetch', api: fetchV17, parameters: [10, 1, 1000, 0, 0, -1, fetchTopics, [], ''] },
];

/** That of `fetchTopics`, which kafkajs does not say. */
const withEpoch = (event: ClientEvent): ClientEvent =>
  event.kind === 'wire-fetch-error' ? { ...event, leaderEpoch: 0 } : event;

describe("@platformatic/kafka's requests, in flexible versions", () => {
  test.each(platformaticCases)('$name $api.api.version', ({ name, api, parameters }) => {
    const exchange = exchanges.find((one) => one.api === name);
    if (exchange === undefined) throw new Error(name);
    const { key, version } = api.api;
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    const id = TOPIC_ID.replaceAll('-', '');
    socket.write(platformaticRequest(metadataV12 as unknown as PlatformaticApi, 4, [['a'], false, false]));
    const metadata = { brokers: [], topics: [{ errorCode: 0, name: 'a', topicId: id, partitions: [] }] };
    socket.emit('data', answer(3, 12, 4, metadata));

    socket.write(platformaticRequest(api, 5, parameters));
    expect(events).toEqual(exchange.before);
    const body = exchange.response(version) as { topics?: object; responses?: object[] };
    if (name === 'offsetFetch')
      Object.assign(body, { groups: [{ groupId: group, topics: body.topics, errorCode: 0 }] });
    if (version >= 13 && body.responses !== undefined)
      for (const one of body.responses) Object.assign(one, { topicId: id });
    socket.emit('data', answer(key, version, 5, body));
    expect(events).toEqual([...exchange.before, ...exchange.after.map(withEpoch)]);
    expect(reports).toEqual([]);
  });
});

/** Everything that a member says and hears in a while, two requests in flight at a time, and requests of no interest. */
async function recordConversation(): Promise<{ sent: Buffer; received: Buffer }> {
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  let correlationId = 0;
  for (const { api, key, version, request, response } of kafkajsCases) {
    sent.push(await kafkajsRequest(api, version, correlationId, CLIENT_ID, request(version)));
    received.push(answer(key, version, correlationId, response(version)));
    correlationId++;
    sent.push(await kafkajsRequest('metadata', 5, correlationId, CLIENT_ID, { topics: ['a'] }));
    received.push(answer(3, 5, correlationId, { brokers: [], topics: [] }));
    correlationId++;
  }
  return { sent: Buffer.concat(sent), received: Buffer.concat(received) };
}

const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const borders = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, i) => bytes.subarray(borders[i], end));
};

describe('any chunks', () => {
  test('give the same events, and reach the client as they are', async () => {
    const { sent, received } = await recordConversation();
    const whole = tappedProcess(CLIENT_ID);
    const socket = whole.connect();
    socket.write(sent);
    socket.emit('data', received);
    expect(whole.events.length).toBeGreaterThan(40);
    expect(whole.reports).toEqual([]);

    const places = fc.array(fc.nat(1_000_000), { maxLength: 60 });
    fc.assert(
      fc.property(places, places, (sentPlaces, receivedPlaces) => {
        const { connect, events, reports } = tappedProcess(CLIENT_ID);
        const one = connect();
        const heard: Buffer[] = [];
        one.on('data', (chunk: Buffer) => heard.push(chunk));
        const outgoing = cut(sent, sentPlaces);
        const incoming = cut(received, receivedPlaces);
        for (const chunk of outgoing) one.write(chunk);
        for (const chunk of incoming) one.emit('data', chunk);
        expect(events).toEqual(whole.events);
        expect(one.written).toEqual(outgoing);
        expect(heard).toEqual(incoming);
        expect(reports).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('one byte at a time', async () => {
    const { sent, received } = await recordConversation();
    const whole = tappedProcess(CLIENT_ID);
    const socket = whole.connect();
    socket.write(sent);
    socket.emit('data', received);
    const { connect, events } = tappedProcess(CLIENT_ID);
    const slow = connect();
    for (const byte of sent) slow.write(Buffer.from([byte]));
    for (const byte of received) slow.emit('data', Buffer.from([byte]));
    expect(events).toEqual(whole.events);
  });
});

describe('what is read only where its answer matters', () => {
  const waiting = ['fetch', 'heartbeat'].map((api) => exchanges.find((one) => one.api === api) as Exchange);
  const versionsOf = ({ api, minVersion = 0 }: Exchange) =>
    kafkajsCases.filter((one) => one.api === api && one.version >= minVersion).map(({ version }) => version);

  test.each(waiting.flatMap((one) => versionsOf(one).map((version) => ({ ...one, version }))))(
    '$api $version, of bytes that the client has used again',
    async ({ api, key, version, request, response, after }) => {
      const { connect, events, reports } = tappedProcess(CLIENT_ID);
      const socket = connect();
      const bytes = await kafkajsRequest(api, version, 5, CLIENT_ID, request(version));
      socket.write(bytes);
      bytes.fill(0);
      socket.emit('data', answer(key, version, 5, response(version)));
      expect(events).toEqual(after);
      expect(events).not.toEqual([]);
      expect(reports).toEqual([]);
    },
  );

  test('says nothing of an answer without errors, and finds the error behind records', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    const fetch = waiting[0] as Exchange;
    const partition = (partitionIndex: number, errorCode: number) => ({
      partitionIndex,
      errorCode,
      highWatermark: 9n,
      abortedTransactions: [{ producerId: 1n, firstOffset: 2n }],
      records: [Buffer.alloc(100, 7)],
    });
    for (const version of versionsOf(fetch)) {
      for (const [correlationId, errorCode] of [
        [1, 0],
        [2, 1],
      ] as const) {
        socket.write(
          await kafkajsRequest('fetch', version, correlationId, CLIENT_ID, fetch.request(version)),
        );
        const partitions = [partition(0, 0), partition(7, errorCode)];
        const topics = {
          responses: [
            { topic: 'a', partitions: [partition(1, 0)] },
            { topic: 'b', partitions },
          ],
        };
        socket.emit('data', answer(1, version, correlationId, topics));
      }
      expect(events.splice(0)).toEqual([
        { kind: 'wire-fetch-error', topic: 'b', partition: 7, offset: '-1', error: 'OFFSET_OUT_OF_RANGE' },
      ]);
    }
    expect(reports).toEqual([]);
  });
});

describe('how long a client has to wait', () => {
  const watched = new Map([
    ['produce', 0],
    ['fetch', 1],
    ['metadata', 3],
    ['offsetCommit', 8],
    ['heartbeat', 12],
    ['apiVersions', 18],
    ['findCoordinator', 10],
    ['initProducerId', 22],
  ]);
  const versionsOf = (api: string, key: number) => {
    const known = apiByKey.get(key)?.versions ?? { min: 0, max: 0 };
    return kafkajsVersions(api).filter((version) => known.min <= version && version <= known.max);
  };
  const cases = [...watched].flatMap(([api, key]) =>
    versionsOf(api, key).map((version) => ({ api, key, version })),
  );
  /** What kafkajs has to be given to write a request. */
  const parameters = (version: number): object => ({
    ...exchanges.find(({ api }) => api === 'offsetCommit')?.request(version),
    topicData: [],
    acks: -1,
    timeout: 1,
    maxWaitTime: 1,
    minBytes: 1,
    topics: [],
    coordinatorKey: 'g',
    memberId: 'm',
  });
  const bodyOf = (key: number, throttleTimeMs: number): object => {
    const shape = apiByKey.get(key)?.response.shape;
    const fields = shape?.kind === 'struct' ? shape.fields : [];
    return { ...Object.fromEntries(fields.map((one) => [one.name, one.default])), throttleTimeMs };
  };
  const hasTime = (key: number, version: number): boolean => {
    const shape = apiByKey.get(key)?.response.shape;
    const fields = shape?.kind === 'struct' ? shape.fields : [];
    return fields.some(({ name, from }) => name === 'throttleTimeMs' && from <= version);
  };

  test.each(cases)('$api $version says it, and nothing where it is 0', async ({ api, key, version }) => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    for (const [correlationId, throttleTimeMs] of [
      [1, 0],
      [2, 1_234],
    ] as const) {
      socket.write(await kafkajsRequest(api, version, correlationId, CLIENT_ID, parameters(version)));
      socket.emit('data', answer(key, version, correlationId, bodyOf(key, throttleTimeMs)));
    }
    const told = events.filter(({ kind }) => kind === 'wire-throttle');
    const name = apiByKey.get(key)?.name;
    expect(told).toEqual(
      hasTime(key, version) ? [{ kind: 'wire-throttle', api: name, throttleTimeMs: 1_234 }] : [],
    );
    expect(reports).toEqual([]);
  });

  test.each([9, 10, 12, 13])('a flexible Produce %i says it, with tagged fields behind it too', (version) => {
    const api = apiByKey.get(0);
    if (api === undefined) throw new Error('no Produce');
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    const request = { transactionalId: 'id', acks: 1, timeoutMs: 1, topicData: [] };
    const endpoints = [{ nodeId: 1, host: 'kafka-1', port: 9092, rack: null }];
    for (const [correlationId, nodeEndpoints] of [
      [1, []],
      [2, version < 10 ? [] : endpoints],
    ] as const) {
      socket.write(encodeRequest(api, version, { correlationId, clientId: CLIENT_ID }, request));
      socket.emit('data', answer(0, version, correlationId, { ...bodyOf(0, 77), nodeEndpoints }));
    }
    expect(events).toEqual([1, 2].map(() => ({ kind: 'wire-throttle', api: 'Produce', throttleTimeMs: 77 })));
    expect(reports).toEqual([]);
  });

  test('requests without an answer are not waited for', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    for (const correlationId of [1, 2, 3])
      socket.write(
        await kafkajsRequest('produce', 7, correlationId, CLIENT_ID, { ...parameters(7), acks: 0 }),
      );
    // The next answer has a correlation id that came round to one of them.
    socket.emit('data', answer(0, 7, 2, bodyOf(0, 55)));
    expect([events, reports]).toEqual([[], []]);
  });
});

describe('outcomes', () => {
  const commit = exchanges[0] as Exchange;
  const send = async (socket: FakeSocket, correlationId: number): Promise<void> => {
    socket.write(await kafkajsRequest('offsetCommit', 5, correlationId, CLIENT_ID, commit.request(5)));
  };

  test('commits are numbered over all connections of the process', async () => {
    const { connect, events } = tappedProcess(CLIENT_ID);
    const [first, second] = [connect(), connect()];
    await send(first, 1);
    await send(second, 1);
    await send(first, 2);
    const accepted = { topics: [{ name: 'a', partitions: [{ partitionIndex: 2, errorCode: 0 }] }] };
    second.emit('data', answer(8, 5, 1, accepted));
    first.emit('data', answer(8, 5, 2, accepted));
    expect(events.slice(3)).toEqual([
      { kind: 'commit-ok', group, commit: 1 },
      { kind: 'commit-ok', group, commit: 2 },
    ]);
  });

  test.each([
    ['end', 'the connection was closed by the broker'],
    ['error', 'the connection failed'],
    ['close', 'the connection ended'],
  ])('a commit without an answer is unknown after %s, once', async (ending, reason) => {
    const { connect, events } = tappedProcess(CLIENT_ID);
    const socket = connect();
    await send(socket, 1);
    socket.emit(ending);
    socket.emit('close');
    expect(events.slice(1)).toEqual([{ kind: 'commit-unknown', group, commit: 0, reason }]);
    await send(socket, 2);
    expect(events.slice(3)).toEqual([
      { kind: 'commit-unknown', group, commit: 1, reason: 'the connection had ended' },
    ]);
  });

  test('an answer that cannot be read leaves the commit unknown, and is reported once', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    for (const correlationId of [1, 2]) {
      await send(socket, correlationId);
      const bytes = answer(8, 5, correlationId, { topics: [] });
      bytes.writeInt32BE(99, bytes.length - 4);
      socket.emit('data', bytes);
    }
    expect(events.map(({ kind }) => kind)).toEqual([
      'commit-invoke',
      'commit-unknown',
      'commit-invoke',
      'commit-unknown',
    ]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain('OffsetCommit answer, version 5');
  });

  test('a version that is not known is reported once and passed over', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    const bytes = await kafkajsRequest('offsetCommit', 5, 1, CLIENT_ID, commit.request(5));
    bytes.writeInt16BE(99, 6);
    socket.write(bytes);
    socket.write(bytes);
    await send(socket, 2);
    expect(events).toEqual(commit.before);
    expect(reports).toEqual(['OffsetCommit version 99 is not known and not recorded']);
  });
});

describe('SASL', () => {
  const framed = (body: string): Buffer => {
    const bytes = Buffer.alloc(4 + body.length);
    bytes.writeInt32BE(body.length);
    bytes.write(body, 4, 'latin1');
    return bytes;
  };

  test('the bare tokens after SaslHandshake 0 are neither requests nor answers', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    socket.write(await kafkajsRequest('saslHandshake', 0, 0, CLIENT_ID, { mechanism: 'PLAIN' }));
    socket.emit('data', Buffer.from('0000000a000000000000000000', 'hex').subarray(0, 14));
    socket.emit('data', Buffer.from('00', 'hex'));
    // A token that would be an OffsetCommit, were it a request.
    socket.write(framed('\x00\x08\x00\x05\x00\x00\x00\x07\x00\x04user\x00secret'));
    socket.emit('data', Buffer.alloc(4));
    socket.write(await kafkajsRequest('heartbeat', 3, 1, CLIENT_ID, exchanges[5]?.request(3) ?? {}));
    socket.emit('data', answer(12, 3, 1, { errorCode: 25 }));
    expect(events).toEqual([
      { kind: 'wire-heartbeat', group, memberId: 'm1.1-x', generation: 3, error: 'UNKNOWN_MEMBER_ID' },
    ]);
    expect(reports).toEqual([]);
  });

  test('SaslAuthenticate is a request like any other', async () => {
    const { connect, events, reports } = tappedProcess(CLIENT_ID);
    const socket = connect();
    socket.write(await kafkajsRequest('saslHandshake', 1, 0, CLIENT_ID, { mechanism: 'PLAIN' }));
    socket.emit('data', Buffer.from('0000000a0000000000000000 0000'.replace(' ', ''), 'hex'));
    const authBytes = Buffer.from('\x00\x00\x00\x05a\x00b\x00c', 'latin1');
    socket.write(await kafkajsRequest('saslAuthenticate', 1, 1, CLIENT_ID, { authBytes }));
    socket.emit(
      'data',
      Buffer.from('00000014000000010000ffff00000000000000000000 0000'.replace(' ', ''), 'hex'),
    );
    socket.write(await kafkajsRequest('heartbeat', 3, 2, CLIENT_ID, exchanges[5]?.request(3) ?? {}));
    socket.emit('data', answer(12, 3, 2, { errorCode: 25 }));
    expect(events.map(({ kind }) => kind)).toEqual(['wire-heartbeat']);
    expect(reports).toEqual([]);
  });
});

describe('garbage', () => {
  /** Frames with a true size and a request's or nobody's content, and streams that are no frames at all. */
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .record({
        key: fc.constantFrom(1, 2, 3, 8, 9, 11, 12, 13, 14, 17, 36),
        version: fc.nat(20),
        rest: fc.uint8Array({ maxLength: 100 }),
      })
      .map(({ key, version, rest }) => {
        const head = Buffer.alloc(12);
        head.writeInt32BE(8 + rest.length, 0);
        head.writeInt16BE(key, 4);
        head.writeInt16BE(version, 6);
        head.writeInt32BE(1, 8);
        return Buffer.concat([head, rest]);
      }),
  );

  test('never reaches the client as an error, and is passed on as it is', () => {
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 10 }), fc.array(garbage, { maxLength: 10 }), (out, back) => {
        const { connect, reports } = tappedProcess(CLIENT_ID);
        const socket = connect();
        const heard: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => heard.push(chunk));
        for (const chunk of out) socket.write(chunk);
        for (const chunk of back) socket.emit('data', chunk);
        socket.emit('close');
        expect(socket.written).toEqual(out);
        expect(heard).toEqual(back);
        expect(new Set(reports).size).toBe(reports.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a real socket', () => {
  test('does not flow before the client listens, and loses nothing', async () => {
    const { connect: _, ...process } = tappedProcess(CLIENT_ID);
    const bytes = answer(12, 3, 1, { errorCode: 27 });
    const server = net.createServer((peer) => peer.once('data', () => peer.end(bytes)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    process.tap.attach(socket);
    socket.write(await kafkajsRequest('heartbeat', 3, 1, CLIENT_ID, exchanges[5]?.request(3) ?? {}));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.readableFlowing).toBeNull();
    expect(process.events).toEqual([]);

    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(heard).equals(bytes)).toBe(true);
    expect(process.events.map(({ kind }) => kind)).toEqual(['wire-heartbeat']);
    await new Promise((resolve) => server.close(resolve));
  });
});
