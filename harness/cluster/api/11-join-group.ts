/**
 * JoinGroup (API key 11), versions 0 to 9: a member asks to be in the next generation of a classic group. The answer
 * comes when the rebalance has gathered the members, and until then the connection's later requests wait.
 *
 * Before version 7 the protocol's name is never null in the answer. The reason (KIP-800) is not looked at.
 */
import { type CoordinatorOf, groupContext } from '../group/coordinator-of.ts';
import { joinError } from '../group/error-answers.ts';
import type { Handler } from '../handler.ts';
import { type JoinGroupRequest, type JoinGroupResponse, joinGroupApi } from '../protocol/11-join-group.ts';

const NULL_PROTOCOL_VERSION = 7;

const forVersion = (response: JoinGroupResponse, version: number): JoinGroupResponse =>
  version < NULL_PROTOCOL_VERSION && response.protocolName === null
    ? { ...response, protocolName: '' }
    : response;

export const joinGroup = (coordinatorOf: CoordinatorOf): Handler<JoinGroupRequest, JoinGroupResponse> => ({
  api: joinGroupApi,
  handle(context, request, version, respond) {
    coordinatorOf(context).joinGroup(groupContext(context, version), request, (response) =>
      respond(forVersion(response, version)),
    );
  },
  errorAnswer: ({ memberId }, code, version) => forVersion(joinError(code, memberId), version),
  untimelyAnswer: (_request, code, version) => forVersion(joinError(code, ''), version),
});
