/**
 * For tests: a clock that is moved by hand, a coordinator log that replicates after a while (or fails, or hangs, as
 * told), and members that speak to a coordinator and remember the answers.
 */
import type {
  ClusterEvent,
  CoordinatorLog,
  Environment,
  ErrorCode,
  NewRecord,
  StoredRecord,
  TransactionalProducer,
  TransactionOutcome,
} from '../environment.ts';
import { GroupCoordinator } from './coordinator.ts';
import { NOT_LEADER_OR_FOLLOWER } from './error-codes.ts';
import { GroupEvidence } from './evidence.ts';
import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from './settings.ts';

export class FakeClock implements Environment {
  #nowMs = 1_000_000;
  #sequence = 0;
  #timers: { atMs: number; sequence: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass, with everything that is due in it, in order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}

/** One partition as all brokers see it; each election makes a view of it. */
export class FakeLog {
  readonly records: StoredRecord[] = [];
  readonly partition = 0;
  /** Null: written and never replicated, as while the in-sync set is too small. */
  replicationMs: number | null = 1;
  /** The next appends are refused with these. */
  readonly failures: ErrorCode[] = [];
  readonly #clock: FakeClock;
  #hanging: (() => void)[] = [];
  #epoch = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get end(): bigint {
    return BigInt(this.records.length);
  }

  /** What hung is replicated now. */
  replicateAll(): void {
    const hanging = this.#hanging;
    this.#hanging = [];
    for (const replicate of hanging) replicate();
  }

  /** For a newly elected leader; what earlier ones write from now on is refused. */
  view(): CoordinatorLog {
    const epoch = ++this.#epoch;
    return {
      partition: this.partition,
      leaderEpoch: epoch,
      append: (records, done, producer) => {
        this.#append(
          epoch,
          records.map((record) => ({
            ...record,
            ...(producer === undefined ? {} : { transaction: { producerId: producer.id, marker: null } }),
          })),
          done,
        );
      },
      appendMarker: (producer, outcome, _coordinatorEpoch, done) =>
        this.#appendMarker(epoch, producer, outcome, done),
      read: () => [...this.records],
    };
  }

  #appendMarker(
    epoch: number,
    producer: TransactionalProducer,
    outcome: TransactionOutcome,
    done: (error: ErrorCode, offset: bigint) => void,
  ): void {
    this.#append(
      epoch,
      [{ key: null, value: null, transaction: { producerId: producer.id, marker: outcome } }],
      done,
    );
  }

  #append(
    epoch: number,
    records: readonly (NewRecord & Pick<StoredRecord, 'transaction'>)[],
    done: (error: ErrorCode, baseOffset: bigint) => void,
  ): void {
    const failure = epoch === this.#epoch ? this.failures.shift() : NOT_LEADER_OR_FOLLOWER;
    if (failure !== undefined) {
      this.#clock.after(0, () => done(failure, -1n));
      return;
    }
    const baseOffset = this.end;
    for (const record of records)
      this.records.push({ ...record, offset: this.end, timestampMs: this.#clock.nowMs() });
    const replicate = (): void => done(0, baseOffset);
    if (this.replicationMs === null) this.#hanging.push(replicate);
    else this.#clock.after(this.replicationMs, replicate);
  }
}

export class FakeWorld {
  readonly clock = new FakeClock();
  readonly log = new FakeLog(this.clock);
  readonly events: ClusterEvent[] = [];
  readonly settings: GroupSettings;
  coordinator: GroupCoordinator;
  readonly #evidence = new GroupEvidence((event) => this.events.push(event));
  readonly #isOld: boolean;
  #uuids = 0;

  constructor(settings: Partial<GroupSettings> = {}, isOld = false) {
    this.#isOld = isOld;
    this.settings = { ...DEFAULT_GROUP_SETTINGS, ...settings };
    this.coordinator = this.#elect();
  }

  /** The broker goes and another takes over, with nothing but the log. */
  failOver(): void {
    this.coordinator.resigned(0);
    this.coordinator = this.#elect();
  }

  /** As `failOver`, while the new coordinator is still loading. */
  failOverWithoutLoading(): void {
    this.coordinator.resigned(0);
    this.coordinator = this.#make();
    this.coordinator.elected(this.log.view());
  }

  #elect(): GroupCoordinator {
    const coordinator = this.#make();
    coordinator.elected(this.log.view());
    this.clock.pass(this.settings.loadingTimeMs);
    return coordinator;
  }

  #make(): GroupCoordinator {
    return new GroupCoordinator({
      environment: this.clock,
      cluster: { randomUuid: () => `uuid-${++this.#uuids}` },
      settings: this.settings,
      evidence: this.#evidence,
      isOld: this.#isOld,
      partitionCount: 1,
    });
  }

  pass(ms: number): void {
    this.clock.pass(ms);
  }

  of<K extends ClusterEvent['kind']>(kind: K): Extract<ClusterEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<ClusterEvent, { kind: K }> => event.kind === kind);
  }
}
