/**
 * ApiVersions (API key 18), versions 0 to 4: what the broker understands, and the cluster's features. The version that
 * is too new is answered by the connection, since its body cannot be read.
 */
import type { Handler } from '../handler.ts';
import { type ApiVersionsRequest, apiVersionsApi } from '../protocol/18-api-versions.ts';
import { errorCode } from '../protocol/errors.ts';

/** Before 4 a client takes a lowest version of 0 for a mistake, so such features are left out (KIP-1022). */
const ZERO_MINIMUM_FROM = 4;

const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const SOFTWARE_FROM = 3;
const LEGAL_SOFTWARE = /^[a-zA-Z0-9]([a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

type Answer = Parameters<typeof apiVersionsApi.response.write>[1];

export const apiVersions: Handler<ApiVersionsRequest, Answer> = {
  api: apiVersionsApi,
  handle({ cluster, connection }, { clientSoftwareName, clientSoftwareVersion }, version, respond) {
    const isLegal = LEGAL_SOFTWARE.test(clientSoftwareName) && LEGAL_SOFTWARE.test(clientSoftwareVersion);
    if (version >= SOFTWARE_FROM && !isLegal) {
      respond({ errorCode: INVALID_REQUEST, apiKeys: [] });
      return;
    }
    // A client that is to log in may ask once.
    if (connection.sasl?.stage === 'versions') connection.sasl.stage = 'handshake';
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
