/** CreatePartitions (API key 37), versions 0 to 3: a topic grows, as the controller allows it. */
import type { Handler } from '../handler.ts';
import { type CreatePartitionsRequest, createPartitionsApi } from '../protocol/37-create-partitions.ts';
import { errorCode } from '../protocol/errors.ts';

type Answer = Parameters<typeof createPartitionsApi.response.write>[1];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');

export const createPartitions: Handler<CreatePartitionsRequest, Answer> = {
  api: createPartitionsApi,
  handle({ cluster, broker }, request, _version, respond) {
    broker.toController(() => {
      const names = request.topics.map(({ name }) => name);
      const first = request.topics.filter(({ name }, position) => names.indexOf(name) === position);
      respond({
        results: first.map(({ name, count, assignments }) => {
          if (names.lastIndexOf(name) !== names.indexOf(name))
            return { name, errorCode: INVALID_REQUEST, errorMessage: 'Duplicate topic name.' };
          const replicas = assignments?.map(({ brokerIds }) => brokerIds) ?? null;
          const outcome = cluster.controller.createPartitions(name, count, replicas, request.validateOnly);
          return { name, errorCode: outcome.errorCode, errorMessage: outcome.message };
        }),
      });
    });
  },
  errorAnswer: (request, code) => ({
    results: request.topics.map(({ name }) => ({ name, errorCode: code })),
  }),
};
