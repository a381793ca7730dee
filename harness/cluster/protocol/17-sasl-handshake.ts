/**
 * SaslHandshake (API key 17), versions 0 and 1, never flexible.
 *
 * After version 0 the client sends raw tokens, after version 1 SaslAuthenticate requests (KIP-152).
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, type Output, string, struct } from './codec.ts';

const request = { mechanism: field(string) };

const response = { errorCode: field(int16), mechanisms: field(array(string)) };

export type SaslHandshakeRequest = Output<typeof request>;
export type SaslHandshakeResponse = Output<typeof response>;

export const saslHandshakeApi: Api<
  SaslHandshakeRequest,
  Input<typeof request>,
  SaslHandshakeResponse,
  Input<typeof response>
> = {
  key: 17,
  name: 'SaslHandshake',
  versions: { min: 0, max: 1 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
