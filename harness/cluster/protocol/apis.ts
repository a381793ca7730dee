/** All APIs whose messages are described here: a key enters, the API's description leaves. */
import { fetchApi } from './01-fetch.ts';
import { listOffsetsApi } from './02-list-offsets.ts';
import { metadataApi } from './03-metadata.ts';
import { offsetCommitApi } from './08-offset-commit.ts';
import { offsetFetchApi } from './09-offset-fetch.ts';
import { findCoordinatorApi } from './10-find-coordinator.ts';
import { joinGroupApi } from './11-join-group.ts';
import { heartbeatApi } from './12-heartbeat.ts';
import { leaveGroupApi } from './13-leave-group.ts';
import { syncGroupApi } from './14-sync-group.ts';
import { apiVersionsApi } from './18-api-versions.ts';
import type { AnyApi } from './api.ts';

const apis = [
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  findCoordinatorApi,
  joinGroupApi,
  heartbeatApi,
  leaveGroupApi,
  syncGroupApi,
  apiVersionsApi,
] as readonly AnyApi[];

/** In order of key. */
export const apiByKey: ReadonlyMap<number, AnyApi> = new Map(apis.map((api) => [api.key, api]));
