/**
 * AddOffsetsToTxn (API key 25), versions 0 to 4: the partition of `__consumer_offsets` that keeps a group's offsets
 * becomes part of a producer's transaction.
 *
 * Before 2 a fenced producer is told INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED (KIP-588).
 */
import type { GroupPart } from '../group/part.ts';
import type { Handler } from '../handler.ts';
import {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
  addOffsetsToTxnApi,
} from '../protocol/25-add-offsets-to-txn.ts';
import { OFFSETS_TOPIC } from '../simulated-cluster.ts';
import type { CoordinatorOf } from '../transaction/coordinator-of.ts';
import { fencedAs } from '../transaction/error-codes.ts';

const PRODUCER_FENCED_FROM = 2;

const answer = (errorCode: number): AddOffsetsToTxnResponse => ({ throttleTimeMs: 0, errorCode });

export const addOffsetsToTxn = (
  coordinatorOf: CoordinatorOf,
  groups: GroupPart,
): Handler<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse> => ({
  api: addOffsetsToTxnApi,
  handle(context, { transactionalId, producerId, producerEpoch, groupId }, version, respond) {
    const partition = groups.of(context.broker).partitionOf(groupId);
    coordinatorOf(context).addPartitions(
      transactionalId,
      { id: producerId, epoch: producerEpoch },
      [{ topic: OFFSETS_TOPIC, partition }],
      0,
      (error) => respond(answer(fencedAs(error, version, PRODUCER_FENCED_FROM))),
    );
  },
  errorAnswer: (_request, code) => answer(code),
});
