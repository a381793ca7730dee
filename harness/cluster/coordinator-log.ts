/**
 * A coordinator's view of its own partition (`__consumer_offsets`, `__transaction_state`): records of its state and
 * markers enter and are confirmed once replicated; on a new leader everything that its log holds leaves.
 */
import type {
  CoordinatorLog,
  Environment,
  NewRecord,
  StoredRecord,
  TransactionalProducer,
  TransactionOutcome,
} from './environment.ts';
import { storedRecords } from './log/stored-records.ts';
import { errorCode } from './protocol/errors.ts';
import type { Replica } from './replica.ts';

type Done = (error: number, baseOffset: bigint) => void;

const NONE = errorCode('NONE');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const NOT_ENOUGH_REPLICAS = errorCode('NOT_ENOUGH_REPLICAS');

export class ReplicaCoordinatorLog implements CoordinatorLog {
  readonly partition: number;
  readonly #replica: Replica;
  readonly #environment: Environment;

  constructor(replica: Replica, environment: Environment) {
    this.#replica = replica;
    this.#environment = environment;
    this.partition = replica.partition;
  }

  append(records: readonly NewRecord[], done: Done, producer?: TransactionalProducer): void {
    this.#write(done, () => {
      const { log, leaderEpoch } = this.#replica;
      const fields = producer === undefined ? null : { id: Number(producer.id), epoch: producer.epoch };
      return log.appendRecords(records, leaderEpoch, this.#environment.nowMs(), fields);
    });
  }

  get leaderEpoch(): number {
    return this.#replica.leaderEpoch;
  }

  appendMarker(
    producer: TransactionalProducer,
    outcome: TransactionOutcome,
    coordinatorEpoch: number,
    done: Done,
  ): void {
    this.#write(done, () => {
      const fields = { producerId: Number(producer.id), producerEpoch: producer.epoch, coordinatorEpoch };
      const { log, leaderEpoch } = this.#replica;
      return log.appendMarker(outcome, fields, leaderEpoch, this.#environment.nowMs());
    });
  }

  #write(done: Done, append: () => { errorCode: number; baseOffset: number; endOffset: number }): void {
    const replica = this.#replica;
    let error = NONE;
    if (!replica.isLeader) error = NOT_LEADER;
    else if (!replica.hasEnoughReplicas(replica.minInsyncReplicas)) error = NOT_ENOUGH_REPLICAS;
    const result = error === NONE ? append() : { errorCode: error, baseOffset: -1, endOffset: -1 };
    if (result.errorCode !== NONE) {
      this.#environment.after(0, () => done(result.errorCode, -1n));
      return;
    }
    let isLater = false;
    const finish = (code: number) => done(code, code === NONE ? BigInt(result.baseOffset) : -1n);
    replica.whenReplicated(result, null, (code) => {
      if (isLater) finish(code);
      else this.#environment.after(0, () => finish(code));
    });
    replica.appended();
    isLater = true;
  }

  read(): Generator<StoredRecord> {
    return storedRecords(this.#replica.log);
  }
}
