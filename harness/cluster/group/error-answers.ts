/** Answers of JoinGroup and SyncGroup that carry nothing but an error. */
import type { ErrorCode } from '../environment.ts';
import type { JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { SyncGroupResponse } from '../protocol/14-sync-group.ts';
import { EMPTY_BYTES } from './classic-member.ts';

export const joinError = (errorCode: ErrorCode, memberId: string): JoinGroupResponse => ({
  throttleTimeMs: 0,
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  skipAssignment: false,
  memberId,
  members: [],
});

export const syncError = (errorCode: ErrorCode): SyncGroupResponse => ({
  throttleTimeMs: 0,
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: EMPTY_BYTES,
});
