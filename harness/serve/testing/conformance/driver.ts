/**
 * What the conformance cases ask of a client: orders in the words of no client in particular enter, and what came of
 * them leaves. Each client has a driver that says them in its own words; keys and values are text here.
 */

export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof codecs)[number];

export interface WrittenRecord {
  readonly partition?: number;
  readonly key?: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampMs?: number;
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

export interface ProduceOptions {
  readonly acks?: 0 | 1 | -1;
  readonly compression?: Codec;
  readonly idempotent?: boolean;
}

export interface ConsumeOptions {
  readonly group: string;
  /** How many records to read before it commits and leaves. */
  readonly count: number;
  readonly reset?: 'earliest' | 'latest' | 'none';
  readonly committedOnly?: boolean;
  readonly assignor?: 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';
  readonly instanceId?: string;
}

export type ShareOptions = Omit<ConsumeOptions, 'count'>;

/** What a client may lack. */
export type Ability =
  | 'admin'
  | 'configs'
  | 'delete-records'
  | 'groups'
  | 'headers'
  | 'log-append-time'
  | 'reset-none'
  | 'reset-out-of-range'
  | 'static-member'
  | 'transactions'
  | 'transactional-id-again'
  | 'transaction-timeout'
  | 'alter-offsets'
  | 'delete-offsets'
  | 'reset-latest'
  | 'acks'
  | 'idempotent'
  | 'share'
  | 'timestamp'
  | 'partitions'
  | 'committed'
  | `codec-${Codec}`
  | `assignor-${NonNullable<ConsumeOptions['assignor']>}`;

/** One client at one cluster. Every call opens what it needs and closes it again. */
export interface Session {
  createTopic(name: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  topics(): Promise<string[]>;
  addPartitions(topic: string, total: number): Promise<void>;
  partitionCount(topic: string): Promise<number>;
  config(topic: string, name: string): Promise<string | null>;
  setConfig(topic: string, name: string, value: string): Promise<void>;
  /** In one call. @throws where the cluster refuses */
  produce(topic: string, records: readonly WrittenRecord[], options?: ProduceOptions): Promise<void>;
  /** One transaction, ended as told. */
  transact(
    id: string,
    topic: string,
    records: readonly WrittenRecord[],
    outcome: 'commit' | 'abort',
  ): Promise<void>;
  /**
   * A transaction that is still open when another producer takes its id over and commits one of its own.
   *
   * @returns what the first one is told when it commits, `none` where that went well
   */
  fenced(id: string, topic: string, records: readonly WrittenRecord[]): Promise<string>;
  /** Begins a transaction that the coordinator is to abort after a time, and leaves it open. */
  leaveOpen(id: string, topic: string, records: readonly WrittenRecord[], timeoutMs: number): Promise<void>;
  /** @returns what the producer of a transaction that was left open is told when it commits, `none` where that went well */
  commitLeft(id: string): Promise<string>;
  /** In order of partition and offset. @throws where there is no offset to begin at and none is wanted */
  consume(topic: string, options: ConsumeOptions): Promise<ReadRecord[]>;
  /** Two members at once, until each of them has some of the partitions: how many each has got. */
  share(topic: string, partitions: number, options: ShareOptions): Promise<readonly [number, number]>;
  /** Committed offsets by partition; those without one are left out. */
  committed(group: string, topic: string): Promise<Record<number, number>>;
  /** Of a group without members. */
  alterOffset(group: string, topic: string, partition: number, offset: number): Promise<void>;
  deleteOffset(group: string, topic: string, partition: number): Promise<void>;
  deleteRecords(topic: string, partition: number, before: number): Promise<void>;
  groups(): Promise<string[]>;
  deleteGroup(group: string): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** With the reason. */
  readonly cannot: Partial<Readonly<Record<Ability, string>>>;
  open(bootstrapServers: readonly string[]): Session & AsyncDisposable;
}

/** For a driver that lacks an ability: what no case may come to. */
export const lacking = (): never => {
  throw new Error('a case asked for what the client cannot do');
};

/** For a client that has no administration at all. */
export const withoutAdministration = {
  createTopic: lacking,
  deleteTopic: lacking,
  topics: lacking,
  addPartitions: lacking,
  partitionCount: lacking,
  config: lacking,
  setConfig: lacking,
  deleteRecords: lacking,
  groups: lacking,
  deleteGroup: lacking,
  alterOffset: lacking,
  deleteOffset: lacking,
};

export const inOrder = (records: readonly ReadRecord[]): ReadRecord[] =>
  [...records].sort((left, right) => left.partition - right.partition || left.offset - right.offset);

export const textOf = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('utf8');
