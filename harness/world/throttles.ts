/**
 * Client quotas for as long as actions last: each action enters as it begins and as it ends, and the quotas of the client
 * ids that it is for are set and taken away. Of several that last, the one that began last counts.
 */
import type { Action } from '../../scenarios/schema.ts';
import { CONSUMER_BYTE_RATE, PRODUCER_BYTE_RATE, REQUEST_PERCENTAGE } from '../cluster/quota/entities.ts';
import { messageOf } from '../errors.ts';
import { ACTION_DEADLINE_MS, type Administration } from './administration.ts';
import { clientIdsWithin } from './client-ids.ts';
import type { RunContext } from './run-context.ts';

type ThrottleAction = Extract<Action, { kind: 'throttle-client' }>;
type QuotaKey = keyof ThrottleAction['quotas'];

/** Kafka's names. */
const names: Readonly<Record<QuotaKey, string>> = {
  consumerBytesPerSecond: CONSUMER_BYTE_RATE,
  producerBytesPerSecond: PRODUCER_BYTE_RATE,
  requestPercent: REQUEST_PERCENTAGE,
};

export class Throttles {
  readonly #context: RunContext;
  readonly #admin: Pick<Administration, 'alterClientQuotas'>;
  /** In the order in which they began. */
  readonly #lasting = new Map<ThrottleAction, readonly string[]>();
  /** One change at a time, so that the last one is in force. */
  #changes = Promise.resolve<string | null>(null);

  constructor(context: RunContext, admin: Pick<Administration, 'alterClientQuotas'>) {
    this.#context = context;
    this.#admin = admin;
  }

  /** @returns why it could not be done, or null */
  async begin(action: ThrottleAction): Promise<string | null> {
    this.#lasting.set(action, clientIdsWithin(this.#context.scenario, action.process));
    return await this.#change(action, this.#lasting.get(action) ?? []);
  }

  async end(action: ThrottleAction): Promise<string | null> {
    const clientIds = this.#lasting.get(action) ?? [];
    this.#lasting.delete(action);
    return await this.#change(action, clientIds);
  }

  async #change({ quotas }: ThrottleAction, clientIds: readonly string[]): Promise<string | null> {
    const keys = Object.keys(quotas) as QuotaKey[];
    this.#changes = this.#changes.then(async () => {
      const changes = clientIds.map((clientId) => ({
        clientId,
        values: Object.fromEntries(keys.map((key) => [names[key], this.#valueOf(clientId, key)])),
      }));
      try {
        await this.#admin.alterClientQuotas(changes, ACTION_DEADLINE_MS);
        return null;
      } catch (error) {
        return messageOf(error);
      }
    });
    return await this.#changes;
  }

  /** Null where no quota is for it any more. */
  #valueOf(clientId: string, key: QuotaKey): number | null {
    const values = [...this.#lasting].flatMap(([{ quotas }, clientIds]) =>
      clientIds.includes(clientId) ? (quotas[key] ?? []) : [],
    );
    return values.at(-1) ?? null;
  }
}
