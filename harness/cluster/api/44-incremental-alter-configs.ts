/**
 * IncrementalAlterConfigs (API key 44), versions 0 and 1: single settings of a topic are set, deleted, or, where they are
 * lists, added to and taken from (KIP-339).
 *
 * Not implemented: resources other than topics, which are refused with INVALID_REQUEST.
 */
import type { Handler } from '../handler.ts';
import {
  type IncrementalAlterConfigsRequest,
  incrementalAlterConfigsApi,
} from '../protocol/44-incremental-alter-configs.ts';
import { errorCode } from '../protocol/errors.ts';
import { resourceType } from './32-describe-configs.ts';
import { whyRefused } from './33-alter-configs.ts';

type Answer = Parameters<typeof incrementalAlterConfigsApi.response.write>[1];
type Change = IncrementalAlterConfigsRequest['resources'][number]['configs'][number];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

function changed(
  configs: ReadonlyMap<string, string>,
  changes: readonly Change[],
): Map<string, string | null> {
  const next = new Map<string, string | null>(configs);
  for (const { name, configOperation, value } of changes) {
    const list = (next.get(name) ?? '').split(',').filter((one) => one !== '');
    const given = (value ?? '').split(',');
    if (configOperation === operation.delete) next.delete(name);
    else if (configOperation === operation.append)
      next.set(name, [...new Set([...list, ...given])].join(','));
    else if (configOperation === operation.subtract)
      next.set(name, list.filter((one) => !given.includes(one)).join(','));
    else next.set(name, value);
  }
  return next;
}

export const incrementalAlterConfigs: Handler<IncrementalAlterConfigsRequest, Answer> = {
  api: incrementalAlterConfigsApi,
  handle({ cluster, broker }, request, _version, respond) {
    broker.toController(() => {
      respond({
        responses: request.resources.map(({ resourceType: type, resourceName, configs }) => {
          const hasNull = configs.some(
            ({ configOperation, value }) => value === null && configOperation !== operation.delete,
          );
          const outcome =
            type === resourceType.topic && resourceName !== '' && !hasNull
              ? cluster.controller.alterConfigs(
                  resourceName,
                  (current) => changed(current, configs),
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
