/**
 * One arm of the comparison: the steps of a sequence go to a cluster over real sockets, one after another, and what it
 * answers leaves, decoded, with what it gave out (ids, addresses, times) in the words of the sequence.
 */
import { randomUUID } from 'node:crypto';
import type { ProfileName } from '../../cluster/profiles.ts';
import { listOffsetsApi } from '../../cluster/protocol/02-list-offsets.ts';
import { metadataApi } from '../../cluster/protocol/03-metadata.ts';
import { findCoordinatorApi } from '../../cluster/protocol/10-find-coordinator.ts';
import { saslHandshakeApi } from '../../cluster/protocol/17-sasl-handshake.ts';
import { apiVersionsApi } from '../../cluster/protocol/18-api-versions.ts';
import { createTopicsApi } from '../../cluster/protocol/19-create-topics.ts';
import { deleteTopicsApi } from '../../cluster/protocol/20-delete-topics.ts';
import { endTxnApi } from '../../cluster/protocol/26-end-txn.ts';
import { saslAuthenticateApi } from '../../cluster/protocol/36-sasl-authenticate.ts';
import type { AnyApi } from '../../cluster/protocol/api.ts';
import { encodeRequest, isKnownVersion, readResponseBody } from '../../cluster/protocol/api.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';
import { errorCode } from '../../cluster/protocol/errors.ts';
import { concrete, type Given, note, nothingGiven, type Values } from './body.ts';
import { ANY_ID, FuzzConnection } from './connection.ts';
import { administrator } from './guard.ts';
import { isLeftUnanswered } from './known.ts';
import { RAW, type Sequence, type Step } from './step.ts';

/** What became of a step. */
export type Outcome =
  | {
      readonly answer: unknown;
      /** What became of the connection, where the answer refuses a login. */
      readonly connection?: 'closed' | 'open';
    }
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
const SASL_HANDSHAKE = 17;
const END_TXN = 26;
const SASL_AUTHENTICATE = 36;

/** With these a login ends, and the connection with it, or a client that has logged in is told off. */
const REFUSALS = new Set(
  (['UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE', 'SASL_AUTHENTICATION_FAILED'] as const).map(
    errorCode,
  ),
);
/** Kafka refuses to begin a login again within a second. */
const LOGIN_INTERVAL_MS = 1_050;
/** Whoever has logged in for an instant is out again by the next step. */
const SHORT_SESSION_MS = 20;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface Ways {
  /** Until `tidy` deletes those of the sequences that have run. */
  readonly keepsTopics: boolean;
  /** Whether clients have to log in there. */
  readonly isGuarded: boolean;
  /** How long a request that may be left unanswered is waited for. */
  readonly silenceMs?: number;
}

export class Arm {
  readonly name: string;
  readonly #address: string;
  readonly #silenceMs: number;
  readonly #release: ProfileName;
  readonly #keepsTopics: boolean;
  readonly #isGuarded: boolean;
  readonly #kept: string[] = [];

  constructor(
    name: string,
    address: string,
    release: ProfileName,
    { keepsTopics, isGuarded, silenceMs = SILENCE_MS }: Ways,
  ) {
    this.name = name;
    this.#silenceMs = silenceMs;
    this.#isGuarded = isGuarded;
    this.#address = address;
    this.#release = release;
    this.#keepsTopics = keepsTopics;
  }

  async tidy(): Promise<void> {
    const admin = await this.#openAdmin();
    try {
      const names = this.#kept.splice(0);
      await admin.ask(deleteTopicsApi, 1, { topicNames: names, timeoutMs: 10_000 } as never);
      await this.#followMetadata(admin);
    } finally {
      admin.close();
    }
  }

  async #openAdmin(): Promise<FuzzConnection> {
    const admin = await FuzzConnection.open(this.#address);
    if (!this.#isGuarded) return admin;
    const { user, password } = administrator;
    await admin.ask(saslHandshakeApi, 1, { mechanism: 'PLAIN' });
    const answer = await admin.ask(saslAuthenticateApi, 2, {
      authBytes: Buffer.from(`\0${user}\0${password}`),
    });
    if (answer?.errorCode !== 0) throw new Error(`${this.name} does not let ${user} in`);
    return admin;
  }

  async #deleteTopics(admin: FuzzConnection, topicNames: readonly string[]): Promise<void> {
    if (this.#keepsTopics) this.#kept.push(...topicNames);
    else await admin.ask(deleteTopicsApi, 1, { topicNames, timeoutMs: 10_000 } as never);
  }

  /** @param prefix of all names of the sequence, which no other sequence has */
  async run(sequence: Sequence, prefix: string): Promise<ArmResult> {
    const admin = await this.#openAdmin();
    const connections = new Map<number, FuzzConnection>();
    const given = nothingGiven();
    try {
      await this.#createTopics(admin, prefix, given);
      const outcomes: Outcome[] = [];
      for (const step of sequence.steps) {
        let connection = connections.get(step.connection);
        if (connection === undefined || connection.isUsedUp) {
          connection = await FuzzConnection.open(this.#address);
          connections.set(step.connection, connection);
        }
        outcomes.push(
          await (this.#isGuarded
            ? this.#askGuard(connection, step, prefix, given)
            : this.#ask(connection, step, prefix, given)),
        );
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

  /** A step to where clients log in, and what it does to the connection. */
  async #askGuard(connection: FuzzConnection, step: Step, prefix: string, given: Given): Promise<Outcome> {
    const { tokens, handshakesMs } = connection;
    if (step.apiKey === SASL_AUTHENTICATE && step.version === RAW) {
      const { authBytes } = concrete(step.body, prefix, given, tokens) as { authBytes: Buffer };
      const size = Buffer.alloc(4);
      size.writeInt32BE(authBytes.length);
      const answer = await connection.exchange(ANY_ID, Buffer.concat([size, authBytes]), ANSWER_MS_MAX);
      if (typeof answer === 'string') return { ended: answer };
      await pause(SHORT_SESSION_MS);
      return { answer: { authBytes: tokens.words(answer) } };
    }
    // The first handshake logs in, the second logs in again.
    const [last, another] = handshakesMs.toReversed();
    if (step.apiKey === SASL_HANDSHAKE && last !== undefined && another !== undefined)
      await pause(Math.max(0, last + LOGIN_INTERVAL_MS - performance.now()));
    const outcome = await this.#ask(connection, step, prefix, given);
    if (!('answer' in outcome)) return outcome;
    const answer = outcome.answer as Values;
    if (hasErrorOf(answer, REFUSALS)) {
      // Any connection that is left open has logged in, and so may ask.
      const isOpen = (await connection.ask(apiVersionsApi, 0, {})) !== null;
      return { answer, connection: isOpen ? 'open' : 'closed' };
    }
    if (step.apiKey === SASL_HANDSHAKE) handshakesMs.push(performance.now());
    if (step.apiKey !== SASL_AUTHENTICATE) return outcome;
    await pause(SHORT_SESSION_MS);
    return { answer: { ...answer, authBytes: tokens.words(answer.authBytes as Buffer) } };
  }

  async #ask(connection: FuzzConnection, step: Step, prefix: string, given: Given): Promise<Outcome> {
    const api = apiByKey.get(step.apiKey) as AnyApi;
    const body = concrete(step.body, prefix, given, connection.tokens);
    // What is beyond all versions is answered in the first one (KIP-511).
    const version = isKnownVersion(api, step.version) ? step.version : 0;
    if (step.apiKey === PRODUCE && (body as Values).acks === 0)
      return await this.#produce(connection, step, body);
    for (let attempt = 0; ; attempt++) {
      const id = connection.nextId();
      const frame = await connection.exchange(
        id,
        encodeRequest(api as never, step.version, { correlationId: id, clientId: 'fuzz' }, body as never),
        MAY_BE_SILENT.has(step.apiKey) || isLeftUnanswered(step, this.#release)
          ? this.#silenceMs
          : ANSWER_MS_MAX,
      );
      if (typeof frame === 'string') return { ended: frame };
      const reader = new Reader(frame);
      reader.int32();
      let answer: unknown;
      try {
        answer = readResponseBody(api as never, version, reader);
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

const hasPassingError = (value: unknown): boolean => hasErrorOf(value, PASSING);

function hasErrorOf(value: unknown, codes: ReadonlySet<number>): boolean {
  if (Array.isArray(value)) return value.some((one) => hasErrorOf(one, codes));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.entries(value).some(([name, one]) =>
    name === 'errorCode' ? codes.has(one as number) : hasErrorOf(one, codes),
  );
}
