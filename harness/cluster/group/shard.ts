/**
 * One coordinator of one partition of `__consumer_offsets`, from election to resignation: its groups, offsets, timers
 * and writes. The operations on it are functions in the files beside this one.
 */
import type { ClusterEnvironment, CoordinatorLog, Environment, TransactionOutcome } from '../environment.ts';
import { ClassicGroup } from './classic-group.ts';
import type { GroupEvidence } from './evidence.ts';
import { OffsetStore } from './offset-store.ts';
import { PendingWrites } from './pending-writes.ts';
import type { CoordinatorEntry } from './records.ts';
import type { GroupSettings } from './settings.ts';
import { Timers } from './timers.ts';

/** Who asks. */
export interface GroupRequestContext {
  readonly apiVersion: number;
  readonly clientId: string | null;
  /** The client's address, without a port. */
  readonly clientHost: string;
}

export interface ShardParts {
  readonly environment: Environment;
  readonly cluster: Pick<ClusterEnvironment, 'randomUuid'>;
  readonly settings: GroupSettings;
  readonly evidence: GroupEvidence;
  /** As before KIP-848: groups live in memory at once, and nothing that is not written waits for what is. */
  readonly isOld: boolean;
}

export class Shard {
  readonly environment: Environment;
  readonly settings: GroupSettings;
  readonly evidence: GroupEvidence;
  readonly isOld: boolean;
  log: CoordinatorLog;
  readonly groups = new Map<string, ClassicGroup>();
  readonly offsets = new OffsetStore();
  readonly timers: Timers;
  readonly writes: PendingWrites;
  readonly #cluster: ShardParts['cluster'];
  /** Groups that no write has followed yet. */
  #unseen: ClassicGroup[] = [];

  constructor({ environment, cluster, settings, evidence, isOld }: ShardParts, log: CoordinatorLog) {
    this.environment = environment;
    this.settings = settings;
    this.evidence = evidence;
    this.isOld = isOld;
    this.log = log;
    this.#cluster = cluster;
    this.timers = new Timers(environment);
    this.writes = new PendingWrites(
      environment,
      log,
      settings.writeTimeoutMs,
      (entries, baseOffset, producer) => this.replicated(entries, baseOffset, producer?.id ?? null),
      () => this.#madeSoFar(),
    );
  }

  /** As `PendingWrites.continueWith`. */
  continueWith(log: CoordinatorLog): void {
    this.log = log;
    this.writes.continueWith(log);
  }

  nowMs(): number {
    return this.environment.nowMs();
  }

  randomUuid(): string {
    return this.#cluster.randomUuid('member-id');
  }

  createGroup(id: string): ClassicGroup {
    const group = new ClassicGroup(id, this.nowMs());
    group.isDurable = this.isOld;
    this.groups.set(id, group);
    if (!this.isOld) this.#unseen.push(group);
    return group;
  }

  /** Readers see what there was at the last write that is replicated (SnapshotRegistry), groups without a record too. */
  #madeSoFar(): () => void {
    const made = this.#unseen;
    this.#unseen = [];
    return () => {
      for (const group of made) group.isDurable = true;
    };
  }

  /** Offsets change when their record is replicated; groups changed before, in the operation that wrote. */
  replicated(entries: readonly CoordinatorEntry[], baseOffset: bigint, producerId: bigint | null): void {
    let offset = baseOffset;
    for (const entry of entries) {
      if (entry.kind === 'offset') {
        this.offsets.apply(entry, offset, producerId);
        // A commit from outside group management makes a simple group (OffsetMetadataManager.replay).
        if (entry.value !== null && !this.groups.has(entry.group)) this.createGroup(entry.group);
      }
      if (entry.value !== null) {
        const group = this.groups.get(entry.group);
        if (group !== undefined) group.isDurable = true;
      }
      offset++;
    }
    this.evidence.replicated(this.log.partition, entries, baseOffset, producerId !== null);
  }

  /** @param markerOffset where the transaction's marker is, which is replicated */
  endTransaction(producerId: bigint, outcome: TransactionOutcome, markerOffset: bigint): void {
    const entries = this.offsets.endTransaction(producerId, outcome);
    const committed = outcome === 'commit' ? entries : [];
    this.evidence.transactionEnded(
      this.log.partition,
      committed.map((entry) => ({ entry, offset: entry.recordOffset })),
      markerOffset,
    );
  }
}
