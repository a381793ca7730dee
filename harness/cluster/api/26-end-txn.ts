/**
 * EndTxn (API key 26), versions 0 to 5: a producer's transaction commits or aborts; answered once that is decided, while
 * the markers are still to be written.
 *
 * Before 2 a fenced producer is told INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED (KIP-588).
 * 5 answers with the epoch that begins with the end of the transaction, which may be a new producer id's (KIP-890).
 */
import type { Handler } from '../handler.ts';
import { type EndTxnRequest, type EndTxnResponse, endTxnApi } from '../protocol/26-end-txn.ts';
import type { CoordinatorOf } from '../transaction/coordinator-of.ts';
import { fencedAs } from '../transaction/error-codes.ts';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type ProducerIdAndEpoch } from '../transaction/transaction.ts';

const PRODUCER_FENCED_FROM = 2;
const BUMPED_FROM = 5;

const answer = (errorCode: number, producer: ProducerIdAndEpoch | null = null): EndTxnResponse => ({
  throttleTimeMs: 0,
  errorCode,
  producerId: producer?.id ?? NO_PRODUCER_ID,
  producerEpoch: producer?.epoch ?? NO_PRODUCER_EPOCH,
});

export const endTxn = (coordinatorOf: CoordinatorOf): Handler<EndTxnRequest, EndTxnResponse> => ({
  api: endTxnApi,
  handle(context, { transactionalId, producerId, producerEpoch, committed }, version, respond) {
    coordinatorOf(context).endTransaction(
      transactionalId,
      { id: producerId, epoch: producerEpoch },
      committed ? 'commit' : 'abort',
      version >= BUMPED_FROM ? 2 : 0,
      (error, producer) => respond(answer(fencedAs(error, version, PRODUCER_FENCED_FROM), producer)),
    );
  },
  errorAnswer: (_request, code) => answer(code),
});
