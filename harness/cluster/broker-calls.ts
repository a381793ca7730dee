/**
 * Requests between brokers, such as WriteTxnMarkers and the verification of transactions: what is to be done at another
 * broker enters, its result leaves after the way there and back, or null where the connection broke or nothing came.
 *
 * They travel on the asked broker's timers and back on the asker's, so a paused broker answers late and a crashed one
 * never; then the connection breaks off, which the asker notices at once, as it does over TCP.
 */
import type { Broker } from './broker.ts';
import type { Cancel } from './environment.ts';
import type { ClusterCore } from './simulated-cluster.ts';

/** `request.timeout.ms` of a broker's own clients. */
const REQUEST_TIMEOUT_MS = 30_000;

interface Call {
  readonly asker: Broker;
  /** The life of the asker in which it asked; in a later one nobody waits. */
  readonly life: number;
  readonly finish: (result: unknown) => void;
  cancel: Cancel;
}

export class BrokerCalls {
  readonly #cluster: ClusterCore;
  /** By the broker that is asked. */
  readonly #open = new Map<number, Set<Call>>();

  constructor(cluster: ClusterCore) {
    this.#cluster = cluster;
  }

  /** @param done not called where the asker's process ends before */
  call<Result>(
    asker: Broker,
    askedId: number,
    act: (asked: Broker, answer: (result: Result) => void) => void,
    done: (result: Result | null) => void,
  ): void {
    const asked = this.#cluster.broker(askedId);
    const delayMs = (): number =>
      this.#cluster.draw('broker-request', this.#cluster.settings.brokerRequestDelay);
    if (!this.#canReach(asker, asked)) {
      asker.after(delayMs(), () => done(null));
      return;
    }
    const calls = this.#openOf(askedId);
    const call: Call = {
      asker,
      life: asker.life,
      finish: (result) => {
        if (!calls.delete(call)) return;
        call.cancel();
        done(result as Result | null);
      },
      cancel: () => undefined,
    };
    call.cancel = asker.deadline(REQUEST_TIMEOUT_MS, () => call.finish(null));
    calls.add(call);
    asked.after(delayMs(), () => {
      if (!this.#canReach(asker, asked) || asker.life !== call.life) return;
      act(asked, (result) => {
        if (!this.#canReach(asked, asker) || asker.life !== call.life) return;
        asker.after(delayMs(), () => call.finish(result));
      });
    });
  }

  /** The broker's process has ended: whoever waits for its answer learns that the connection is gone. */
  ended(broker: Broker): void {
    for (const [askedId, calls] of this.#open)
      for (const call of [...calls]) {
        if (call.asker === broker) calls.delete(call);
        else if (askedId === broker.brokerId) call.asker.after(0, () => call.finish(null));
      }
  }

  #openOf(askedId: number): Set<Call> {
    let calls = this.#open.get(askedId);
    if (calls === undefined) {
      calls = new Set();
      this.#open.set(askedId, calls);
    }
    return calls;
  }

  #canReach(from: Broker, to: Broker): boolean {
    return from.isUp && to.isUp && !this.#cluster.isIsolated(from.brokerId, to.brokerId);
  }
}
