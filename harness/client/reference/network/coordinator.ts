/**
 * Where the coordinator of a group or a transaction is: its key enters, the node for requests to it leaves, looked up
 * anew after it was marked unknown.
 */
import { findCoordinatorApi } from '../../../cluster/protocol/10-find-coordinator.ts';
import { BrokerError, check } from '../errors.ts';
import type { NetworkClient } from './client.ts';

const KEY_TYPES = { group: 0, transaction: 1 } as const;

export class CoordinatorFinder {
  readonly #network: NetworkClient;
  readonly #type: keyof typeof KEY_TYPES;
  readonly #key: string;
  #nodeId: number | null = null;
  #looking: Promise<number> | null = null;

  constructor(network: NetworkClient, type: keyof typeof KEY_TYPES, key: string) {
    this.#network = network;
    this.#type = type;
    this.#key = key;
  }

  /** The node, or null while it is not known. */
  get nodeId(): number | null {
    return this.#nodeId;
  }

  /**
   * Requests to it that are under way end too, as in the Java client: nothing would come of them.
   * @param nodeId the node whose answer said so: by now another one may be known
   */
  markUnknown(nodeId: number): void {
    if (this.#nodeId !== nodeId) return;
    this.#nodeId = null;
    this.#network.disconnect(nodeId);
  }

  /** @throws BrokerError (COORDINATOR_NOT_AVAILABLE passes, GROUP_AUTHORIZATION_FAILED does not), DisconnectError */
  async find(): Promise<number> {
    if (this.#nodeId !== null) return this.#nodeId;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return await this.#looking;
  }

  async #look(): Promise<number> {
    const answer = await this.#network.requestAny(findCoordinatorApi, {
      // One of the two, depending on the version that the broker understands.
      key: this.#key,
      coordinatorKeys: [this.#key],
      keyType: KEY_TYPES[this.#type],
    });
    const found = answer.coordinators[0] ?? answer;
    check(found.errorCode, `FindCoordinator of ${this.#key}`, found.errorMessage);
    if (found.nodeId < 0) throw new BrokerError(15, `FindCoordinator of ${this.#key}`);
    this.#nodeId = this.#network.setCoordinator(found.nodeId, found);
    return this.#nodeId;
  }
}
