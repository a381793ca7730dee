/** Sequences with logins: that they are the same for a seed and reach what they are for, and the tokens in them. */
import { describe, expect, test } from 'vitest';
import { ScramExchange, scramCredential } from '../../cluster/scram.ts';
import { compare } from './compare.ts';
import { users } from './guard.ts';
import { Search } from './search.ts';
import { RAW } from './step.ts';
import { type TokenPlan, Tokens } from './tokens.ts';

test('generated logins are the same for a seed, and reach every way to log in', () => {
  const make = () => new Search({ simulated: '', real: '', profile: '4.3', isGuarded: true });
  const search = make();
  const sequences = Array.from({ length: 200 }, (_, index) => search.sequence(7, index));
  expect(make().sequence(7, 3)).toEqual(sequences[3]);
  const steps = sequences.flatMap((one) => one.steps);
  const text = JSON.stringify(steps);
  for (const part of ['"PLAIN"', '"SCRAM-SHA-512"', '"nonsense"', '"guess"', '"isWrong":true', 'tokenauth'])
    expect(text.includes(part), part).toBe(true);
  expect(steps.some(({ apiKey, version }) => apiKey === 36 && version === RAW)).toBe(true);
});

describe('SCRAM', () => {
  const finish = (final: Partial<Extract<TokenPlan, { final: object }>['final']>) => {
    const salt = Buffer.from('salt');
    const credential = scramCredential('SCRAM-SHA-256', users.ada as string, salt);
    const exchange = new ScramExchange('SCRAM-SHA-256', () => credential, 'server');
    const tokens = new Tokens();
    const first = exchange.begin(tokens.bytes({ text: 'n,,n=ada,r=abc' }).toString());
    expect(tokens.words(Buffer.from(first ?? ''))).toBe(
      "the client's nonce and more, a salt, 4096 iterations",
    );
    const bytes = tokens.bytes({ final: { hash: 'sha256', password: 'secret', ...final } });
    const answer = exchange.finish(bytes.toString());
    return typeof answer === 'string' ? tokens.words(Buffer.from(answer)) : answer;
  };

  test.each([
    ['the right password', {}, 'the right proof'],
    ['another binding', { binding: 'eSws' }, 'the right proof'],
    ['an extension', { extensions: ',x=y' }, 'the right proof'],
    ['a wrong password', { password: 'guess' }, null],
    ['a longer nonce', { nonce: { prefix: 'more', isWrong: false } }, null],
    ['an extension without a value', { extensions: ',x' }, null],
    ['a binding that is no base 64', { binding: 'biw' }, null],
    ['no proof', { proof: 'none' }, null],
    ['a proof that is too short', { proof: 'short' }, false],
  ] as const)('with %s', (_what, final, answer) => {
    expect(finish(final)).toBe(answer);
  });
});

test('what is explained in a login that is refused is not explained elsewhere', () => {
  const difference = (connection: object) => {
    const outcome = (records: unknown) => ({
      outcomes: [{ answer: { responses: [{ partitions: [{ records }] }] }, ...connection }],
      topicIds: new Map(),
    });
    const by = { prefix: 'fuzz-1-1.', startedMs: 0, release: '3.9' } as const;
    const steps = [{ connection: 0, apiKey: 1, version: 8, body: {} }];
    return compare({ steps }, outcome(''), outcome(null), by).unexplained;
  };
  expect(difference({ connection: 'closed' })).toBeNull();
  expect(difference({})).toMatchObject({ path: 'answer.responses.0.partitions.0.records' });
});
