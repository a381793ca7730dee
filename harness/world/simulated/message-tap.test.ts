/** The message tap on bytes as the network cuts them: pieces, garbage, answers that never come. */
import { describe, expect, it } from 'vitest';
import { produceApi } from '../../cluster/protocol/00-produce.ts';
import { heartbeatApi } from '../../cluster/protocol/12-heartbeat.ts';
import { apiVersionsApi } from '../../cluster/protocol/18-api-versions.ts';
import { type AnyApi, encodeRequest, encodeResponse } from '../../cluster/protocol/api.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { MessageTap, type WireMessage } from './message-tap.ts';

function tapped() {
  const seen: WireMessage[] = [];
  let time = 0;
  const tap = new MessageTap({
    now: () => ({ time: time++, eventsBefore: 7 }),
    apiOf: (key) => apiByKey.get(key),
    onMessage: (message) => seen.push(message),
  });
  return { tap, seen, connection: tap.connection(2, 'm1.1') };
}

const heartbeat = (correlationId: number): Buffer =>
  encodeRequest(
    heartbeatApi,
    3,
    { correlationId, clientId: 'm1.1' },
    {
      groupId: 'g1',
      generationId: 4,
      memberId: 'a',
    },
  );
const produce = (acks: number, correlationId: number): Buffer =>
  encodeRequest(produceApi, 3, { correlationId, clientId: 'p1.1' }, {
    acks,
    timeoutMs: 1,
    topicData: [],
  } as never);

describe('MessageTap', () => {
  it('decodes a request and its answer, whatever pieces they come in', () => {
    const { seen, connection } = tapped();
    for (const byte of heartbeat(9)) connection.toBroker(Buffer.from([byte]));
    connection.toProcess(encodeResponse(heartbeatApi, 3, 9, { errorCode: 25 }));
    const common = {
      process: 'm1.1',
      broker: 2,
      api: 'Heartbeat',
      version: 3,
      correlationId: 9,
      eventsBefore: 7,
    };
    expect(seen).toEqual([
      {
        ...common,
        direction: 'request',
        time: 0,
        bytes: heartbeat(9).length - 4,
        body: { groupId: 'g1', generationId: 4, memberId: 'a', groupInstanceId: null },
      },
      {
        ...common,
        direction: 'answer',
        time: 1,
        bytes: 10,
        body: { throttleTimeMs: 0, errorCode: 'UNKNOWN_MEMBER_ID' },
      },
    ]);
  });

  it('lists what is unanswered, but for acks 0 and connections that are gone', () => {
    const { tap, connection } = tapped();
    const gone = tap.connection(1, 'm1.1');
    gone.toBroker(heartbeat(1));
    connection.toBroker(Buffer.concat([heartbeat(1), produce(0, 2), produce(1, 3), heartbeat(4)]));
    connection.toProcess(encodeResponse(heartbeatApi, 3, 1, { errorCode: 0 }));
    gone.closed();
    expect(tap.unanswered().map(({ process, api, correlationId }) => [process, api, correlationId])).toEqual([
      ['m1.1', 'Produce', 3],
      ['m1.1', 'Heartbeat', 4],
    ]);
  });

  it('shows what it cannot decode as what it is', () => {
    const { seen, connection } = tapped();
    const unknown = { ...(heartbeatApi as unknown as AnyApi), key: 999 };
    connection.toBroker(
      encodeRequest(
        unknown,
        3,
        { correlationId: 1, clientId: null },
        { groupId: '', generationId: 0, memberId: '' },
      ),
    );
    const broken = heartbeat(2).subarray(0, -6);
    broken.writeInt32BE(broken.length - 4, 0);
    connection.toBroker(broken);
    expect(seen.map(({ api, body, process }) => [api, body, process])).toEqual([
      ['API 999', null, 'm1.1'],
      ['Heartbeat', null, 'm1.1'],
    ]);
  });

  it('reads the answer to an unknown version of ApiVersions as version 0', () => {
    const { seen, connection } = tapped();
    const version = apiVersionsApi.versions.max + 1;
    const asked = { ...(apiVersionsApi as unknown as AnyApi), flexibleFrom: 3 };
    connection.toBroker(encodeRequest(asked, version, { correlationId: 5, clientId: 'm1.1' }, {}));
    connection.toProcess(encodeResponse(apiVersionsApi, 0, 5, { errorCode: 35, apiKeys: [] }));
    expect(seen.at(-1)).toMatchObject({
      version: 0,
      body: { errorCode: 'UNSUPPORTED_VERSION', apiKeys: [] },
    });
  });

  it('looks no further where the bytes are not of Kafka', () => {
    const { tap, seen, connection } = tapped();
    connection.toBroker(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    connection.toBroker(heartbeat(1));
    expect(seen).toEqual([]);
    expect(tap.unanswered()).toEqual([]);
  });
});
