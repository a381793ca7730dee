/**
 * What both ways to change settings have in common: resources enter, each is refused by the broker itself or changed by
 * the controller, and answers in the order of the request leave.
 */
import type { RequestContext } from '../handler.ts';
import { errorCode } from '../protocol/errors.ts';
import { resourceType } from './32-describe-configs.ts';

const INVALID_REQUEST = errorCode('INVALID_REQUEST');

export interface Resource<Config> {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly Config[];
}

interface ResourceAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface Result {
  readonly errorCode: number;
  readonly message: string | null;
}

const keyOf = ({ resourceType: type, resourceName }: Resource<unknown>): string => `${type} ${resourceName}`;

/** Why a broker refuses a resource before the controller hears of it, or null (ConfigAdminManager.preprocess). */
function whyRefused<Config extends { readonly name: string }>(
  resource: Resource<Config>,
  all: readonly Resource<Config>[],
  lacksValue: (config: Config) => boolean,
): string | null {
  const { resourceType: type, configs } = resource;
  if (all.some((other) => other !== resource && keyOf(other) === keyOf(resource)))
    return 'Each resource must appear at most once.';
  if (new Set(configs.map(({ name }) => name)).size < configs.length)
    return 'Error due to duplicate config keys';
  const withoutValue = configs.filter(lacksValue).map(({ name }) => name);
  if (withoutValue.length > 0) return `Null value not supported for : ${withoutValue.join(', ')}`;
  return type === resourceType.topic ? null : `Unknown resource type ${type}`;
}

/** @param alter what the controller makes of all that it gets, in its order */
export function alterTopics<Config extends { readonly name: string }>(
  { broker }: RequestContext,
  resources: readonly Resource<Config>[],
  lacksValue: (config: Config) => boolean,
  alter: (passedOn: readonly Resource<Config>[]) => readonly Result[],
  respond: (answer: { responses: ResourceAnswer[] }) => void,
): void {
  broker.toController(() => {
    const refusals = resources.map((resource) => whyRefused(resource, resources, lacksValue));
    const results = [...alter(resources.filter((_, index) => refusals[index] === null))];
    respond({
      responses: resources.map(({ resourceType: type, resourceName }, index) => {
        const refusal = refusals[index];
        const { errorCode: code, message } =
          typeof refusal === 'string'
            ? { errorCode: INVALID_REQUEST, message: refusal }
            : (results.shift() as Result);
        return { errorCode: code, errorMessage: message, resourceType: type, resourceName };
      }),
    });
  });
}

/** For faults on purpose. */
export const alterError = (
  { resources }: { readonly resources: readonly Resource<unknown>[] },
  code: number,
): { responses: ResourceAnswer[] } => ({
  responses: resources.map(({ resourceType: type, resourceName }) => ({
    errorCode: code,
    errorMessage: null,
    resourceType: type,
    resourceName,
  })),
});
