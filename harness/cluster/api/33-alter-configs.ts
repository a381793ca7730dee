/**
 * AlterConfigs (API key 33), versions 0 to 2: a topic's own settings are replaced by those given.
 *
 * Not implemented: resources other than topics, which are refused with INVALID_REQUEST.
 */
import type { Handler } from '../handler.ts';
import { type AlterConfigsRequest, alterConfigsApi } from '../protocol/33-alter-configs.ts';
import { errorCode } from '../protocol/errors.ts';
import { resourceType } from './32-describe-configs.ts';

type Answer = Parameters<typeof alterConfigsApi.response.write>[1];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');

/** Why a resource has no settings to change. */
export const whyRefused = (type: number, hasNull: boolean): string => {
  if (hasNull) return 'Null value not supported for a setting.';
  return type === resourceType.topic
    ? 'Default topic resources are not allowed.'
    : `Unsupported resource type: ${type}`;
};

export const alterConfigs: Handler<AlterConfigsRequest, Answer> = {
  api: alterConfigsApi,
  handle({ cluster, broker }, request, _version, respond) {
    broker.toController(() => {
      respond({
        responses: request.resources.map(({ resourceType: type, resourceName, configs }) => {
          const hasNull = configs.some(({ value }) => value === null);
          const outcome =
            type === resourceType.topic && resourceName !== '' && !hasNull
              ? cluster.controller.alterConfigs(
                  resourceName,
                  () => new Map(configs.map(({ name, value }) => [name, value])),
                  request.validateOnly,
                )
              : { errorCode: INVALID_REQUEST, message: whyRefused(type, hasNull) };
          return {
            errorCode: outcome.errorCode,
            errorMessage: outcome.message,
            resourceType: type,
            resourceName,
          };
        }),
      });
    });
  },
  errorAnswer: (request, code) => ({
    responses: request.resources.map(({ resourceType: type, resourceName }) => ({
      errorCode: code,
      errorMessage: null,
      resourceType: type,
      resourceName,
    })),
  }),
};
