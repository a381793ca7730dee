/**
 * ApiVersions (API key 18), versions 0 to 4, flexible from 3.
 *
 * 1 adds the throttle time; 3 the client's software and the cluster's features, tagged (KIP-511, KIP-584); 4 only lets
 * a feature's minimum be 0. The answer's header never has tagged fields, and a broker that does not know the version
 * asked for answers UNSUPPORTED_VERSION in version 0 (KIP-511).
 */
import type { Api } from './api.ts';
import { array, bool, field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  clientSoftwareName: field(string, { from: 3, default: '' }),
  clientSoftwareVersion: field(string, { from: 3, default: '' }),
};

const response = {
  errorCode: field(int16),
  apiKeys: field(array(struct({ apiKey: field(int16), minVersion: field(int16), maxVersion: field(int16) }))),
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  supportedFeatures: field(
    array(struct({ name: field(string), minVersion: field(int16), maxVersion: field(int16) })),
    { from: 3, tag: 0, default: [] },
  ),
  finalizedFeaturesEpoch: field(int64, { from: 3, tag: 1, default: -1n }),
  finalizedFeatures: field(
    array(struct({ name: field(string), maxVersionLevel: field(int16), minVersionLevel: field(int16) })),
    { from: 3, tag: 2, default: [] },
  ),
  zkMigrationReady: field(bool, { from: 3, tag: 3, default: false }),
};

export type ApiVersionsRequest = Output<typeof request>;
export type ApiVersionsResponse = Output<typeof response>;

export const apiVersionsApi: Api<
  ApiVersionsRequest,
  Input<typeof request>,
  ApiVersionsResponse,
  Input<typeof response>
> = {
  key: 18,
  name: 'ApiVersions',
  versions: { min: 0, max: 4 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
