/**
 * ApiVersions (API key 18), versions 0 to 4: what the broker understands, and the cluster's features. The version that
 * is too new is answered by the connection, since its body cannot be read.
 *
 * Not implemented: the refusal of malformed client software names.
 */
import type { Handler } from '../handler.ts';
import { type ApiVersionsRequest, apiVersionsApi } from '../protocol/18-api-versions.ts';

/** Before 4 a client takes a lowest version of 0 for a mistake, so such features are left out (KIP-1022). */
const ZERO_MINIMUM_FROM = 4;

type Answer = Parameters<typeof apiVersionsApi.response.write>[1];

export const apiVersions: Handler<ApiVersionsRequest, Answer> = {
  api: apiVersionsApi,
  handle({ cluster }, _request, version, respond) {
    const { features } = cluster.profile;
    respond({
      errorCode: 0,
      apiKeys: [...cluster.announcement()],
      supportedFeatures: features
        .filter(({ minVersion }) => minVersion > 0 || version >= ZERO_MINIMUM_FROM)
        .map(({ name, minVersion, maxVersion }) => ({ name, minVersion, maxVersion })),
      finalizedFeaturesEpoch: 1n,
      finalizedFeatures: features
        .filter(({ level }) => level > 0)
        .map(({ name, level }) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    });
  },
  errorAnswer: (_request, code) => ({ errorCode: code, apiKeys: [] }),
};
