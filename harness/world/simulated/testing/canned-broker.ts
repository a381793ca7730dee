/**
 * A broker with three canned answers, for tests of the simulated world without a cluster: requests enter, ApiVersions,
 * Metadata (one topic, `orders`) and Produce are answered, and everything else is counted and left alone.
 */
import { FrameAssembler } from '../../../client/wire/frames.ts';
import { produceApi } from '../../../cluster/protocol/00-produce.ts';
import { metadataApi } from '../../../cluster/protocol/03-metadata.ts';
import { apiVersionsApi } from '../../../cluster/protocol/18-api-versions.ts';
import { encodeResponse, readRequestBody, readRequestHeader } from '../../../cluster/protocol/api.ts';
import { Reader } from '../../../cluster/protocol/bytes.ts';
import type { Acceptor, Receiver, Sender } from '../network.ts';
import type { Owner, Scheduler } from '../scheduler.ts';
import { label } from '../trace.ts';

const ANSWER_US = 300;
const answered = label('answered');

export class CannedBroker implements Acceptor {
  readonly owner: Owner;
  listens = true;
  readonly requests: string[] = [];
  readonly #scheduler: Scheduler;
  readonly #id: number;
  #nextOffset = 0n;

  constructor(scheduler: Scheduler, id: number) {
    this.#scheduler = scheduler;
    this.#id = id;
    this.owner = scheduler.owner(`broker-${id}`);
  }

  accept(sender: Sender): Receiver {
    const frames = new FrameAssembler({
      wants: () => true,
      frame: (bytes) => {
        const answer = this.#answer(bytes);
        if (answer === null) return;
        this.#scheduler.after(this.owner, ANSWER_US, answered, () => sender.send(answer), sender);
      },
    });
    return { data: (bytes) => frames.push(bytes), ended: () => sender.end(), failed: () => {} };
  }

  #answer(frame: Buffer): Buffer | null {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    switch (apiKey) {
      case apiVersionsApi.key: {
        this.requests.push('ApiVersions');
        const apis = [produceApi, metadataApi, apiVersionsApi];
        return encodeResponse(apiVersionsApi, apiVersion, correlationId, {
          errorCode: 0,
          apiKeys: apis.map(({ key, versions }) => ({
            apiKey: key,
            minVersion: versions.min,
            maxVersion: versions.max,
          })),
        });
      }
      case metadataApi.key:
        this.requests.push('Metadata');
        return encodeResponse(metadataApi, apiVersion, correlationId, {
          brokers: [{ nodeId: this.#id, host: `broker-${this.#id}`, port: 9092, rack: null }],
          clusterId: 'canned',
          controllerId: this.#id,
          topics: [
            {
              errorCode: 0,
              name: 'orders',
              isInternal: false,
              partitions: [
                {
                  errorCode: 0,
                  partitionIndex: 0,
                  leaderId: this.#id,
                  leaderEpoch: 0,
                  replicaNodes: [this.#id],
                  isrNodes: [this.#id],
                  offlineReplicas: [],
                },
              ],
            },
          ],
        });
      case produceApi.key: {
        this.requests.push('Produce');
        const { topicData } = readRequestBody(produceApi, apiVersion, reader);
        return encodeResponse(produceApi, apiVersion, correlationId, {
          responses: topicData.map(({ name, partitionData }) => ({
            name,
            partitionResponses: partitionData.map(({ index }) => ({
              index,
              errorCode: 0,
              baseOffset: this.#nextOffset++,
            })),
          })),
        });
      }
      default:
        this.requests.push(String(apiKey));
        return null;
    }
  }
}
