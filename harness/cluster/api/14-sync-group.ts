/**
 * SyncGroup (API key 14), versions 0 to 5: the leader hands in the assignment, and every member gets its own.
 *
 * From version 5 protocol type and name have to be there (KIP-559).
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import { syncError } from '../group/error-answers.ts';
import { INCONSISTENT_GROUP_PROTOCOL } from '../group/error-codes.ts';
import type { Handler } from '../handler.ts';
import { type SyncGroupRequest, type SyncGroupResponse, syncGroupApi } from '../protocol/14-sync-group.ts';

const PROTOCOL_VERSION = 5;

export const syncGroup = (coordinatorOf: CoordinatorOf): Handler<SyncGroupRequest, SyncGroupResponse> => ({
  api: syncGroupApi,
  handle(context, request, version, respond) {
    const isComplete = request.protocolType !== null && request.protocolName !== null;
    if (version >= PROTOCOL_VERSION && !isComplete) respond(syncError(INCONSISTENT_GROUP_PROTOCOL));
    else coordinatorOf(context).syncGroup(request, respond);
  },
  errorAnswer: (_request, errorCode) => syncError(errorCode),
});
