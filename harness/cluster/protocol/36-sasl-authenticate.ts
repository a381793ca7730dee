/**
 * SaslAuthenticate (API key 36), versions 0 to 2, flexible from 2. 1 adds the session's lifetime (KIP-368).
 */
import type { Api } from './api.ts';
import { bytes, field, type Input, int16, int64, nullable, type Output, string, struct } from './codec.ts';

const request = { authBytes: field(bytes) };

const response = {
  errorCode: field(int16),
  errorMessage: field(nullable(string)),
  authBytes: field(bytes),
  sessionLifetimeMs: field(int64, { from: 1, default: 0n }),
};

export type SaslAuthenticateRequest = Output<typeof request>;
export type SaslAuthenticateResponse = Output<typeof response>;

export const saslAuthenticateApi: Api<
  SaslAuthenticateRequest,
  Input<typeof request>,
  SaslAuthenticateResponse,
  Input<typeof response>
> = {
  key: 36,
  name: 'SaslAuthenticate',
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
