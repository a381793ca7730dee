/** The message schemas against Kafka's own bytes, against themselves, and against garbage. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeRequest,
  encodeResponse,
  readRequestBody,
  readRequestHeader,
  readResponseBody,
} from './api.ts';
import { apiByKey } from './apis.ts';
import { ProtocolFormatError, Reader, Writer } from './bytes.ts';
import { array, at, field, int32, nullable, string, struct, type Type } from './codec.ts';
import { arbitraryValue } from './testing/arbitrary.ts';
import { fromKafkaJson } from './testing/json.ts';
import { kafkaMessages } from './testing/kafka-messages.ts';

interface Case {
  readonly name: string;
  readonly version: number;
  readonly flexible: boolean;
  readonly type: Type<unknown>;
}

const cases: Case[] = [...apiByKey.values()].flatMap((api) =>
  (['request', 'response'] as const).flatMap((side) =>
    Array.from({ length: api.versions.max - api.versions.min + 1 }, (_, i) => {
      const version = api.versions.min + i;
      return {
        name: `${api.name}${side === 'request' ? 'Request' : 'Response'}`,
        version,
        flexible: version >= api.flexibleFrom,
        type: api[side],
      };
    }),
  ),
);

const encode = ({ type, version, flexible }: Case, value: unknown): Buffer => {
  const writer = new Writer();
  type.write(writer, value, at(version, flexible));
  return writer.bytes();
};

const readsOrRefuses = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof ProtocolFormatError;
  }
};

describe('every version of every message', () => {
  test.each(cases)('$name $version has the bytes that Kafka writes', (one) => {
    const sample = kafkaMessages.find(
      ({ message, version }) => message === one.name && version === one.version,
    );
    if (sample === undefined) throw new Error('there is no sample of Kafka');
    const flexibility = at(one.version, one.flexible);
    const value = fromKafkaJson(one.type.shape, sample.json, flexibility);
    expect(encode(one, value).toString('hex')).toBe(sample.bytes.toString('hex'));
    const reader = new Reader(sample.bytes);
    expect(one.type.read(reader, flexibility)).toEqual(value);
    expect(reader.remaining).toBe(0);
  });

  test.each(cases)('$name $version reads what it writes', (one) => {
    const flexibility = at(one.version, one.flexible);
    fc.assert(
      fc.property(arbitraryValue(one.type.shape, flexibility), (value) => {
        const reader = new Reader(encode(one, value));
        expect(one.type.read(reader, flexibility)).toEqual(value);
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test.each(cases)('$name $version reads garbage or says that it is garbage', (one) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = () => one.type.read(new Reader(bytes), at(one.version, one.flexible));
        expect(readsOrRefuses(read)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('frames', () => {
  test.each([...apiByKey.values()])('$name: header and body of both directions', (api) => {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      const flexibility = at(version, version >= api.flexibleFrom);
      const [request] = fc.sample(arbitraryValue(api.request.shape, flexibility), {
        numRuns: 1,
        seed: version,
      });
      const [response] = fc.sample(arbitraryValue(api.response.shape, flexibility), {
        numRuns: 1,
        seed: version,
      });

      const sent = encodeRequest(api, version, { correlationId: 7, clientId: 'm1.1' }, request);
      expect(sent.readInt32BE(0)).toBe(sent.length - 4);
      const reader = new Reader(sent, 4);
      expect(readRequestHeader(reader)).toEqual({
        apiKey: api.key,
        apiVersion: version,
        correlationId: 7,
        clientId: 'm1.1',
      });
      expect(readRequestBody(api, version, reader)).toEqual(request);

      const answer = encodeResponse(api, version, 7, response);
      expect(answer.readInt32BE(0)).toBe(answer.length - 4);
      const answerReader = new Reader(answer, 4);
      expect(answerReader.int32()).toBe(7);
      expect(readResponseBody(api, version, answerReader)).toEqual(response);
      expect(answerReader.remaining).toBe(0);
    }
  });
});

describe('a schema', () => {
  const message = struct({
    name: field(nullable(string, 1)),
    count: field(int32, { from: 1, default: 5 }),
    tagged: field(array(int32), { from: 2, tag: 3, default: [] }),
  });

  test('leaves out what has a default, and reads it back', () => {
    const writer = new Writer();
    message.write(writer, { name: 'a' }, at(2, true));
    expect(writer.bytes().toString('hex')).toBe('02610000000500');
    expect(message.read(new Reader(writer.bytes()), at(2, true))).toEqual({
      name: 'a',
      count: 5,
      tagged: [],
    });
  });

  test('skips tagged fields that it does not know, and reads those around them', () => {
    const [name, count, unknown, known] = ['0261', '00000005', '0002ffff', '03050200000009'];
    const bytes = Buffer.from(`${name}${count}02${unknown}${known}`, 'hex');
    expect(message.read(new Reader(bytes), at(2, true))).toEqual({ name: 'a', count: 5, tagged: [9] });
  });

  test('refuses null in versions that have none', () => {
    expect(() => message.write(new Writer(), { name: null }, at(0, false))).toThrow(
      /version 0, which allows it from 1/,
    );
    expect(() => message.read(new Reader(Buffer.from('ffff', 'hex')), at(0, false))).toThrow(
      ProtocolFormatError,
    );
  });

  test('does not believe a length beyond the message', () => {
    const bytes = Buffer.from('7fffffff', 'hex');
    expect(() => array(int32).read(new Reader(bytes), at(0, false))).toThrow(/2147483647 items in 0 bytes/);
  });
});
