/**
 * Metadata (API key 3), versions 0 to 13, flexible from 9.
 *
 * 1 adds racks, the controller and internal topics, and null for all topics; 2 the cluster id; 3 the throttle time; 4
 * whether topics may be created; 5 offline replicas; 7 leader epochs; 8 authorized operations (8 to 10 for the cluster);
 * 10 topic ids (KIP-516); 12 a topic by its id alone; 13 a top-level error.
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  type Input,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
  uuid,
} from './codec.ts';

const NO_OPERATIONS = -2147483648;

const request = {
  topics: field(
    nullable(
      array(
        struct({
          topicId: field(uuid, { from: 10, default: uuid.empty }),
          name: field(nullable(string, 10)),
        }),
      ),
      1,
    ),
  ),
  allowAutoTopicCreation: field(bool, { from: 4, default: true }),
  includeClusterAuthorizedOperations: field(bool, { from: 8, to: 10, default: false }),
  includeTopicAuthorizedOperations: field(bool, { from: 8, default: false }),
};

const response = {
  throttleTimeMs: field(int32, { from: 3, default: 0 }),
  brokers: field(
    array(
      struct({
        nodeId: field(int32),
        host: field(string),
        port: field(int32),
        rack: field(nullable(string), { from: 1, default: null }),
      }),
    ),
  ),
  clusterId: field(nullable(string), { from: 2, default: null }),
  controllerId: field(int32, { from: 1, default: -1 }),
  topics: field(
    array(
      struct({
        errorCode: field(int16),
        name: field(nullable(string, 12)),
        topicId: field(uuid, { from: 10, default: uuid.empty }),
        isInternal: field(bool, { from: 1, default: false }),
        partitions: field(
          array(
            struct({
              errorCode: field(int16),
              partitionIndex: field(int32),
              leaderId: field(int32),
              leaderEpoch: field(int32, { from: 7, default: -1 }),
              replicaNodes: field(array(int32)),
              isrNodes: field(array(int32)),
              offlineReplicas: field(array(int32), { from: 5, default: [] }),
            }),
          ),
        ),
        topicAuthorizedOperations: field(int32, { from: 8, default: NO_OPERATIONS }),
      }),
    ),
  ),
  clusterAuthorizedOperations: field(int32, { from: 8, to: 10, default: NO_OPERATIONS }),
  errorCode: field(int16, { from: 13, default: 0 }),
};

export type MetadataRequest = Output<typeof request>;
export type MetadataResponse = Output<typeof response>;

export const metadataApi: Api<
  MetadataRequest,
  Input<typeof request>,
  MetadataResponse,
  Input<typeof response>
> = {
  key: 3,
  name: 'Metadata',
  versions: { min: 0, max: 13 },
  flexibleFrom: 9,
  request: struct(request),
  response: struct(response),
};
