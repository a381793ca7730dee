/**
 * SaslAuthenticate (API key 36), versions 0 to 2: a token of the mechanism that was agreed on. After a wrong one the
 * error is answered and the connection closes, both after a delay, as Kafka delays them (KIP-152, KIP-306).
 */
import type { Handler } from '../handler.ts';
import { type SaslAuthenticateRequest, saslAuthenticateApi } from '../protocol/36-sasl-authenticate.ts';
import { errorCode } from '../protocol/errors.ts';
import { checkPlain, ILLEGAL_SASL_STATE } from '../sasl.ts';

type Answer = Parameters<typeof saslAuthenticateApi.response.write>[1];

const NONE = errorCode('NONE');
const SASL_AUTHENTICATION_FAILED = errorCode('SASL_AUTHENTICATION_FAILED');
/** `connection.failed.authentication.delay.ms`. */
const FAILURE_DELAY_MS = 100;

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
    const user = checkPlain(cluster.sasl, authBytes);
    if (user === null) {
      broker.after(FAILURE_DELAY_MS, () => {
        respond(refused(SASL_AUTHENTICATION_FAILED, 'Authentication failed: Invalid username or password'));
        connection.end(false);
      });
      return;
    }
    connection.principal = user;
    sasl.stage = 'done';
    respond({ errorCode: NONE, errorMessage: null, authBytes: Buffer.alloc(0) });
  },
  errorAnswer: (_request, code) => refused(code, ''),
};
