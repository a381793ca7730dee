/**
 * DescribeClientQuotas (API key 48), versions 0 and 1: the quotas of all entities that a filter matches, as this broker knows
 * them (class ClientQuotasImage).
 */
import type { Handler } from '../handler.ts';
import {
  type DescribeClientQuotasRequest,
  describeClientQuotasApi,
} from '../protocol/48-describe-client-quotas.ts';
import { type ErrorName, errorCode } from '../protocol/errors.ts';
import { CLIENT_ID, IP, type QuotaEntity, USER } from '../quota/entities.ts';

type Answer = Parameters<typeof describeClientQuotasApi.response.write>[1];
type Component = DescribeClientQuotasRequest['components'][number];

const matchType = { exact: 0, default: 1, specified: 2 } as const;

const failed = (code: number, errorMessage: string | null): Answer => ({
  errorCode: code,
  errorMessage,
  entries: null,
});

/** Why a component makes no sense, or null. */
function whyRefused(
  { entityType, matchType: type, match }: Component,
  before: readonly Component[],
): readonly [ErrorName, string] | null {
  if (entityType === '') return ['INVALID_REQUEST', 'Invalid empty entity type.'];
  if (before.some((other) => other.entityType === entityType))
    return ['INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once in the filter.`];
  if (![USER, CLIENT_ID, IP].includes(entityType))
    return ['UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`];
  if (type === matchType.exact)
    return match === null
      ? ['INVALID_REQUEST', 'Request specified MATCH_TYPE_EXACT, but set match string to null.']
      : null;
  if (type !== matchType.default && type !== matchType.specified)
    return ['INVALID_REQUEST', `Unknown match type ${type}`];
  if (match === null) return null;
  const name = type === matchType.default ? 'MATCH_TYPE_DEFAULT' : 'MATCH_TYPE_SPECIFIED';
  return ['INVALID_REQUEST', `Request specified ${name}, but also specified a match string.`];
}

const matches = (entity: QuotaEntity, components: readonly Component[], isStrict: boolean): boolean =>
  (!isStrict || entity.size === components.length) &&
  components.every(
    ({ entityType, matchType: type, match }) =>
      entity.has(entityType) && (type === matchType.specified || entity.get(entityType) === match),
  );

export const describeClientQuotas: Handler<DescribeClientQuotasRequest, Answer> = {
  api: describeClientQuotasApi,
  handle({ broker }, { components, strict }, _version, respond) {
    const refusal = components
      .map((component, index) => whyRefused(component, components.slice(0, index)))
      .find((why) => why !== null);
    if (refusal !== undefined) {
      respond(failed(errorCode(refusal[0]), refusal[1]));
      return;
    }
    const types = new Set(components.map(({ entityType }) => entityType));
    if (types.has(IP) && types.size > 1) {
      const why =
        'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.';
      respond(failed(errorCode('INVALID_REQUEST'), why));
      return;
    }
    const found = [...broker.image.quotas.values()].filter(({ entity }) =>
      matches(entity, components, strict),
    );
    respond({
      errorCode: 0,
      errorMessage: null,
      entries: found.map(({ entity, values }) => ({
        entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
        values: [...values].map(([key, value]) => ({ key, value })),
      })),
    });
  },
  errorAnswer: (_request, code) => failed(code, null),
};
