/**
 * CreateTopics (API key 19), versions 2 to 7, flexible from 5.
 *
 * 4 adds defaults for the partition count and the replication factor, as -1 (KIP-464); 5 the configuration that the
 * topic got (KIP-525); 7 topic ids (KIP-516). Not described: versions 0 and 1, which 4.0 removed (KIP-896).
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  type Input,
  int8,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
  uuid,
} from './codec.ts';

const request = {
  topics: field(
    array(
      struct({
        name: field(string),
        numPartitions: field(int32),
        replicationFactor: field(int16),
        assignments: field(array(struct({ partitionIndex: field(int32), brokerIds: field(array(int32)) })), {
          default: [],
        }),
        configs: field(array(struct({ name: field(string), value: field(nullable(string)) })), {
          default: [],
        }),
      }),
    ),
  ),
  timeoutMs: field(int32, { default: 60_000 }),
  validateOnly: field(bool, { default: false }),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  topics: field(
    array(
      struct({
        name: field(string),
        topicId: field(uuid, { from: 7, default: uuid.empty }),
        errorCode: field(int16),
        errorMessage: field(nullable(string), { default: null }),
        topicConfigErrorCode: field(int16, { from: 5, tag: 0, default: 0 }),
        numPartitions: field(int32, { from: 5, default: -1 }),
        replicationFactor: field(int16, { from: 5, default: -1 }),
        configs: field(
          nullable(
            array(
              struct({
                name: field(string),
                value: field(nullable(string)),
                readOnly: field(bool),
                configSource: field(int8, { default: -1 }),
                isSensitive: field(bool),
              }),
            ),
          ),
          { from: 5, default: [] },
        ),
      }),
    ),
  ),
};

export type CreateTopicsRequest = Output<typeof request>;
export type CreateTopicsResponse = Output<typeof response>;

export const createTopicsApi: Api<
  CreateTopicsRequest,
  Input<typeof request>,
  CreateTopicsResponse,
  Input<typeof response>
> = {
  key: 19,
  name: 'CreateTopics',
  versions: { min: 2, max: 7 },
  flexibleFrom: 5,
  request: struct(request),
  response: struct(response),
};
