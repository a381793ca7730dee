/**
 * The listener on which clients have to log in: nothing enters; its users, what either arm is told of them, and a real
 * broker that knows them leave. Sessions of one mechanism have no end, of another a late one, of the third one at once.
 */
import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { alterUserScramCredentialsV0 } from '@platformatic/kafka';
import { saslMechanisms } from '../../cluster/sasl.ts';
import { withBroker } from '../../world/kafka/broker-probe.ts';
import type { StartOptions } from '../options.ts';

export const users: Readonly<Record<string, string>> = { ada: 'secret', grace: 'hopper', 'b,o=b': 'p,w=x' };
/** Who makes and deletes topics. */
export const administrator = { user: 'ada', password: 'secret' } as const;

/** Long after any sequence, and before the next request of any. */
const LATE_MS = 3_600_000;
const AT_ONCE_MS = 1;
const maxReauthMs = { 'SCRAM-SHA-256': LATE_MS, 'SCRAM-SHA-512': AT_ONCE_MS } as const;

export const simulatedGuard: StartOptions['sasl'] = { mechanisms: [...saslMechanisms], users, maxReauthMs };

const PREFIX = 'listener.name.sasl';
const login = (module: string, options = ''): string =>
  `org.apache.kafka.common.security.${module} required${options};`;
const plainUsers = Object.entries(users).map(([user, password]) => ` "user_${user}"="${password}"`);

/** For a broker with a listener of that name. */
export const realGuard: Readonly<Record<string, string>> = {
  'sasl.enabled.mechanisms': saslMechanisms.join(','),
  [`${PREFIX}.plain.sasl.jaas.config`]: login('plain.PlainLoginModule', plainUsers.join('')),
  ...Object.fromEntries(
    Object.entries(maxReauthMs).flatMap(([mechanism, ms]) => {
      const prefix = `${PREFIX}.${mechanism.toLowerCase()}`;
      return [
        [`${prefix}.sasl.jaas.config`, login('scram.ScramLoginModule')],
        [`${prefix}.connections.max.reauth.ms`, String(ms)],
      ];
    }),
  ),
};

const ITERATIONS = 4_096;
/** As Kafka numbers them. */
const SCRAM = [
  { mechanism: 1, hash: 'sha256' },
  { mechanism: 2, hash: 'sha512' },
] as const;

export const saltedPassword = (password: string, salt: Buffer, hash: 'sha256' | 'sha512'): Buffer =>
  pbkdf2Sync(password, salt, ITERATIONS, createHash(hash).digest().length, hash);

/** @param address of the listener on which nobody logs in */
export async function addScramUsers(address: string): Promise<void> {
  const [host, port] = address.split(/:(?=\d+$)/) as [string, string];
  await withBroker({ host, port: Number(port) }, async (connection) => {
    // A request may name a user once.
    for (const { mechanism, hash } of SCRAM) {
      const credentials = Object.entries(users).map(([name, password]) => {
        const salt = randomBytes(16);
        return {
          name,
          mechanism,
          iterations: ITERATIONS,
          salt,
          saltedPassword: saltedPassword(password, salt, hash),
        };
      });
      await alterUserScramCredentialsV0.api.async(connection, [], credentials);
    }
  });
}
