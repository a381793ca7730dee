import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { MemberTerms, Respond } from './classic-member.ts';
import type { GroupRequestContext, Shard } from './shard.ts';

/** One JoinGroup on its way through `join.ts` and `static-rejoin.ts`. */
export interface Joining {
  readonly shard: Shard;
  readonly group: ClassicGroup;
  readonly context: GroupRequestContext;
  readonly request: JoinGroupRequest;
  readonly terms: MemberTerms;
  readonly respond: Respond<JoinGroupResponse>;
}
