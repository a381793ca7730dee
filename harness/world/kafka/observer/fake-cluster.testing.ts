/**
 * For tests: brokers on real sockets that hold one topic and can do what real brokers do at the worst moments: lose
 * their log's end or start, stay silent, disagree about who leads. It speaks with codecs that the observer does not use.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Connection } from '../../../client/protocol.ts';
import { fetchApi } from '../../../cluster/protocol/01-fetch.ts';
import { listOffsetsApi } from '../../../cluster/protocol/02-list-offsets.ts';
import { metadataApi } from '../../../cluster/protocol/03-metadata.ts';
import { encodeResponse, readRequestBody, readRequestHeader } from '../../../cluster/protocol/api.ts';
import { Reader, Writer } from '../../../cluster/protocol/bytes.ts';
import { type BatchToWrite, writeBatch } from './batch-writer.testing.ts';

const NONE = 0;
const OFFSET_OUT_OF_RANGE = 1;
const NOT_LEADER_OR_FOLLOWER = 6;
const FENCED_LEADER_EPOCH = 74;
const UNKNOWN_LEADER_EPOCH = 75;
const LEADER_EPOCH_KEY = 23;

const LONG_POLL_MAX_MS = 20;

interface Belief {
  readonly leader: number;
  readonly leaderEpoch: number;
  /** How far this broker's own log reaches. */
  readonly end: bigint;
}

interface FetchAsked {
  readonly partition: number;
  readonly fetchOffset: bigint;
  readonly currentLeaderEpoch: number;
}

interface StoredBatch {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly leaderEpoch: number;
  readonly bytes: Buffer;
}

interface StoredPartition {
  leader: number;
  leaderEpoch: number;
  startOffset: bigint;
  batches: StoredBatch[];
}

export class FakeCluster {
  readonly topic: string;
  readonly partitions: StoredPartition[];
  /** Broker number n has id n. */
  readonly #servers: (Server | null)[] = [];
  readonly #ports: number[] = [];
  readonly #sockets = new Map<number, Set<Socket>>();
  readonly #silent = new Set<number>();
  /** Fetch positions as they were asked for, per partition. */
  readonly fetches: { broker: number; partition: number; offset: bigint }[] = [];
  /** What one broker believes of partition 0, where that differs from the truth. */
  readonly beliefs = new Map<number, Belief>();
  /** Replaces the bytes of the next Fetch answers. */
  corrupt: ((bytes: Buffer) => Buffer) | null = null;

  private constructor(topic: string, partitionCount: number) {
    this.topic = topic;
    this.partitions = Array.from({ length: partitionCount }, () => ({
      leader: 0,
      leaderEpoch: 3,
      startOffset: 0n,
      batches: [],
    }));
  }

  static async start(topic: string, brokers: number, partitionCount: number): Promise<FakeCluster> {
    const cluster = new FakeCluster(topic, partitionCount);
    for (let id = 0; id < brokers; id++) await cluster.#listen(id, 0);
    return cluster;
  }

  get connection(): Connection {
    return { bootstrapServers: this.#ports.map((port) => `127.0.0.1:${port}`), tls: null, sasl: null };
  }

  end(partition: number): bigint {
    const stored = this.#partition(partition);
    return (stored.batches.at(-1)?.lastOffset ?? stored.startOffset - 1n) + 1n;
  }

  /** Appends a batch with these values, or with control records in their place. */
  append(partition: number, values: readonly string[], more: Partial<BatchToWrite> = {}): void {
    const stored = this.#partition(partition);
    const batch = {
      baseOffset: this.end(partition),
      leaderEpoch: stored.leaderEpoch,
      records: values.map((value) => ({ key: null, value: Buffer.from(value) })),
      ...more,
    };
    const lastOffset = batch.baseOffset + BigInt(more.lastOffsetDelta ?? batch.records.length - 1);
    stored.batches.push({
      baseOffset: batch.baseOffset,
      lastOffset,
      leaderEpoch: batch.leaderEpoch,
      bytes: writeBatch(batch),
    });
  }

  /** Takes whole batches out of the log. */
  remove(partition: number, which: (batch: StoredBatch) => boolean): void {
    const stored = this.#partition(partition);
    stored.batches = stored.batches.filter((batch) => !which(batch));
  }

  move(partition: number, leader: number): void {
    const stored = this.#partition(partition);
    stored.leader = leader;
    stored.leaderEpoch++;
  }

  /** Keeps connections and answers nothing, as a paused broker does; what it was asked meanwhile is lost. */
  pause(id: number): void {
    this.#silent.add(id);
  }

  resume(id: number): void {
    this.#silent.delete(id);
  }

  crash(id: number): void {
    this.#servers[id]?.close();
    this.#servers[id] = null;
    for (const socket of this.#sockets.get(id) ?? []) socket.destroy();
  }

  async restart(id: number): Promise<void> {
    await this.#listen(id, this.#ports[id] as number);
  }

  stop(): void {
    for (let id = 0; id < this.#servers.length; id++) this.crash(id);
  }

  async #listen(id: number, port: number): Promise<void> {
    const sockets = new Set<Socket>();
    this.#sockets.set(id, sockets);
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => void sockets.delete(socket));
      socket.on('error', () => {});
      let received = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 4 && received.length >= 4 + received.readInt32BE()) {
          const size = received.readInt32BE();
          const frame = received.subarray(4, 4 + size);
          received = received.subarray(4 + size);
          if (!this.#silent.has(id)) this.#answer(id, socket, frame);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.#servers[id] = server;
    this.#ports[id] = (server.address() as { port: number }).port;
  }

  #answer(id: number, socket: Socket, frame: Buffer): void {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const send = (bytes: Buffer): void => {
      if (!this.#silent.has(id)) socket.write(bytes);
    };
    if (apiKey === metadataApi.key)
      send(encodeResponse(metadataApi, apiVersion, correlationId, this.#metadata(id)));
    else if (apiKey === listOffsetsApi.key) {
      const request = readRequestBody(listOffsetsApi, apiVersion, reader);
      const partitions = (request.topics[0]?.partitions ?? []).map((asked) => this.#listed(id, asked));
      const body = { topics: [{ name: this.topic, partitions }] };
      send(encodeResponse(listOffsetsApi, apiVersion, correlationId, body));
    } else if (apiKey === LEADER_EPOCH_KEY) send(this.#epochEnds(id, correlationId, reader));
    else if (apiKey === fetchApi.key) {
      const request = readRequestBody(fetchApi, apiVersion, reader);
      const asked = request.topics[0]?.partitions ?? [];
      for (const { partition, fetchOffset } of asked)
        this.fetches.push({ broker: id, partition, offset: fetchOffset });
      const answer = (): void => {
        const partitions = asked.map((one) => this.#fetched(id, one));
        const body = { responses: [{ topic: this.topic, partitions }] };
        send(encodeResponse(fetchApi, apiVersion, correlationId, body));
      };
      if (asked.every((one) => this.#hasNothingFor(id, one)))
        setTimeout(answer, Math.min(LONG_POLL_MAX_MS, request.maxWaitMs));
      else answer();
    } else throw new Error(`the fake cluster knows no request ${apiKey}`);
  }

  #listed(id: number, asked: { partitionIndex: number; currentLeaderEpoch: number; timestamp: bigint }) {
    const { partitionIndex, currentLeaderEpoch, timestamp } = asked;
    const stored = this.#partition(partitionIndex);
    return {
      partitionIndex,
      errorCode: this.#leaderError(id, partitionIndex, currentLeaderEpoch),
      offset: timestamp === -2n ? stored.startOffset : this.#view(id, partitionIndex).end,
      leaderEpoch: stored.batches.at(-1)?.leaderEpoch ?? -1,
    };
  }

  #hasNothingFor(id: number, asked: FetchAsked): boolean {
    const inRange = asked.fetchOffset === this.#view(id, asked.partition).end;
    return inRange && this.#leaderError(id, asked.partition, asked.currentLeaderEpoch) === NONE;
  }

  #metadata(id: number) {
    return {
      brokers: this.#servers.flatMap((server, nodeId) =>
        server === null ? [] : [{ nodeId, host: '127.0.0.1', port: this.#ports[nodeId] as number }],
      ),
      topics: [
        {
          errorCode: NONE,
          name: this.topic,
          partitions: this.partitions.map((stored, partitionIndex) => ({
            errorCode: NONE,
            partitionIndex,
            leaderId: this.#view(id, partitionIndex).leader,
            leaderEpoch: this.#view(id, partitionIndex).leaderEpoch,
            replicaNodes: [stored.leader],
            isrNodes: [stored.leader],
          })),
        },
      ],
    };
  }

  #view(id: number, partition: number): Belief {
    const { leader, leaderEpoch } = this.#partition(partition);
    const belief = partition === 0 ? this.beliefs.get(id) : undefined;
    return belief ?? { leader, leaderEpoch, end: this.end(partition) };
  }

  #leaderError(id: number, partition: number, epoch: number): number {
    const { leader, leaderEpoch } = this.#view(id, partition);
    if (epoch !== -1 && epoch < leaderEpoch) return FENCED_LEADER_EPOCH;
    if (epoch > leaderEpoch) return UNKNOWN_LEADER_EPOCH;
    return leader === id ? NONE : NOT_LEADER_OR_FOLLOWER;
  }

  #fetched(id: number, asked: FetchAsked) {
    const stored = this.#partition(asked.partition);
    const { end } = this.#view(id, asked.partition);
    let errorCode = this.#leaderError(id, asked.partition, asked.currentLeaderEpoch);
    if (errorCode === NONE && (asked.fetchOffset < stored.startOffset || asked.fetchOffset > end))
      errorCode = OFFSET_OUT_OF_RANGE;
    let records = Buffer.alloc(0);
    if (errorCode === NONE) {
      const wanted = stored.batches.filter(
        (batch) => batch.lastOffset >= asked.fetchOffset && batch.lastOffset < end,
      );
      records = Buffer.concat(wanted.map((batch) => batch.bytes));
      if (this.corrupt && records.length > 0) records = Buffer.from(this.corrupt(records));
    }
    return {
      partitionIndex: asked.partition,
      errorCode,
      highWatermark: end,
      abortedTransactions: null,
      records,
    };
  }

  /** OffsetForLeaderEpoch, version 3. */
  #epochEnds(id: number, correlationId: number, reader: Reader): Buffer {
    const writer = new Writer().int32(0).int32(correlationId).int32(0);
    reader.int32(); // replica id
    reader.int32(); // one topic
    reader.utf8(reader.int16());
    const count = reader.int32();
    writer.int32(1).int16(Buffer.byteLength(this.topic)).append(Buffer.from(this.topic)).int32(count);
    for (let i = 0; i < count; i++) {
      const partition = reader.int32();
      const errorCode = this.#leaderError(id, partition, reader.int32());
      const asked = reader.int32();
      const stored = this.#partition(partition);
      const known = stored.batches.filter((batch) => batch.leaderEpoch <= asked).at(-1);
      writer.int16(errorCode).int32(partition);
      if (asked >= stored.leaderEpoch) writer.int32(stored.leaderEpoch).int64(this.end(partition));
      else if (known) writer.int32(known.leaderEpoch).int64(known.lastOffset + 1n);
      else writer.int32(-1).int64(-1n);
    }
    return writer.patchInt32(0, writer.length - 4).bytes();
  }

  #partition(partition: number): StoredPartition {
    const stored = this.partitions[partition];
    if (!stored) throw new Error(`the fake cluster has no partition ${partition}`);
    return stored;
  }
}
