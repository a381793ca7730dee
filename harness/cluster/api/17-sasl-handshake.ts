/**
 * SaslHandshake (API key 17), versions 0 and 1: the client names the mechanism it will log in with, and learns which
 * there are if it is none of them; then the connection closes, after a delay (KIP-306).
 */
import type { Handler } from '../handler.ts';
import { type SaslHandshakeRequest, saslHandshakeApi } from '../protocol/17-sasl-handshake.ts';
import { errorCode } from '../protocol/errors.ts';
import { FAILURE_DELAY_MS, ILLEGAL_SASL_STATE } from '../sasl.ts';

type Answer = Parameters<typeof saslHandshakeApi.response.write>[1];

const NONE = errorCode('NONE');
const UNSUPPORTED_SASL_MECHANISM = errorCode('UNSUPPORTED_SASL_MECHANISM');

export const saslHandshake: Handler<SaslHandshakeRequest, Answer> = {
  api: saslHandshakeApi,
  handle({ cluster, broker, connection }, { mechanism }, version, respond) {
    const { sasl } = connection;
    // A listener without SASL answers so, and so does one on which the client has logged in already.
    if (cluster.sasl === null || sasl === null || sasl.stage === 'done') {
      respond({ errorCode: ILLEGAL_SASL_STATE, mechanisms: [] });
      return;
    }
    const mechanisms = [...cluster.sasl.mechanisms];
    const agreed = mechanisms.find((one) => one === mechanism);
    if (agreed === undefined) {
      // Of a client that logs in again Kafka closes the connection without an answer.
      if (sasl.previous !== null) respond('close');
      else
        broker.after(FAILURE_DELAY_MS, () => {
          respond({ errorCode: UNSUPPORTED_SASL_MECHANISM, mechanisms });
          connection.end(false);
        });
      return;
    }
    if (sasl.previous !== null && sasl.previous.mechanism !== agreed) sasl.stage = 'refused';
    else {
      sasl.stage = version === 0 ? 'token' : 'authenticate';
      sasl.mechanism = agreed;
      sasl.scram = null;
    }
    respond({ errorCode: NONE, mechanisms });
  },
  errorAnswer: (_request, code) => ({ errorCode: code, mechanisms: [] }),
};
