/**
 * InitProducerId (API key 22), versions 0 to 5: an idempotent producer gets a new id, with epoch 0; one with a
 * transactional id gets the next epoch of that id's producer id, and the transaction of the one before is aborted.
 *
 * Before 4 a fenced producer is told INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED (KIP-588).
 * Not implemented: two-phase commit (6, KIP-939).
 */
import type { Handler } from '../handler.ts';
import { type InitProducerIdRequest, initProducerIdApi } from '../protocol/22-init-producer-id.ts';
import type { CoordinatorOf } from '../transaction/coordinator-of.ts';
import { COORDINATOR_LOAD_IN_PROGRESS, fencedAs, INVALID_REQUEST, NONE } from '../transaction/error-codes.ts';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../transaction/transaction.ts';

type Answer = Parameters<typeof initProducerIdApi.response.write>[1];

const PRODUCER_FENCED_FROM = 4;

const refused = (errorCode: number): Answer => ({
  errorCode,
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
});

/** @param coordinatorOf null in a cluster without transactions, where transactional ids are refused */
export const initProducerId = (
  coordinatorOf: CoordinatorOf | null,
): Handler<InitProducerIdRequest, Answer> => ({
  api: initProducerIdApi,
  handle(context, { transactionalId, transactionTimeoutMs, producerId, producerEpoch }, version, respond) {
    const hasId = producerId !== NO_PRODUCER_ID;
    if (hasId !== (producerEpoch !== NO_PRODUCER_EPOCH)) respond(refused(INVALID_REQUEST));
    else if (transactionalId === null && !context.broker.hasProducerIds)
      respond(refused(COORDINATOR_LOAD_IN_PROGRESS));
    else if (transactionalId === null)
      respond({ errorCode: NONE, producerId: BigInt(context.broker.nextProducerId()), producerEpoch: 0 });
    else if (coordinatorOf === null) respond(refused(INVALID_REQUEST));
    else
      coordinatorOf(context).initProducerId(
        transactionalId,
        transactionTimeoutMs,
        hasId ? { id: producerId, epoch: producerEpoch } : null,
        (error, producer) =>
          respond(
            producer === null
              ? refused(fencedAs(error, version, PRODUCER_FENCED_FROM))
              : { errorCode: NONE, producerId: producer.id, producerEpoch: producer.epoch },
          ),
      );
  },
  errorAnswer: (_request, code) => refused(code),
});
