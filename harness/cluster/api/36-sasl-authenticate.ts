/**
 * SaslAuthenticate (API key 36), versions 0 to 2: a token of the mechanism that was agreed on. After a wrong one the
 * error is answered and the connection closes, both after a delay, as Kafka delays them (KIP-152, KIP-306).
 */
import type { Handler } from '../handler.ts';
import { type SaslAuthenticateRequest, saslAuthenticateApi } from '../protocol/36-sasl-authenticate.ts';
import { errorCode } from '../protocol/errors.ts';
import { acceptToken, FAILURE_DELAY_MS, ILLEGAL_SASL_STATE, type SaslMechanism } from '../sasl.ts';

type Answer = Parameters<typeof saslAuthenticateApi.response.write>[1];

const NONE = errorCode('NONE');
const SASL_AUTHENTICATION_FAILED = errorCode('SASL_AUTHENTICATION_FAILED');

/** In Kafka's words, which tell nobody whether it was the user or the password. */
const whyRefused = (mechanism: SaslMechanism): string =>
  mechanism === 'PLAIN'
    ? 'Authentication failed: Invalid username or password'
    : `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`;

const refused = (code: number, errorMessage: string): Answer => ({
  errorCode: code,
  errorMessage,
  authBytes: Buffer.alloc(0),
});

export const saslAuthenticate: Handler<SaslAuthenticateRequest, Answer> = {
  api: saslAuthenticateApi,
  handle({ cluster, broker, connection }, { authBytes }, _version, respond) {
    const { sasl } = connection;
    if (cluster.sasl === null || sasl === null || sasl.stage !== 'authenticate') {
      respond(refused(ILLEGAL_SASL_STATE, 'SaslAuthenticate request received out of order.'));
      return;
    }
    const { mechanism } = sasl;
    const answer = acceptToken(connection, broker, authBytes);
    if (answer === 'close') {
      respond('close');
      return;
    }
    if (answer === null) {
      broker.after(FAILURE_DELAY_MS, () => {
        respond(refused(SASL_AUTHENTICATION_FAILED, whyRefused(mechanism)));
        connection.end(false);
      });
      return;
    }
    const { bytes, lifetimeMs } = answer;
    respond({ errorCode: NONE, errorMessage: null, authBytes: bytes, sessionLifetimeMs: BigInt(lifetimeMs) });
  },
  errorAnswer: (_request, code) => refused(code, ''),
};
