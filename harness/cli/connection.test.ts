/** How a user names a cluster: from options, a file or the environment, and what is said of each mistake. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConnection } from './connection.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'connection-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (content: unknown, name = 'connection.json'): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('readConnection', () => {
  it('is null where no cluster is named', () => {
    expect(readConnection({}, {})).toBeNull();
  });

  it('takes addresses from the option', () => {
    expect(readConnection({ brokers: 'one:9092, two:9092' }, {})).toEqual({
      bootstrapServers: ['one:9092', 'two:9092'],
      tls: null,
      sasl: null,
    });
  });

  it('takes TLS and SASL from the file, with paths relative to it', () => {
    file('CERTIFICATE', 'ca.pem');
    const connection = file({
      bootstrapServers: ['one:9093'],
      tls: { certificateAuthorityFile: 'ca.pem' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
    });
    expect(readConnection({ connection }, {})).toEqual({
      bootstrapServers: ['one:9093'],
      tls: { certificateAuthority: 'CERTIFICATE' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
    });
  });

  it('takes the login from the environment, over the file', () => {
    const connection = file({
      bootstrapServers: ['one:9093'],
      tls: true,
      sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' },
    });
    const environment = {
      KAFKA_TRIAL_CONNECTION: connection,
      KAFKA_TRIAL_SASL_USERNAME: 'me',
      KAFKA_TRIAL_SASL_PASSWORD: 'secret',
    };
    expect(readConnection({}, environment)).toEqual({
      bootstrapServers: ['one:9093'],
      tls: {},
      sasl: { mechanism: 'PLAIN', username: 'me', password: 'secret' },
    });
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'an address without a port',
      () => readConnection({ brokers: 'one' }, {}),
      /'one' is not a broker address/,
    ],
    ['no file there', () => readConnection({ connection: join(folder, 'none') }, {}), /Cannot read .*ENOENT/],
    ['no JSON', () => readConnection({ connection: file('{"sasl": hunter2') }, {}), /is not JSON\.$/],
    [
      'an unknown key',
      () => readConnection({ connection: file({ ssl: true }) }, {}),
      /ssl: expected no such key/,
    ],
    [
      'a mechanism that is none',
      () =>
        readConnection(
          { brokers: 'one:1' },
          {
            KAFKA_TRIAL_SASL_USERNAME: 'u',
            KAFKA_TRIAL_SASL_PASSWORD: 'hunter2',
            KAFKA_TRIAL_SASL_MECHANISM: 'GSSAPI',
          },
        ),
      /KAFKA_TRIAL_SASL_MECHANISM: expected PLAIN.*got 'GSSAPI'/,
    ],
    [
      'half a login',
      () => readConnection({ brokers: 'one:1' }, { KAFKA_TRIAL_SASL_PASSWORD: 'hunter2' }),
      /needed together/,
    ],
    [
      'a file without addresses',
      () => readConnection({ connection: file({ tls: true }) }, {}),
      /names no cluster/,
    ],
    [
      'a key file that is not there',
      () =>
        readConnection({ connection: file({ bootstrapServers: ['a:1'], tls: { keyFile: 'no.pem' } }) }, {}),
      /Cannot read the private key .*no\.pem: ENOENT/,
    ],
  ])('refuses %s, and never repeats a secret', (_, read, message) => {
    let text = '';
    try {
      read();
    } catch (error) {
      text = (error as Error).message;
    }
    expect(text).toMatch(message);
    expect(text).not.toContain('hunter2');
  });
});
