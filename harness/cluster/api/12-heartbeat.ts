/** Heartbeat (API key 12), versions 0 to 4: a member of a classic group is alive. */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import type { Handler } from '../handler.ts';
import { type HeartbeatRequest, type HeartbeatResponse, heartbeatApi } from '../protocol/12-heartbeat.ts';

export const heartbeat = (coordinatorOf: CoordinatorOf): Handler<HeartbeatRequest, HeartbeatResponse> => ({
  api: heartbeatApi,
  handle(context, request, _version, respond) {
    coordinatorOf(context).heartbeat(request, (errorCode) => respond({ throttleTimeMs: 0, errorCode }));
  },
  errorAnswer: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
