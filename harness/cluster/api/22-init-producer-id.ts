/**
 * InitProducerId (API key 22), versions 0 to 5, for idempotent producers: each call gives a new id, with epoch 0.
 *
 * Not implemented: transactional ids, which are refused with INVALID_REQUEST unless a transaction coordinator takes this
 * API over.
 */
import type { Handler } from '../handler.ts';
import { type InitProducerIdRequest, initProducerIdApi } from '../protocol/22-init-producer-id.ts';
import { errorCode } from '../protocol/errors.ts';

type Answer = Parameters<typeof initProducerIdApi.response.write>[1];

const NONE = errorCode('NONE');
const INVALID_REQUEST = errorCode('INVALID_REQUEST');

const refused = (code: number): Answer => ({ errorCode: code, producerId: -1n, producerEpoch: -1 });

export const initProducerId: Handler<InitProducerIdRequest, Answer> = {
  api: initProducerIdApi,
  handle({ broker }, { transactionalId }, _version, respond) {
    if (transactionalId !== null) respond(refused(INVALID_REQUEST));
    else respond({ errorCode: NONE, producerId: BigInt(broker.nextProducerId()), producerEpoch: 0 });
  },
  errorAnswer: (_request, code) => refused(code),
};
