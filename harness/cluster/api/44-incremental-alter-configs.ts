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
import type { ClusterSettings } from '../settings.ts';
import { listConfigDefault } from '../topic-configs.ts';
import { alterError, alterTopics, type Result } from './alter-topics.ts';

type Answer = Parameters<typeof incrementalAlterConfigsApi.response.write>[1];
type Change = IncrementalAlterConfigsRequest['resources'][number]['configs'][number];

const UNKNOWN_SERVER_ERROR = errorCode('UNKNOWN_SERVER_ERROR');
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;
const OPERATION_MAX = operation.subtract;

/** The settings once the changes are made, or why they cannot be made. */
function changed(
  configs: ReadonlyMap<string, string>,
  changes: readonly Change[],
  settings: ClusterSettings,
): Map<string, string | null> | string {
  const next = new Map<string, string | null>(configs);
  for (const { name, configOperation, value } of changes) {
    if (configOperation === operation.set) next.set(name, value);
    else if (configOperation === operation.delete) next.delete(name);
    else {
      const fallback = listConfigDefault(name, settings);
      if (fallback === null) return `Can't change key ${name} by an item because its type is not LIST.`;
      const list = (next.get(name) ?? fallback).split(',').filter((one) => one !== '');
      next.set(
        name,
        withItems(list, (value ?? '').split(','), configOperation === operation.append).join(','),
      );
    }
  }
  return next;
}

function withItems(list: readonly string[], given: readonly string[], isAdded: boolean): string[] {
  if (isAdded) return [...new Set([...list, ...given])];
  const left = [...list];
  for (const item of given) if (left.includes(item)) left.splice(left.indexOf(item), 1);
  return left;
}

const failed: Result = { errorCode: UNKNOWN_SERVER_ERROR, message: null };

export const incrementalAlterConfigs: Handler<IncrementalAlterConfigsRequest, Answer> = {
  api: incrementalAlterConfigsApi,
  handle(context, { resources, validateOnly }, _version, respond) {
    const { controller, settings } = context.cluster;
    alterTopics(
      context,
      resources,
      ({ configOperation, value }) => value === null && configOperation !== operation.delete,
      (passedOn) => {
        // The controller fails at an operation that it does not know, and with it all that came together.
        const isUnknown = ({ configOperation }: Change): boolean =>
          configOperation < 0 || configOperation > OPERATION_MAX;
        if (passedOn.some(({ configs }) => configs.some(isUnknown))) return passedOn.map(() => failed);
        return passedOn.map(({ resourceName, configs }) =>
          controller.alterConfigs(
            resourceName,
            (current) => changed(current, configs, settings),
            validateOnly,
          ),
        );
      },
      respond,
    );
  },
  errorAnswer: alterError,
};
