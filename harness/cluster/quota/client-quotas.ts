/**
 * The quotas of one broker over its clients (classes ClientQuotaManager and ClientRequestQuotaManager): what each client
 * sends, is sent and has done enters, and how long nothing more is to be read from it leaves (KIP-13, KIP-124).
 *
 * Not implemented: `controller_mutation_rate` (KIP-599) and `connection_creation_rate` (KIP-612), which are kept and
 * described alone.
 */
import {
  CLIENT_ID,
  CONSUMER_BYTE_RATE,
  keyOf,
  PRODUCER_BYTE_RATE,
  type QuotaEntity,
  type QuotaTable,
  REQUEST_PERCENTAGE,
  USER,
} from './entities.ts';
import { FULL_WINDOWS_MS, Rate, WINDOW_MS } from './rate.ts';

export interface QuotaClient {
  readonly user: string;
  readonly clientId: string;
}

/** What a client is measured by: alone, or together with all others that the same quota is for. */
interface Measure {
  /** Null where no quota is for it. */
  readonly limit: number | null;
  readonly rate: Rate;
}

const entityOf = (user?: string | null, clientId?: string | null): QuotaEntity =>
  new Map([
    ...(user === undefined ? [] : ([[USER, user]] as const)),
    ...(clientId === undefined ? [] : ([[CLIENT_ID, clientId]] as const)),
  ]);

/** Most special first, with what the clients are told apart by that share such a quota (KIP-55). */
function candidates({ user, clientId }: QuotaClient): (readonly [QuotaEntity, measuredBy: QuotaEntity])[] {
  const [both, ofUser, ofClient] = [entityOf(user, clientId), entityOf(user), entityOf(undefined, clientId)];
  return [
    [both, both],
    [entityOf(user, null), both],
    [ofUser, ofUser],
    [entityOf(null, clientId), both],
    [entityOf(null, null), both],
    [entityOf(null), ofUser],
    [ofClient, ofClient],
    [entityOf(undefined, null), ofClient],
  ];
}

/** One quota, such as `consumer_byte_rate`, of all clients. */
class Quota {
  readonly #name: string;
  readonly #longestMs: number;
  /** Once there was a quota, everything is measured until the broker ends, as in Kafka. */
  #isEnabled = false;
  #table: QuotaTable = new Map();
  readonly #rates = new Map<string, Rate>();
  readonly #measures = new Map<string, Measure>();

  constructor(name: string, longestMs = Number.POSITIVE_INFINITY) {
    this.#name = name;
    this.#longestMs = longestMs;
  }

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  update(table: QuotaTable): void {
    this.#table = table;
    this.#measures.clear();
    this.#isEnabled ||= [...table.values()].some(({ values }) => values.has(this.#name));
  }

  add(client: QuotaClient, amount: number, nowMs: number): void {
    if (this.#isEnabled) this.#measureOf(client).rate.add(amount, nowMs);
  }

  /** @returns how long the client has to wait until, without anything more, it is within its quota again */
  charge(client: QuotaClient, amount: number, nowMs: number): number {
    if (!this.#isEnabled) return 0;
    const { limit, rate } = this.#measureOf(client);
    rate.add(amount, nowMs);
    if (limit === null) return 0;
    const perSecond = rate.perSecond(nowMs);
    if (perSecond <= limit) return 0;
    const waitMs = Math.round(((perSecond - limit) / limit) * rate.windowMs(nowMs));
    return Math.min(waitMs, this.#longestMs);
  }

  /** More than this at once is always too much. */
  mostAtOnce(client: QuotaClient): number {
    if (!this.#isEnabled) return Number.POSITIVE_INFINITY;
    const { limit } = this.#measureOf(client);
    return limit === null ? Number.POSITIVE_INFINITY : Math.floor((limit * FULL_WINDOWS_MS) / 1_000);
  }

  #measureOf(client: QuotaClient): Measure {
    const key = JSON.stringify([client.user, client.clientId]);
    let measure = this.#measures.get(key);
    if (measure === undefined) {
      measure = this.#newMeasure(client);
      this.#measures.set(key, measure);
    }
    return measure;
  }

  #newMeasure(client: QuotaClient): Measure {
    const found = candidates(client).find(([entity]) => this.#limitOf(entity) !== null);
    const measuredBy = keyOf(found?.[1] ?? entityOf(undefined, client.clientId));
    const rate = this.#rates.get(measuredBy) ?? new Rate();
    this.#rates.set(measuredBy, rate);
    return { rate, limit: found === undefined ? null : this.#limitOf(found[0]) };
  }

  #limitOf(entity: QuotaEntity): number | null {
    return this.#table.get(keyOf(entity))?.values.get(this.#name) ?? null;
  }
}

/**
 * What a warm broker's threads spend on one request, in milliseconds: on handling it, before it is known whether it has to
 * be throttled, and on sending the answer, after that.
 */
const HANDLING_MS = 0.3;
const SENDING_MS = 0.1;
/** In percent of one thread's time, summed over a second. */
const percentOf = (threadMs: number): number => threadMs / 10;

export class ClientQuotas {
  readonly #consumed = new Quota(CONSUMER_BYTE_RATE);
  readonly #produced = new Quota(PRODUCER_BYTE_RATE);
  /** No request costs its client more than a window. */
  readonly #requests = new Quota(REQUEST_PERCENTAGE, WINDOW_MS);
  readonly #all = [this.#consumed, this.#produced, this.#requests];
  isEnabled = false;

  update(table: QuotaTable): void {
    for (const quota of this.#all) quota.update(table);
    this.isEnabled = this.#all.some((quota) => quota.isEnabled);
  }

  /** How much a consumer may be given in one answer. */
  fetchBytesMax(client: QuotaClient): number {
    return this.#consumed.mostAtOnce(client);
  }

  /** A request that is neither a Produce nor a Fetch. */
  request(client: QuotaClient, nowMs: number): number {
    const waitMs = this.#requests.charge(client, percentOf(HANDLING_MS), nowMs);
    this.#requests.add(client, percentOf(SENDING_MS), nowMs);
    return waitMs;
  }

  /** @param isAnswered the time that a request takes counts only where it is answered: not with acks 0 */
  produce(client: QuotaClient, bytes: number, isAnswered: boolean, nowMs: number): number {
    const waitMs = this.#produced.charge(client, bytes, nowMs);
    return isAnswered ? Math.max(waitMs, this.request(client, nowMs)) : waitMs;
  }

  /** Whoever has to wait is given nothing, so that what was to be given does not count. */
  fetch(client: QuotaClient, bytes: number, nowMs: number): number {
    const waitMs = Math.max(this.request(client, nowMs), this.#consumed.charge(client, bytes, nowMs));
    if (waitMs > 0) this.#consumed.add(client, -bytes, nowMs);
    return waitMs;
  }
}
