/** How a person names a client: what is understood, and what is refused with a sentence. */
import { expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { parseClientSpec } from './client-spec.ts';

it.each([
  ['kafkajs', { kind: 'own' }],
  ['kafkajs@2.0.2', { kind: 'version', version: '2.0.2' }],
  ['kafkajs@2.3.0-beta.3', { kind: 'version', version: '2.3.0-beta.3' }],
  ['kafkajs@./my-kafkajs', { kind: 'folder', folder: './my-kafkajs' }],
  ['kafkajs@../kafkajs', { kind: 'folder', folder: '../kafkajs' }],
  ['kafkajs@/tmp/kafkajs', { kind: 'folder', folder: '/tmp/kafkajs' }],
  ['kafkajs@kafkajs-fork', { kind: 'package', packageName: 'kafkajs-fork' }],
  ['kafkajs@@acme/kafkajs', { kind: 'package', packageName: '@acme/kafkajs' }],
])('understands %s', (text, source) => {
  expect(parseClientSpec(text)).toEqual({ name: 'kafkajs', source });
});

it.each([
  ['librdkafka', /no client 'librdkafka'/],
  ['reference@1.0.0', /has no other version/],
  ['kafkajs@', /expected a version, a folder or a package/],
  ['kafkajs@^2.0.0', /expected a version, a folder or a package/],
])('refuses %s', (text, sentence) => {
  expect(() => parseClientSpec(text)).toThrow(UsageError);
  expect(() => parseClientSpec(text)).toThrow(sentence);
});
