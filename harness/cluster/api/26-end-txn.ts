/**
 * EndTxn (API key 26), versions 0 to 4: a producer's transaction commits or aborts; answered once that is decided, while
 * the markers are still to be written.
 *
 * Before 2 a fenced producer is told INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED (KIP-588).
 * Not implemented: 5, which begins a new epoch with each transaction (KIP-890), so the announcement ends at 4, as where
 * the feature transaction.version is 1.
 */
import type { Handler } from '../handler.ts';
import { type EndTxnRequest, type EndTxnResponse, endTxnApi } from '../protocol/26-end-txn.ts';
import type { CoordinatorOf } from '../transaction/coordinator-of.ts';
import { fencedAs } from '../transaction/error-codes.ts';

const PRODUCER_FENCED_FROM = 2;

const answer = (errorCode: number): EndTxnResponse => ({
  throttleTimeMs: 0,
  errorCode,
  producerId: -1n,
  producerEpoch: -1,
});

export const endTxn = (coordinatorOf: CoordinatorOf): Handler<EndTxnRequest, EndTxnResponse> => ({
  api: { ...endTxnApi, versions: { min: 0, max: 4 } },
  handle(context, { transactionalId, producerId, producerEpoch, committed }, version, respond) {
    coordinatorOf(context).endTransaction(
      transactionalId,
      { id: producerId, epoch: producerEpoch },
      committed ? 'commit' : 'abort',
      (error) => respond(answer(fencedAs(error, version, PRODUCER_FENCED_FROM))),
    );
  },
  errorAnswer: (_request, code) => answer(code),
});
