/**
 * Generated sequences for a listener on which clients have to log in: what a cluster announces enters, an arbitrary of
 * sequences leaves. They log in well or badly, once or again, and ask for anything before, in between and after.
 */
import fc from 'fast-check';
import { saslMechanisms } from '../../cluster/sasl.ts';
import { hashOf } from '../../cluster/scram.ts';
import { type Announced, anyStep } from './generate.ts';
import { users } from './guard.ts';
import { openings } from './openings.ts';
import { RAW, type Sequence, type Step } from './step.ts';
import type { TokenPlan } from './tokens.ts';

const HANDSHAKE = 17;
const API_VERSIONS = 18;
const AUTHENTICATE = 36;
const LOGINS_MAX = 2;
const PARTS_MAX = 3;
/** More than a broker takes of a client that has not logged in. */
const TOO_MANY_BYTES = 600_000;

const connections = fc.constantFrom(0, 0, 0, 1);
const mechanisms = fc.constantFrom(...saslMechanisms);
/** Either of a pair, the first one most of the time. */
const mostly = <Value>(usual: fc.Arbitrary<Value>, rare: fc.Arbitrary<Value>, weight = 8) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rare });

const people = fc.constantFrom(...Object.entries(users));
const strangers = fc.constantFrom<[string, string]>(
  ['ada', 'guess'],
  ['ada', ''],
  ['nobody', 'secret'],
  ['', 'secret'],
  ['toString', 'secret'],
  ['Ada', 'secret'],
);

const escaped = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');

/** What a client says first: its name, and nothing else, or anything that is odd about it. */
const plainTokens = (user: string, password: string): fc.Arbitrary<TokenPlan> =>
  mostly(
    fc.constant(`\0${user}\0${password}`),
    fc.constantFrom(
      `${user}\0${user}\0${password}`,
      `other\0${user}\0${password}`,
      `\0${user}`,
      `\0${user}\0${password}\0`,
      `\0${user}\0${password}\0more`,
      `${user}\0${password}`,
      '',
    ),
  ).map((text) => ({ text }));

const scramFirsts = (user: string): fc.Arbitrary<TokenPlan> => {
  const name = escaped(user);
  return mostly(
    fc.constant(`n,,n=${name},r=abc`),
    fc.constantFrom(
      `n,a=${name},n=${name},r=abc`,
      `n,a=${user},n=${name},r=abc`,
      `n,a=other,n=${name},r=abc`,
      `n,,m=more,n=${name},r=abc`,
      `n,,n=${name},r=abc,x=y`,
      `n,,n=${name},r=abc,x=y=z`,
      `n,,n=${name},r=abc,x1=y`,
      `n,,n=${name},r=abc,`,
      `n,,n=${name},r=abc,tokenauth=true`,
      `n,,n=${name},r=abc,tokenauth=false`,
      `y,,n=${name},r=abc`,
      `p=tls-unique,,n=${name},r=abc`,
      `n,,n=${name},r=`,
      `n,,n=${name},r=a b`,
      `n,,n=${name},r=a=b`,
      `n,,n=${user},r=abc`,
      `n,,n=${name}=20,r=abc`,
      `n,,n=ä,r=abc`,
      `n,,n=${name}`,
      '',
    ),
    3,
  ).map((text) => ({ text }));
};

const scramFinals = (hash: 'sha256' | 'sha512', password: string): fc.Arbitrary<TokenPlan> => {
  const usual = { hash, password };
  return mostly(
    fc.constant<TokenPlan>({ final: usual }),
    fc.constantFrom<TokenPlan>(
      { final: { ...usual, binding: 'eSws' } },
      { final: { ...usual, binding: '' } },
      { final: { ...usual, binding: 'biw' } },
      { final: { ...usual, nonce: { prefix: 'more', isWrong: false } } },
      { final: { ...usual, nonce: { prefix: 'abc', isWrong: true } } },
      { final: { ...usual, extensions: ',x=y' } },
      { final: { ...usual, extensions: ',x' } },
      { final: { ...usual, proof: 'short' } },
      { final: { ...usual, proof: 'none' } },
      { final: { ...usual, hash: hash === 'sha256' ? 'sha512' : 'sha256' } },
    ),
    3,
  );
};

export function guardedSequences(announced: readonly Announced[]): fc.Arbitrary<Sequence> {
  const { max = 0 } = announced.find(({ api }) => api.key === AUTHENTICATE) ?? {};
  const versions = announced.find(({ api }) => api.key === API_VERSIONS)?.max ?? 0;
  const any = anyStep(announced);
  const token = (connection: number, version: number, plan: TokenPlan): Step => ({
    connection,
    apiKey: AUTHENTICATE,
    version,
    body: { authBytes: { token: plan } },
  });
  const handshake = (connection: number, version: number, mechanism: string): Step => ({
    connection,
    apiKey: HANDSHAKE,
    version,
    body: { mechanism },
  });
  /** One newer than any is answered all the same (KIP-511). */
  const askVersions = fc
    .record({
      version: mostly(fc.integer({ min: 0, max: versions }), fc.constant(versions + 5)),
      name: mostly(fc.constant('fuzz'), fc.constantFrom('', '-', 'a b')),
    })
    .map(({ version, name }) => ({
      connection: 0,
      apiKey: API_VERSIONS,
      version,
      body: { clientSoftwareName: name, clientSoftwareVersion: '1.0' },
    }));

  /** A whole login as clients do it, mostly a good one. */
  const login = fc
    .record({
      connection: connections,
      mechanism: mechanisms,
      person: mostly(people, strangers, 5),
      // Version 0 has tokens follow with nothing but their size.
      isRaw: fc.constantFrom(false, false, false, true),
      version: fc.integer({ min: 0, max }),
      before: mostly(
        fc.array(askVersions, { maxLength: 1 }),
        fc.array(askVersions, { minLength: 2, maxLength: 2 }),
      ),
      named: mostly(
        fc.constant(null),
        fc.constantFrom<string | null>('nonsense', '', 'plain', 'GSSAPI', ...saslMechanisms),
      ),
      after: mostly(
        fc.constant([] as Step[]),
        any.map((step) => [step]),
      ),
    })
    .chain(({ connection, mechanism, person: [user, password], isRaw, version, before, named, after }) => {
      const said: fc.Arbitrary<TokenPlan[]> =
        mechanism === 'PLAIN'
          ? fc.tuple(plainTokens(user, password))
          : fc.tuple(scramFirsts(user), scramFinals(hashOf(mechanism), password));
      return said.map((plans) => [
        ...before.map((step) => ({ ...step, connection })),
        handshake(connection, isRaw ? 0 : 1, named ?? mechanism),
        ...after.map((step) => ({ ...step, connection })),
        ...plans.map((plan) => token(connection, isRaw ? RAW : version, plan)),
      ]);
    });

  /** What has no place in a login. */
  const stray: fc.Arbitrary<Step[]> = fc
    .oneof(
      { weight: 4, arbitrary: any },
      { weight: 1, arbitrary: askVersions },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(0, 1), mechanisms)
          .map(([version, mechanism]) => handshake(0, version, mechanism)),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            fc.constantFrom(RAW, 0, max),
            fc.oneof(
              plainTokens('ada', users.ada as string),
              scramFirsts('ada'),
              scramFinals('sha256', users.ada as string),
              fc.constant<TokenPlan>({ bytes: TOO_MANY_BYTES }),
            ),
          )
          .map(([version, plan]) => token(0, version, plan)),
      },
    )
    .chain((step) => connections.map((connection) => [{ ...step, connection }]));

  const parts = fc.array(fc.oneof(stray, stray, login), { minLength: 1, maxLength: PARTS_MAX });
  return fc
    .record({
      early: mostly(fc.constant([] as Step[]), stray, 6),
      logins: fc.array(login, { minLength: 1, maxLength: LOGINS_MAX }),
      opening: mostly(fc.constant([] as Step[]), openings(announced), 4),
      parts,
    })
    .map(({ early, logins, opening, parts: more }) => ({
      steps: [...early, ...logins.flat(), ...opening, ...more.flat()],
    }));
}
