/**
 * AlterClientQuotas (API key 49), versions 0 and 1: the quotas of entities are set or taken away by the controller (KIP-546),
 * and brokers learn of it a little later.
 */
import type { Handler } from '../handler.ts';
import { type AlterClientQuotasRequest, alterClientQuotasApi } from '../protocol/49-alter-client-quotas.ts';
import { errorCode } from '../protocol/errors.ts';
import type { QuotaEntity } from '../quota/entities.ts';

type Answer = Parameters<typeof alterClientQuotasApi.response.write>[1];

const NONE = errorCode('NONE');
const INVALID_REQUEST = errorCode('INVALID_REQUEST');

const entityOf = ({ entity }: AlterClientQuotasRequest['entries'][number]): QuotaEntity =>
  new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]));

const answerOf = (entity: QuotaEntity, code: number, errorMessage: string | null) => ({
  errorCode: code,
  errorMessage,
  entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
});

export const alterClientQuotas: Handler<AlterClientQuotasRequest, Answer> = {
  api: alterClientQuotasApi,
  handle({ broker, cluster }, { entries, validateOnly }, _version, respond) {
    broker.toController(() => {
      const changes = entries.map((entry) => ({
        entity: entityOf(entry),
        values: entry.ops.map(({ key, value, remove }) => [key, remove ? null : value] as const),
      }));
      const outcomes = cluster.controller.alterClientQuotas(changes, validateOnly);
      respond({
        entries: outcomes.map(({ entity, refusal }) =>
          answerOf(entity, refusal === null ? NONE : INVALID_REQUEST, refusal),
        ),
      });
    });
  },
  errorAnswer: ({ entries }, code) => ({
    entries: entries.map((entry) => answerOf(entityOf(entry), code, null)),
  }),
};
