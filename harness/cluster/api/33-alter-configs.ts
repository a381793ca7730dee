/**
 * AlterConfigs (API key 33), versions 0 to 2: a topic's own settings are replaced by those given.
 *
 * Not implemented: resources other than topics, which are refused with INVALID_REQUEST.
 */
import type { Handler } from '../handler.ts';
import { type AlterConfigsRequest, alterConfigsApi } from '../protocol/33-alter-configs.ts';
import { alterError, alterTopics } from './alter-topics.ts';

type Answer = Parameters<typeof alterConfigsApi.response.write>[1];

export const alterConfigs: Handler<AlterConfigsRequest, Answer> = {
  api: alterConfigsApi,
  handle(context, { resources, validateOnly }, _version, respond) {
    const { controller } = context.cluster;
    alterTopics(
      context,
      resources,
      ({ value }) => value === null,
      (passedOn) =>
        passedOn.map(({ resourceName, configs }) =>
          controller.alterConfigs(
            resourceName,
            () => new Map(configs.map(({ name, value }) => [name, value])),
            validateOnly,
          ),
        ),
      respond,
    );
  },
  errorAnswer: alterError,
};
