/**
 * A builder for hand-written histories: sentences about members, commits and crashes enter, a complete `History` with
 * scenario, times, order and evidence leaves. It keeps a model of the coordinator and of the logs, so that a story
 * that says nothing else is a legal one; every part of it can be told otherwise.
 */
import { copyOf } from '../../harness/client/application/copy-of.ts';
import type {
  Assignment,
  EventOf,
  GroupMember,
  History,
  HistoryEvent,
  UnplacedEvent,
} from '../../harness/history/schema.ts';
import { MARKER_PREFIX } from '../../harness/history/schema.ts';
import type { Action, Group, Producer, Scenario } from '../../scenarios/schema.ts';

export interface StoryOptions {
  /** Partitions by topic; `{ orders: 1 }` without it. */
  readonly topics?: Readonly<Record<string, number>>;
  /** What is particular to the groups; one group `billing` of all topics without it. */
  readonly groups?: readonly Partial<Group>[];
  /** What is particular to the producers; one producer `p1` with acks all without it. */
  readonly producers?: readonly Partial<Producer>[];
  /** True: members commit a negative offset where their position is out of range, as kafkajs does. */
  readonly marksResets?: boolean;
  /** False: no tap, so nothing of the members' traffic is recorded. */
  readonly wire?: boolean;
  readonly boundMs?: number;
  /** One without it. */
  readonly brokers?: number;
}

/** An event as a story tells it: the time is the story's own unless it says one. */
type Told = UnplacedEvent extends infer E
  ? E extends UnplacedEvent
    ? Omit<E, 'time'> & { time?: number }
    : never
  : never;

/** An action as a story tells it: the time is the story's own. */
type ToldAction<A = Action> = A extends Action ? Omit<A, 'atMs'> : never;
type ToldFault =
  ToldAction<Extract<Action, { durationMs: number }>> extends infer A
    ? A extends { durationMs: number }
      ? Omit<A, 'durationMs'>
      : never
    : never;

/** Steps lie further apart than two clocks can disagree. */
const STEP_MS = 20;

const groupDefaults = {
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatIntervalMs: 500,
  autoOffsetReset: 'earliest',
  fetchMaxWaitMs: 200,
  maxPartitionFetchBytes: 1_048_576,
  partitionsConsumedConcurrently: 1,
  metadataMaxAgeMs: 1_000,
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
} as const satisfies Partial<Group>;

const producerDefaults = {
  acks: 'all',
  idempotent: false,
  keys: null,
  records: 100,
  recordsPerSend: 1,
  valueBytes: 0,
  startMs: 0,
  stopMs: 1_000,
} as const satisfies Partial<Producer>;

type Transaction = NonNullable<EventOf<'fact-log'>['records'][number]['transaction']>;

interface LogModel {
  readonly topic: string;
  readonly partition: number;
  start: number;
  readonly records: (string | null)[];
}

interface GroupModel {
  readonly config: Group;
  generation: number;
  leaderMemberId: string | null;
  /** Members of the last generation written, by process. */
  members: Map<string, { memberId: string; assignment: Map<string, number[]> }>;
  readonly committed: Map<string, number>;
}

export interface CallOptions {
  /** Null for all of the topic. */
  readonly partitions?: number[] | null;
  readonly offset?: number;
  /** Why the client did not do it. */
  readonly refused?: string;
}

interface CommitOptions {
  readonly topic?: string;
  /** What the member is told; `silence` leaves the request without any outcome event. */
  readonly told?: 'ok' | 'unknown' | 'silence' | { refused: string };
  /** Whether the coordinator wrote it; by default it did unless it was refused. */
  readonly written?: boolean;
  /** The generation that the request carries, where it is not the member's own. */
  readonly generation?: number;
  /** True: a call of the application, and not of the client by itself. */
  readonly byApplication?: boolean;
}

export interface SendOptions {
  readonly topic?: string;
  readonly partition?: number;
  readonly producer?: string;
  readonly key?: string;
  readonly outcome?: 'ok' | 'fail' | 'unknown' | 'none';
  /** Whether the records came into the log; by default they did, unless they were refused. */
  readonly written?: boolean;
  /** The answered base offset, where it is not the true one. */
  readonly answered?: number | null;
  /** The transaction that it is sent in. */
  readonly transaction?: number;
}

export class Story {
  time = 0;
  readonly wire: boolean;
  readonly marksResets: boolean;
  readonly events: HistoryEvent[] = [];
  readonly handles: Member[] = [];
  readonly #scenario: Scenario;
  readonly #logs = new Map<string, LogModel>();
  readonly #groups = new Map<string, GroupModel>();
  readonly #produced = new Map<string, number>();
  readonly #transactions = new Map<string, Transaction>();
  #position = 0;
  #ended = false;

  constructor({
    topics = { orders: 1 },
    groups = [{}],
    producers = [{}],
    wire = true,
    marksResets = false,
    boundMs = 60_000,
    brokers = 1,
  }: StoryOptions = {}) {
    this.wire = wire;
    this.marksResets = marksResets;
    const topicNames = Object.keys(topics);
    this.#scenario = {
      version: 1,
      name: 'a story',
      seed: 1,
      topology: {
        brokers,
        topics: topicNames.map((name) => ({
          name,
          partitions: topics[name] as number,
          replicationFactor: 1,
        })),
        groupInitialRebalanceDelayMs: 0,
      },
      producers: producers.map((producer, i) => ({
        ...producerDefaults,
        id: `p${i + 1}`,
        topics: topicNames,
        ...producer,
      })),
      groups: groups.map((group, g) => ({
        ...groupDefaults,
        id: ['billing', 'audit', 'search'][g] as string,
        topics: topicNames,
        members: [1, 2, 3, 4].map((m) => ({ id: `${g === 0 ? 'm' : `g${g + 1}m`}${m}` })),
        ...group,
      })),
      actions: [],
      settling: { boundMs },
    };
    for (const name of topicNames) this.#addPartitions(name, topics[name] as number);
    for (const config of this.#scenario.groups)
      this.#groups.set(config.id, {
        config,
        generation: 0,
        leaderMemberId: null,
        members: new Map(),
        committed: new Map(),
      });
    this.emit({
      process: 'harness',
      kind: 'start',
      schema: 1,
      scenario: this.#scenario,
      world: 'simulated',
      client: { name: 'kafkajs', version: '2.2.4' },
      mutant: null,
      versions: {},
    });
    for (const { id } of this.#scenario.producers)
      this.emit({
        process: `${id}.1`,
        kind: 'process-start',
        role: 'producer',
        id,
        group: null,
        incarnation: 1,
      });
  }

  get scenario(): Scenario {
    return this.#scenario;
  }

  get topic(): string {
    return (this.#scenario.topology.topics[0] as { name: string }).name;
  }

  /** Puts any event into the history, a step after the one before unless it carries a time. */
  emit(told: Told): number {
    const seq = this.events.length;
    if (told.time === undefined) this.time += STEP_MS;
    this.events.push({ time: this.time, ...told, seq } as HistoryEvent);
    return seq;
  }

  wait(timeMs: number): this {
    this.time += timeMs;
    return this;
  }

  /** Place in the coordinator's log for the next record. */
  coordinatorPlace(): { partition: number; offset: string } {
    this.#position += 1;
    return { partition: 0, offset: String(this.#position) };
  }

  /** Coordinators stamp whole milliseconds. */
  coordinatorEvent(told: Told): number {
    this.time += STEP_MS;
    return this.emit({ ...told, time: Math.floor(this.time) });
  }

  act(action: ToldAction, detail?: Record<string, string>): this {
    const index = this.#action(action);
    this.#note(index, action.kind, 'begin', detail);
    if (action.kind === 'add-partitions') this.#addPartitions(action.topic, action.partitions);
    return this;
  }

  /** A fault with a duration: what is told inside happens while it lasts. */
  during(action: ToldFault, inside: () => void): this {
    const index = this.#action({ ...action, durationMs: 1 } as ToldAction);
    const fromTime = this.time;
    this.#note(index, action.kind, 'begin');
    inside();
    const lasted = { ...action, durationMs: Math.max(1, Math.round(this.time - fromTime)) } as ToldAction;
    this.#scenario.actions[index] = { ...lasted, atMs: Math.floor(fromTime) } as Action;
    this.#note(index, action.kind, 'end');
    return this;
  }

  #action(action: ToldAction): number {
    const index = this.#scenario.actions.length;
    this.#scenario.actions.push({ ...action, atMs: Math.floor(this.time) } as Action);
    return index;
  }

  #note(action: number, actionKind: string, phase: 'begin' | 'end', detail?: Record<string, string>): void {
    this.emit({
      process: 'harness',
      kind: 'action',
      action,
      actionKind,
      phase,
      outcome: 'applied',
      reason: null,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #addPartitions(topic: string, count: number): void {
    for (let partition = 0; partition < count; partition += 1) {
      const key = `${topic}/${partition}`;
      if (!this.#logs.has(key)) this.#logs.set(key, { topic, partition, start: 0, records: [] });
    }
  }

  log(topic: string, partition: number): LogModel {
    const log = this.#logs.get(`${topic}/${partition}`);
    if (log === undefined) throw new Error(`the story has no ${topic}/${partition}`);
    return log;
  }

  group(id?: string): GroupModel {
    const group = this.#groups.get(id ?? (this.#scenario.groups[0] as Group).id);
    if (group === undefined) throw new Error(`the story has no group ${id}`);
    return group;
  }

  partitionKeys(topics: readonly string[]): { topic: string; partition: number }[] {
    return [...this.#logs.values()].filter(({ topic }) => topics.includes(topic));
  }

  /** How the transaction ended that a record of the first topic was written in. */
  transaction(partition: number, offset: number, transaction: Transaction): this {
    this.#transactions.set(`${this.topic}/${partition}/${offset}`, transaction);
    return this;
  }

  /** What the pipeline of the first group makes of a record of its first topic, in the first partition of its output. */
  copies(partition: number, offset: number, state: Transaction['state'] = 'committed'): this {
    const [{ commitMode }] = this.#scenario.groups as [Group];
    if (commitMode.kind !== 'transaction') throw new Error('the first group is no pipeline');
    const { records } = this.log(commitMode.topic, 0);
    this.#transactions.set(`${commitMode.topic}/0/${records.length}`, {
      state,
      endedAt: state === 'open' ? null : this.time,
    });
    records.push(copyOf(0, partition, String(offset)));
    return this;
  }

  /** One send of so many records to one partition. @returns the offset of the first */
  produces(count: number, options: SendOptions = {}): number {
    const { topic = this.topic, partition = 0, producer = 'p1', outcome = 'ok' } = options;
    const config = this.#scenario.producers.find((one) => one.id === producer);
    const acks = config?.acks ?? 'all';
    const log = this.log(topic, partition);
    const first = this.#produced.get(producer) ?? 0;
    this.#produced.set(producer, first + count);
    const records = Array.from({ length: count }, (_, i) => `${producer}-${first + i}`);
    const process = `${producer}.1`;
    const produce = first;
    this.emit({
      process,
      kind: 'produce-invoke',
      produce,
      ...(options.transaction === undefined ? {} : { transaction: options.transaction }),
      topic,
      acks,
      records: records.map((record) => ({ record, key: options.key ?? null })),
    });
    const baseOffset = log.records.length;
    if (options.written ?? outcome !== 'fail') log.records.push(...records);
    const answered = options.answered === undefined ? (acks === 0 ? -1 : baseOffset) : options.answered;
    if (outcome === 'ok')
      this.emit({
        process,
        kind: 'produce-ok',
        produce,
        answers: answered === null ? [] : [{ partition, baseOffset: String(answered) }],
      });
    else if (outcome === 'fail')
      this.emit({ process, kind: 'produce-fail', produce, error: 'MESSAGE_TOO_LARGE' });
    else if (outcome === 'unknown')
      this.emit({ process, kind: 'produce-unknown', produce, error: 'timeout' });
    return baseOffset;
  }

  closesProducer(producer = 'p1', error: string | null = null): this {
    const process = `${producer}.1`;
    this.emit({ process, kind: 'producer-close', phase: 'begin', error: null });
    this.emit({ process, kind: 'producer-close', phase: 'end', error });
    this.emit({ process, kind: 'process-exit', code: 0, signal: null });
    return this;
  }

  /** DeleteRecords below an offset. */
  deletesRecords(before: number, topic = this.topic, partition = 0): this {
    this.act({ kind: 'delete-records', topic, partition, percent: 50 }, { logStartOffset: String(before) });
    const log = this.log(topic, partition);
    log.start = Math.max(log.start, before);
    return this;
  }

  /** The log cleaner takes these records. */
  compacts(offsets: readonly number[], topic = this.topic, partition = 0): this {
    this.act({ kind: 'compact-topic', topic });
    const { records } = this.log(topic, partition);
    for (const offset of offsets) records[offset] = null;
    return this;
  }

  deletesOffsets(topic = this.topic, groupId?: string): this {
    const group = this.group(groupId);
    this.act({ kind: 'delete-offsets', group: group.config.id, topic });
    for (const key of [...group.committed.keys()]) {
      const { topic: own, partition } = this.#logs.get(key) as LogModel;
      if (own !== topic) continue;
      group.committed.delete(key);
      this.coordinatorEvent({
        process: 'coordinator',
        kind: 'commit-removed',
        group: group.config.id,
        topic,
        partition,
        logPosition: this.coordinatorPlace(),
      });
    }
    return this;
  }

  /** Starts a new incarnation of a member by a join action. */
  joins(id: string): Member {
    this.act({ kind: 'join', member: id });
    return this.starts(id);
  }

  /** Starts a new incarnation of a member without an action, as a supervisor does. */
  starts(id: string): Member {
    const config = this.#scenario.groups.find((group) => group.members.some((member) => member.id === id));
    if (config === undefined) throw new Error(`no group has the member ${id}`);
    const incarnation = this.handles.filter((handle) => handle.id === id).length + 1;
    const member = new Member(this, config, id, incarnation);
    const shared = config.members.find((one) => one.id === id)?.sharedProcess;
    this.handles.push(member);
    this.emit({
      process: member.process,
      kind: 'process-start',
      role: 'member',
      id,
      group: config.id,
      incarnation,
      // As if it had been started as often as the member.
      ...(shared === undefined ? {} : { sharedProcess: `${shared}.${incarnation}` }),
    });
    return member;
  }

  /**
   * The coordinator writes a stable generation, and its members join it, find their positions, and go on from there.
   * @param shares partitions of the first topic, or of several topics, by member
   * @param unaware members of the generation that do not hear of it
   * @param busy members whose client hears of it while the application is at work, until it `takesUp` the assignment
   */
  generation(
    shares: readonly (readonly [Member, readonly number[] | Readonly<Record<string, readonly number[]>>])[],
    {
      unaware = [] as readonly Member[],
      busy = [] as readonly Member[],
      groupId = undefined as string | undefined,
    } = {},
  ): this {
    const first = shares[0]?.[0];
    const group = this.group(groupId ?? first?.group.id);
    group.generation += 1;
    group.leaderMemberId = first?.memberId ?? null;
    group.members = new Map(
      shares.map(([member, share]) => [
        member.process,
        {
          memberId: member.memberId,
          assignment: new Map(
            Object.entries(Array.isArray(share) ? { [this.topic]: share as number[] } : share).map(
              ([topic, partitions]) => [topic, [...partitions] as number[]],
            ),
          ),
        },
      ]),
    );
    if (this.wire)
      for (const [member] of shares)
        if (!unaware.includes(member))
          this.emit({
            process: member.process,
            kind: 'wire-join',
            group: group.config.id,
            memberId: member.memberId,
            generation: group.generation,
            leaderMemberId: first?.memberId ?? '',
            error: null,
          });
    this.#writeGeneration(group);
    for (const [member] of shares)
      if (busy.includes(member)) member.syncs();
      else if (!unaware.includes(member)) member.hears();
    return this;
  }

  /**
   * A static member is back within its session (KIP-345): it has a new member id, and the generation stays.
   * @param isUnaware whether it is without its assignment until it `hears` of it
   */
  takesPlaceOf(back: Member, former: Member, { isUnaware = false } = {}): this {
    const group = this.group(back.group.id);
    const place = group.members.get(former.process);
    if (place === undefined) throw new Error(`${former.process} is not in the group`);
    group.members.delete(former.process);
    group.members.set(back.process, { ...place, memberId: back.memberId });
    if (group.leaderMemberId === former.memberId) group.leaderMemberId = back.memberId;
    this.#writeGeneration(group);
    if (this.wire)
      this.emit({
        // The answer leaves when the place is written.
        time: this.time,
        process: back.process,
        kind: 'wire-join',
        group: group.config.id,
        memberId: back.memberId,
        generation: group.generation,
        leaderMemberId: group.leaderMemberId ?? '',
        error: null,
      });
    if (!isUnaware) back.hears();
    return this;
  }

  #writeGeneration(group: GroupModel): void {
    this.coordinatorEvent({
      process: 'coordinator',
      kind: 'group-generation',
      group: group.config.id,
      generation: group.generation,
      state: 'stable',
      protocol: protocolOf(group.config),
      leaderMemberId: group.leaderMemberId,
      members: this.membersOf(group),
      logPosition: this.coordinatorPlace(),
    });
  }

  /** The coordinator notes that the group has no members any more. */
  empties(groupId?: string): this {
    const group = this.group(groupId);
    group.generation += 1;
    group.members = new Map();
    this.coordinatorEvent({
      process: 'coordinator',
      kind: 'group-generation',
      group: group.config.id,
      generation: group.generation,
      state: 'empty',
      protocol: null,
      leaderMemberId: null,
      members: [],
      logPosition: this.coordinatorPlace(),
    });
    return this;
  }

  /** The coordinator forgets the group, which is empty and has no offsets left: whoever joins next begins it anew. */
  forgets(groupId?: string): this {
    const group = this.group(groupId);
    group.generation = 0;
    this.coordinatorEvent({
      process: 'coordinator',
      kind: 'group-removed',
      group: group.config.id,
      logPosition: this.coordinatorPlace(),
    });
    return this;
  }

  membersOf(group: GroupModel): GroupMember[] {
    const isStatic = group.config.staticMembership === true;
    return [...group.members].map(([process, { memberId, assignment }]) => ({
      memberId,
      // A static member keeps the client id of the first process that took its place.
      clientId: isStatic ? `${memberOf(process)}.1` : process,
      groupInstanceId: isStatic ? memberOf(process) : null,
      subscription: [...group.config.topics],
      assignment: toAssignment(assignment),
    }));
  }

  /** The coordinator writes a commit, whoever asked for it. */
  accepts(topic: string, partition: number, offset: number, groupId?: string): this {
    const group = this.group(groupId);
    if (offset < 0) group.committed.delete(`${topic}/${partition}`);
    else group.committed.set(`${topic}/${partition}`, offset);
    this.coordinatorEvent({
      process: 'coordinator',
      kind: 'commit-accepted',
      group: group.config.id,
      topic,
      partition,
      offset: String(offset),
      metadata: '',
      logPosition: this.coordinatorPlace(),
    });
    return this;
  }

  /** The end of a run: heal, markers, draining by whoever owns what, facts, finish. */
  ends({ drain = true, undrained = [] as string[], incomplete = [] as string[] } = {}): this {
    if (this.#ended) return this;
    this.#ended = true;
    this.emit({ process: 'harness', kind: 'heal' });
    if (drain) this.#drain();
    this.emit({ process: 'harness', kind: 'settled', undrained });
    for (const group of this.#groups.values()) {
      const { id } = group.config;
      const state = group.members.size > 0 ? 'Stable' : 'Empty';
      this.emit({ process: 'cluster', kind: 'fact-group', group: id, state, members: this.membersOf(group) });
    }
    for (const member of this.handles)
      if (member.isRunning)
        this.emit({ process: member.process, kind: 'process-exit', code: 0, signal: null });
    for (const { topic, partition, start, records } of this.#logs.values())
      this.emit({
        process: 'cluster',
        kind: 'fact-log',
        topic,
        partition,
        logStartOffset: String(start),
        logEndOffset: String(records.length),
        records: records.flatMap((record, offset) =>
          offset < start || record === null
            ? []
            : [
                {
                  offset: String(offset),
                  record,
                  ...this.#transactionAt(topic, partition, offset),
                },
              ],
        ),
      });
    for (const group of this.#groups.values())
      for (const { topic, partition } of this.partitionKeys(group.config.topics)) {
        const offset = group.committed.get(`${topic}/${partition}`);
        this.emit({
          process: 'cluster',
          kind: 'fact-committed',
          group: group.config.id,
          topic,
          partition,
          offset: offset === undefined ? null : String(offset),
        });
      }
    this.emit({ process: 'harness', kind: 'finish', incomplete });
    return this;
  }

  #transactionAt(topic: string, partition: number, offset: number): { transaction?: Transaction } {
    const transaction = this.#transactions.get(`${topic}/${partition}/${offset}`);
    return transaction === undefined ? {} : { transaction };
  }

  #drain(): void {
    const running = this.handles.filter((member) => member.isRunning);
    if (running.length === 0) return;
    for (const { topic, partition, records } of this.#logs.values())
      records.push(`${MARKER_PREFIX}${topic}-${partition}`);
    for (const member of running)
      for (const [topic, partitions] of member.owned)
        for (const partition of partitions) {
          const end = this.log(topic, partition).records.length;
          const from = member.positionAt(partition, topic);
          if (from < end) {
            member.works(partition, end - from, topic);
            if (member.group.commitMode.kind !== 'none') member.commits(partition, end, { topic });
            if (member.group.commitMode.kind === 'transaction')
              for (let offset = from; offset < end; offset += 1) this.copies(partition, offset);
          }
        }
  }

  history(): History {
    this.ends();
    return { start: this.events[0] as EventOf<'start'>, events: this.events };
  }
}

const protocolOf = ({ assignors = [] }: Group): string => assignors[0] ?? 'RoundRobinAssigner';

const memberOf = (process: string): string => process.slice(0, process.lastIndexOf('.'));

const toAssignment = (assignment: ReadonlyMap<string, readonly number[]>): Assignment =>
  [...assignment].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));

/** One process of a member, as the hero of a story. */
export class Member {
  readonly process: string;
  memberId: string;
  readonly story: Story;
  readonly group: Group;
  readonly id: string;
  isRunning = true;
  /** What it believes to own. */
  owned = new Map<string, number[]>();
  #generation = 0;
  #commits = 0;
  #calls = 0;
  readonly #positions = new Map<string, number>();

  constructor(story: Story, group: Group, id: string, incarnation: number) {
    this.story = story;
    this.group = group;
    this.id = id;
    this.process = `${id}.${incarnation}`;
    this.memberId = `${this.process}-id`;
  }

  /** Learns of the generation that the coordinator wrote last, and takes it up. */
  hears(): this {
    return this.syncs().takesUp();
  }

  /** The client learns of the generation that the coordinator wrote last; the application does not yet. */
  syncs(): this {
    const { story, group } = this;
    const { generation, members } = story.group(group.id);
    const own = members.get(this.process);
    if (own === undefined) throw new Error(`${this.process} is not in generation ${generation}`);
    this.#generation = generation;
    if (story.wire)
      story.emit({
        process: this.process,
        kind: 'wire-sync',
        group: group.id,
        memberId: this.memberId,
        generation,
        assignment: toAssignment(own.assignment),
        error: null,
      });
    return this;
  }

  /** Its SyncGroup is refused: the group has moved on before the coordinator had written the generation. */
  hearsNothingOf(error: string): this {
    const { story, group, process, memberId } = this;
    const { generation } = story.group(group.id);
    if (story.wire)
      story.emit({
        process,
        kind: 'wire-sync',
        group: group.id,
        memberId,
        generation,
        assignment: [],
        error,
      });
    return this;
  }

  /** The application is told what it owns in the generation that it learnt of, and finds its positions. */
  takesUp(): this {
    const { story, group } = this;
    const own = story.group(group.id).members.get(this.process);
    if (own === undefined) throw new Error(`${this.process} is not in the generation`);
    // Cooperative members keep the positions of the partitions that they keep.
    const kept = protocolOf(group) === 'cooperative-sticky' ? this.owned : new Map<string, number[]>();
    this.owned = new Map(own.assignment);
    const assignment = toAssignment(own.assignment);
    story.emit({
      process: this.process,
      kind: 'client-joined',
      group: group.id,
      memberId: this.memberId,
      leader: false,
      protocol: protocolOf(group),
      assignment,
    });
    for (const [topic, partitions] of this.owned)
      for (const partition of partitions)
        if (!kept.get(topic)?.includes(partition)) this.resolves(partition, { topic });
    return this;
  }

  /** Takes what the scenario has assigned to it, outside the group's protocol. */
  assigns({ told = undefined as number | null | undefined } = {}): this {
    const { story, group, process, id } = this;
    const assignment = group.members.find((member) => member.id === id)?.assigned ?? [];
    story.emit({ process, kind: 'client-assigned', group: group.id, assignment });
    this.#generation = -1;
    for (const { topic, partitions } of assignment)
      for (const partition of partitions) this.resolves(partition, { topic, told });
    return this;
  }

  /** Finds its position as the group's configuration says, or as it is told. */
  resolves(
    partition: number,
    { topic = this.story.topic, told = undefined as number | null | undefined } = {},
  ): this {
    const { story, group, process } = this;
    const key = `${topic}/${partition}`;
    const committed = told === undefined ? (story.group(group.id).committed.get(key) ?? null) : told;
    const log = story.log(topic, partition);
    if (story.wire)
      story.emit({
        process,
        kind: 'wire-offset-fetch',
        group: group.id,
        offsets: [{ topic, partition, offset: committed === null ? null : String(committed) }],
        error: null,
      });
    if (committed === null) return group.autoOffsetReset === 'none' ? this : this.lists(partition, { topic });
    this.#positions.set(key, committed);
    // A position below the log's start shows when it is fetched from.
    if (committed < log.start) this.findsOutOfRange(partition, { topic, offset: committed });
    return this;
  }

  lists(
    partition: number,
    { topic = this.story.topic, at = undefined as 'earliest' | 'latest' | undefined } = {},
  ): this {
    const log = this.story.log(topic, partition);
    const end = at ?? (this.group.autoOffsetReset === 'earliest' ? 'earliest' : 'latest');
    const offset = end === 'earliest' ? log.start : log.records.length;
    if (this.story.wire)
      this.story.emit({
        process: this.process,
        kind: 'wire-list-offsets',
        topic,
        partition,
        at: end,
        offset: String(offset),
        error: null,
      });
    return this.stands(partition, offset, topic);
  }

  /** The leader names a follower to read from. */
  isSentToFollower(partition: number, topic = this.story.topic): this {
    this.story.emit({ process: this.process, kind: 'wire-read-replica', topic, partition, broker: 2 });
    return this;
  }

  /** A broker tells it to send nothing for so long. */
  isToldToWait(throttleTimeMs: number, api = 'Fetch'): this {
    this.story.emit({ process: this.process, kind: 'wire-throttle', api, throttleTimeMs });
    return this;
  }

  /** As kafkajs does it: the answer, a negative commit, and a new start from `auto.offset.reset`. */
  findsOutOfRange(
    partition: number,
    {
      topic = this.story.topic,
      offset = this.positionAt(partition),
      marks = this.story.marksResets,
      leaderEpoch,
    }: { topic?: string; offset?: number; marks?: boolean; leaderEpoch?: number } = {},
  ): this {
    const { story, process, group } = this;
    if (story.wire)
      story.emit({
        process,
        kind: 'wire-fetch-error',
        topic,
        partition,
        offset: String(offset),
        ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
        error: 'OFFSET_OUT_OF_RANGE',
      });
    if (!marks) return this.lists(partition, { topic });
    this.commits(partition, group.autoOffsetReset === 'earliest' ? -2 : -1, { topic });
    return this.resolves(partition, { topic });
  }

  positionAt(partition: number, topic = this.story.topic): number {
    return this.#positions.get(`${topic}/${partition}`) ?? 0;
  }

  /** Moves the member's position, without a word to anybody. */
  stands(partition: number, offset: number, topic = this.story.topic): this {
    this.#positions.set(`${topic}/${partition}`, offset);
    return this;
  }

  /** Is answered a request of its membership with an error. */
  isRefused(error: string): this {
    const { story, process, group } = this;
    story.emit({
      process,
      kind: 'wire-heartbeat',
      group: group.id,
      memberId: this.memberId,
      generation: this.#generation,
      error,
    });
    return this;
  }

  /** Is answered its JoinGroup, and has no assignment in the generation yet. */
  isJoining(generation = this.#generation + 1): this {
    const { story, process, group } = this;
    story.emit({
      process,
      kind: 'wire-join',
      group: group.id,
      memberId: this.memberId,
      generation,
      leaderMemberId: this.memberId,
      error: null,
    });
    return this;
  }

  /** Leaves its group, and its process goes on. */
  departs(): this {
    const { story, process, group } = this;
    story.emit({ process, kind: 'wire-leave', group: group.id, memberIds: [this.memberId] });
    return this;
  }

  delivers(
    partition: number,
    offsets: readonly number[],
    { topic = this.story.topic, sincePollMs }: { topic?: string; sincePollMs?: number } = {},
  ): this {
    const { story, process, group } = this;
    story.emit({
      process,
      kind: 'delivery',
      group: group.id,
      topic,
      partition,
      offsets: offsets.map(String),
      ...(sincePollMs === undefined ? {} : { sincePollMs }),
    });
    return this.stands(partition, (offsets.at(-1) as number) + 1, topic);
  }

  begins(partition: number, offset: number, topic = this.story.topic): this {
    const { story, process, group } = this;
    const record = story.log(topic, partition).records[offset] ?? null;
    story.emit({
      process,
      kind: 'processing-begin',
      group: group.id,
      topic,
      partition,
      offset: String(offset),
      record,
    });
    return this;
  }

  finishes(
    partition: number,
    offset: number,
    outcome: 'ok' | 'failed' = 'ok',
    topic = this.story.topic,
  ): this {
    const { story, process, group } = this;
    story.emit({
      process,
      kind: 'processing-end',
      group: group.id,
      topic,
      partition,
      offset: String(offset),
      outcome,
    });
    return this;
  }

  processes(
    partition: number,
    offset: number,
    outcome: 'ok' | 'failed' = 'ok',
    topic = this.story.topic,
  ): this {
    return this.begins(partition, offset, topic).finishes(partition, offset, outcome, topic);
  }

  /** Delivers and processes so many records, one handler call each, from its position on. */
  works(partition: number, count: number, topic = this.story.topic): this {
    for (let i = 0; i < count; i += 1) {
      const offset = this.positionAt(partition, topic);
      if (offset >= this.story.log(topic, partition).records.length)
        throw new Error(`${topic}/${partition} holds nothing at ${offset}`);
      this.delivers(partition, [offset], { topic }).processes(partition, offset, 'ok', topic);
    }
    return this;
  }

  /** Delivers so many records in one handler call and processes them. */
  worksBatch(partition: number, count: number, topic = this.story.topic): this {
    const from = this.positionAt(partition, topic);
    const offsets = Array.from({ length: count }, (_, i) => from + i);
    this.delivers(partition, offsets, { topic });
    for (const offset of offsets) this.processes(partition, offset, 'ok', topic);
    return this;
  }

  /** The application calls the consumer's API, beside its handler; the call returns at once, or fails. */
  calls(call: EventOf<'application-call'>['call'], options: CallOptions = {}): this {
    const { story, process, group } = this;
    const { partitions = null, offset = null, refused = null } = options;
    const isOfTopic = call === 'seek' || call === 'pause' || call === 'resume';
    const about = { process, group: group.id, action: 0, call };
    story.emit({
      ...about,
      kind: 'application-call',
      topic: isOfTopic ? story.topic : null,
      partitions: isOfTopic ? partitions : null,
      offset: offset === null ? null : String(offset),
    });
    const outcome = refused === null ? 'applied' : 'skipped';
    story.emit({ ...about, kind: 'application-call-end', outcome, reason: refused });
    return this;
  }

  /**
   * The application asks for an offset; with a tap, the answer about the group's offset passes by on the wire.
   * @param answer undefined: none comes in time
   */
  asks(
    question: 'position' | 'committed',
    partition: number,
    answer: number | null | undefined,
    inside = () => {},
  ): this {
    const { story, process, group } = this;
    const about = { process, group: group.id, action: 0, call: question };
    story.emit({
      ...about,
      kind: 'application-call',
      topic: story.topic,
      partitions: [partition],
      offset: null,
    });
    inside();
    if (answer === undefined) {
      const reason = 'TimeoutException: no answer in time';
      story.emit({ ...about, kind: 'application-call-end', outcome: 'skipped', reason });
      return this;
    }
    const text = answer === null ? null : String(answer);
    if (question === 'committed' && story.wire)
      story.emit({
        process,
        kind: 'wire-offset-fetch',
        group: group.id,
        offsets: [{ topic: story.topic, partition, offset: text }],
        error: null,
      });
    story.emit({ ...about, kind: 'application-call-end', outcome: 'applied', reason: null, answer: text });
    return this;
  }

  commits(partition: number, offset: number, options: CommitOptions = {}): this {
    const { story, process, group } = this;
    const { topic = story.topic, told = 'ok', byApplication = false } = options;
    const refused = typeof told === 'object' ? told.refused : null;
    const offsets = [{ topic, partition, offset: String(offset) }];
    const call = this.#calls;
    if (byApplication) {
      this.#calls += 1;
      story.emit({ process, kind: 'application-commit', group: group.id, call, awaited: true, offsets });
    }
    const commit = this.#commits;
    this.#commits += 1;
    if (story.wire)
      story.emit({
        process,
        kind: 'commit-invoke',
        group: group.id,
        commit,
        memberId: this.memberId,
        generation: options.generation ?? this.#generation,
        offsets,
      });
    if (options.written ?? refused === null) story.accepts(topic, partition, offset, group.id);
    if (story.wire) {
      if (told === 'ok') story.emit({ process, kind: 'commit-ok', group: group.id, commit });
      else if (told === 'unknown')
        story.emit({ process, kind: 'commit-unknown', group: group.id, commit, reason: 'connection closed' });
      else if (refused !== null)
        story.emit({
          process,
          kind: 'commit-fail',
          group: group.id,
          commit,
          errors: [{ topic, partition, error: refused }],
        });
    }
    if (byApplication && told !== 'silence')
      story.emit({
        process,
        kind: 'application-commit-end',
        group: group.id,
        call,
        outcome: told === 'ok' ? 'ok' : refused !== null ? 'failed' : 'unknown',
        error: refused,
      });
    return this;
  }

  /** The application is told that a commit was done, and nothing else happens. */
  believesCommitted(partition: number, offset: number, topic = this.story.topic): this {
    const { story, process, group } = this;
    const offsets = [{ topic, partition, offset: String(offset) }];
    const call = this.#calls;
    this.#calls += 1;
    story.emit({ process, kind: 'application-commit', group: group.id, call, awaited: true, offsets });
    story.emit({
      process,
      kind: 'application-commit-end',
      group: group.id,
      call,
      outcome: 'ok',
      error: null,
    });
    return this;
  }

  crashes(): this {
    this.story.act({ kind: 'crash', member: this.id });
    return this.exits(null, 'SIGKILL');
  }

  leaves(): this {
    this.story.act({ kind: 'leave', member: this.id });
    if (this.story.wire)
      this.story.emit({
        process: this.process,
        kind: 'wire-leave',
        group: this.group.id,
        memberIds: [this.memberId],
      });
    return this.exits(0, null);
  }

  terminates(): this {
    this.story.act({ kind: 'terminate', member: this.id });
    return this.exits(0, null);
  }

  exits(code: number | null, signal: string | null = null): this {
    this.isRunning = false;
    this.story.emit({ process: this.process, kind: 'process-exit', code, signal });
    return this;
  }

  /** Is stopped while what is told inside happens. */
  stalls(inside: () => void): this {
    this.story.during({ kind: 'stall', member: this.id }, inside);
    return this;
  }

  clientCrashes(error: string, restart: boolean): this {
    this.story.emit({ process: this.process, kind: 'client-crashed', group: this.group.id, error, restart });
    return this;
  }
}
