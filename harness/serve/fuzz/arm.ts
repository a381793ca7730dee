/**
 * One arm of the comparison: the steps of a sequence go to a cluster over real sockets, one after another, and what it
 * answers leaves, decoded, with what it gave out (ids, addresses, times) in the words of the sequence.
 */
import { randomUUID } from 'node:crypto';
import type { ProfileName } from '../../cluster/profiles.ts';
import { listOffsetsApi } from '../../cluster/protocol/02-list-offsets.ts';
import { metadataApi } from '../../cluster/protocol/03-metadata.ts';
import { findCoordinatorApi } from '../../cluster/protocol/10-find-coordinator.ts';
import { apiVersionsApi } from '../../cluster/protocol/18-api-versions.ts';
import { createTopicsApi } from '../../cluster/protocol/19-create-topics.ts';
import { deleteTopicsApi } from '../../cluster/protocol/20-delete-topics.ts';
import { endTxnApi } from '../../cluster/protocol/26-end-txn.ts';
import type { AnyApi } from '../../cluster/protocol/api.ts';
import { encodeRequest, readResponseBody } from '../../cluster/protocol/api.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';
import { errorCode } from '../../cluster/protocol/errors.ts';
import { FuzzConnection } from './connection.ts';
import { isLeftUnanswered } from './known.ts';
import { plannedBatch } from './planned-batch.ts';
import { type BatchPlan, NAME_MARK, references, type Sequence, type Step } from './step.ts';

/** What became of a step. */
export type Outcome =
  | { readonly answer: unknown }
  | { readonly ended: 'closed' | 'silent' | 'unreadable' | 'unanswered' };

export interface ArmResult {
  readonly outcomes: readonly Outcome[];
  /** Names of the sequence's topics by the id that this arm gave them. */
  readonly topicIds: ReadonlyMap<string, string>;
}

const TOPICS = ['orders', 'payments'] as const;
const PARTITIONS = 2;
/** What may be left unanswered while a member waits for others. */
const MAY_BE_SILENT = new Set([11, 14]);
/** No request of a sequence asks to wait between this and a minute. */
const SILENCE_MS = 1_200;
const ANSWER_MS_MAX = 20_000;
const RETRY_MS = 10;
const RETRIES_MAX = 200;
const PASSING = new Set(
  (
    [
      'LEADER_NOT_AVAILABLE',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'COORDINATOR_NOT_AVAILABLE',
      'CONCURRENT_TRANSACTIONS',
      'NOT_COORDINATOR',
    ] as const
  ).map(errorCode),
);
/** After these the broker has its answer from the controller, and follows when the change is published to it. */
const CHANGES_METADATA = new Set([19, 20, 33, 37, 44]);

const PRODUCE = 0;
const END_TXN = 26;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Values = Record<string, unknown>;

/** What the arm has given out, for references in later steps. */
interface Given {
  topicIds: Map<string, string>;
  memberId: string;
  generationId: number;
  producerId: bigint;
  producerEpoch: number;
}

export class Arm {
  readonly name: string;
  readonly #address: string;
  readonly #release: ProfileName;
  readonly #keepsTopics: boolean;
  readonly #kept: string[] = [];

  /** @param keepsTopics until `tidy` deletes those of the sequences that have run */
  constructor(name: string, address: string, release: ProfileName, keepsTopics: boolean) {
    this.name = name;
    this.#address = address;
    this.#release = release;
    this.#keepsTopics = keepsTopics;
  }

  async tidy(): Promise<void> {
    const admin = await FuzzConnection.open(this.#address);
    try {
      const names = this.#kept.splice(0);
      await admin.ask(deleteTopicsApi, 1, { topicNames: names, timeoutMs: 10_000 } as never);
      await this.#followMetadata(admin);
    } finally {
      admin.close();
    }
  }

  async #deleteTopics(admin: FuzzConnection, topicNames: readonly string[]): Promise<void> {
    if (this.#keepsTopics) this.#kept.push(...topicNames);
    else await admin.ask(deleteTopicsApi, 1, { topicNames, timeoutMs: 10_000 } as never);
  }

  /** @param prefix of all names of the sequence, which no other sequence has */
  async run(sequence: Sequence, prefix: string): Promise<ArmResult> {
    const admin = await FuzzConnection.open(this.#address);
    const connections = new Map<number, FuzzConnection>();
    const given: Given = {
      topicIds: new Map(),
      memberId: '',
      generationId: -1,
      producerId: -1n,
      producerEpoch: -1,
    };
    try {
      await this.#createTopics(admin, prefix, given);
      const outcomes: Outcome[] = [];
      for (const step of sequence.steps) {
        let connection = connections.get(step.connection);
        if (connection === undefined || connection.isUsedUp) {
          connection = await FuzzConnection.open(this.#address);
          connections.set(step.connection, connection);
        }
        outcomes.push(await this.#ask(connection, step, prefix, given));
        if (CHANGES_METADATA.has(step.apiKey)) await this.#followMetadata(admin);
        if (step.apiKey === END_TXN) await this.#awaitMarkers(admin, step, outcomes.at(-1), prefix, given);
      }
      return { outcomes, topicIds: new Map([...given.topicIds].map(([name, id]) => [id, name])) };
    } finally {
      for (const connection of connections.values()) connection.close();
      await this.#deleteTopics(
        admin,
        TOPICS.map((topic) => prefix + topic),
      );
      admin.close();
    }
  }

  /**
   * Resolves when the broker has followed every change that was made before. It publishes changes to itself one after the
   * other (BrokerMetadataPublisher), so a topic that was made after the change and has a log comes with it or later; and
   * since several may be published as one, a second topic says that the first one's publication is over.
   */
  async #followMetadata(admin: FuzzConnection): Promise<void> {
    for (let fence = 0; fence < 2; fence++) {
      const name = `fuzz-fence-${randomUUID()}`;
      const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      await admin.ask(createTopicsApi, 5, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
      const partitions = [{ partitionIndex: 0, timestamp: -1n }];
      while (hasError(await admin.ask(listOffsetsApi, 5, { replicaId: -1, topics: [{ name, partitions }] })))
        await pause(RETRY_MS);
      await this.#deleteTopics(admin, [name]);
    }
  }

  /**
   * Resolves when the transaction that was ended is complete: its markers are written after the answer, and whether a later
   * step sees them would be chance. The same end once more says so, and changes nothing (version 1 raises no epoch).
   */
  async #awaitMarkers(
    admin: FuzzConnection,
    step: Step,
    outcome: Outcome | undefined,
    prefix: string,
    given: Given,
  ): Promise<void> {
    if (outcome === undefined || !('answer' in outcome) || hasError(outcome.answer)) return;
    const body = concrete(step.body, prefix, given) as Parameters<typeof endTxnApi.request.write>[1];
    const { producerId = -1n, producerEpoch = -1 } = outcome.answer as Partial<Given>;
    const bumped = producerId >= 0n ? { producerId, producerEpoch } : {};
    while (hasPassingError(await admin.ask(endTxnApi, 1, { ...body, ...bumped }))) await pause(RETRY_MS);
  }

  async #createTopics(admin: FuzzConnection, prefix: string, given: Given): Promise<void> {
    const names = TOPICS.map((topic) => prefix + topic);
    const topics = names.map((name) => ({
      name,
      numPartitions: PARTITIONS,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }));
    await admin.ask(createTopicsApi, 5, { topics, timeoutMs: 10_000, validateOnly: false });
    for (;;) {
      const answer = await admin.ask(metadataApi, 12, {
        topics: names.map((name) => ({ name })),
        allowAutoTopicCreation: false,
      });
      const known = answer?.topics ?? [];
      const isReady = known.every(
        ({ errorCode: error, partitions }) =>
          error === 0 && partitions.length === PARTITIONS && partitions.every((one) => one.leaderId >= 0),
      );
      if (known.length === names.length && isReady) {
        for (const { name, topicId } of known) given.topicIds.set((name ?? '').slice(prefix.length), topicId);
        break;
      }
      await pause(RETRY_MS);
    }
    // A broker says who leads before it has made the log.
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: -1n,
    }));
    const question = { replicaId: -1, topics: names.map((name) => ({ name, partitions })) };
    while (hasError(await admin.ask(listOffsetsApi, 5, question))) await pause(RETRY_MS);
    // The topic of transactions is made when a coordinator is first asked for.
    while (hasError(await admin.ask(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: ['t'] })))
      await pause(RETRY_MS);
  }

  async #ask(connection: FuzzConnection, step: Step, prefix: string, given: Given): Promise<Outcome> {
    const api = apiByKey.get(step.apiKey) as AnyApi;
    const body = concrete(step.body, prefix, given);
    if (step.apiKey === PRODUCE && (body as Values).acks === 0)
      return await this.#produce(connection, step, body);
    for (let attempt = 0; ; attempt++) {
      const id = connection.nextId();
      const frame = await connection.exchange(
        id,
        encodeRequest(api as never, step.version, { correlationId: id, clientId: 'fuzz' }, body as never),
        MAY_BE_SILENT.has(step.apiKey) || isLeftUnanswered(step, this.#release) ? SILENCE_MS : ANSWER_MS_MAX,
      );
      if (typeof frame === 'string') return { ended: frame };
      const reader = new Reader(frame);
      reader.int32();
      let answer: unknown;
      try {
        answer = readResponseBody(api as never, step.version, reader);
      } catch {
        return { ended: 'unreadable' };
      }
      // Errors that pass by themselves say how soon it was, and not what the cluster does.
      if (attempt < RETRIES_MAX && hasPassingError(answer)) {
        await pause(RETRY_MS);
        continue;
      }
      note(answer as Values, given);
      return { answer };
    }
  }

  /** With acks 0, to which there is no answer: that of a request behind it says that the connection stays. */
  async #produce(connection: FuzzConnection, step: Step, body: unknown): Promise<Outcome> {
    const api = apiByKey.get(step.apiKey) as AnyApi;
    const header = { correlationId: connection.nextId(), clientId: 'fuzz' };
    const request = encodeRequest(api as never, step.version, header, body as never);
    const id = connection.nextId();
    const behind = encodeRequest(apiVersionsApi, 0, { correlationId: id, clientId: 'fuzz' }, {});
    const frame = await connection.exchange(id, Buffer.concat([request, behind]), ANSWER_MS_MAX);
    return { ended: typeof frame === 'string' ? frame : 'unanswered' };
  }
}

function hasError(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasError);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, one]) => (name === 'errorCode' ? one !== 0 : hasError(one)));
}

function hasPassingError(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasPassingError);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.entries(value).some(([name, one]) =>
    name === 'errorCode' ? PASSING.has(one as number) : hasPassingError(one),
  );
}

/** Keeps what later steps refer to. */
function note(answer: Values, given: Given): void {
  if (typeof answer.memberId === 'string' && answer.memberId !== '') given.memberId = answer.memberId;
  if (typeof answer.generationId === 'number' && answer.generationId >= 0)
    given.generationId = answer.generationId;
  if (typeof answer.producerId === 'bigint' && answer.producerId >= 0n) {
    given.producerId = answer.producerId;
    given.producerEpoch = answer.producerEpoch as number;
  }
}

/** The body with references and names filled in. */
function concrete(value: unknown, prefix: string, given: Given): unknown {
  if (typeof value === 'string') return concreteText(value, prefix, given);
  if (Array.isArray(value)) return value.map((one) => concrete(one, prefix, given));
  if (typeof value !== 'object' || value === null) return value;
  const { int64, hex, batch } = value as { int64?: string; hex?: string; batch?: BatchPlan };
  if (int64 !== undefined) return BigInt(int64);
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  if (batch !== undefined) return plannedBatch(batch, given.producerId, given.producerEpoch);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, concrete(one, prefix, given)]),
  );
}

function concreteText(text: string, prefix: string, given: Given): unknown {
  if (text.startsWith(NAME_MARK)) return prefix + text.slice(1);
  if (text.startsWith(references.topicId))
    return given.topicIds.get(text.slice(references.topicId.length)) ?? '0'.repeat(32);
  switch (text) {
    case references.memberId:
      return given.memberId;
    case references.generationId:
      return given.generationId;
    case references.producerId:
      return given.producerId;
    case references.producerEpoch:
      return given.producerEpoch;
    default:
      return text;
  }
}
