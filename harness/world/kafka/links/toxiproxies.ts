/**
 * The Toxiproxy of one harness: scenarios enter, and the links of those that break the network leave, or why they cannot be
 * broken here. Nothing is started before the first such scenario, and one server does for all of them.
 */
import type { Scenario } from '../../../../scenarios/schema.ts';
import { HarnessError, messageOf } from '../../../errors.ts';
import type { Unbreakable } from '../../administration.ts';
import type { Cluster } from '../clusters.ts';
import { brokenLinks, RunLinks } from './run-links.ts';
import { Toxiproxy, type ToxiproxyOptions } from './toxiproxy.ts';

const ADDRESSES_TIMEOUT_MS = 10_000;

export class Toxiproxies implements AsyncDisposable {
  readonly #options: ToxiproxyOptions;
  #starting: Promise<Toxiproxy | Unbreakable> | null = null;

  constructor(options: ToxiproxyOptions) {
    this.#options = options;
  }

  /** @param prefix of names that are the run's own */
  async linksOf(scenario: Scenario, cluster: Cluster, prefix: string): Promise<RunLinks | Unbreakable> {
    if (brokenLinks(scenario).length === 0) return { unbreakable: 'the scenario breaks none' };
    this.#starting ??= this.#start();
    const toxiproxy = await this.#starting;
    if ('unbreakable' in toxiproxy) return toxiproxy;
    return await RunLinks.open(scenario, await addressesOf(cluster), toxiproxy, prefix);
  }

  /** A machine without Toxiproxy runs everything but the faults of links. */
  async #start(): Promise<Toxiproxy | Unbreakable> {
    try {
      return await Toxiproxy.start(this.#options);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const hint = error instanceof HarnessError && error.hint !== undefined ? ` ${error.hint}` : '';
      const unbreakable = `there is no Toxiproxy to break links with: ${messageOf(error)}${hint}`;
      this.#options.onProgress(`Faults of links are skipped, since ${unbreakable}`);
      return { unbreakable };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const toxiproxy = await this.#starting?.catch(() => null);
    if (toxiproxy instanceof Toxiproxy) await toxiproxy.stop();
  }
}

/** As brokers tell them to clients, in the order of the brokers' ids, which scenarios count from 1. */
async function addressesOf({ set, admin }: Cluster): Promise<readonly string[]> {
  if (set !== null) return set.bootstrapServers;
  return (await admin.brokers(ADDRESSES_TIMEOUT_MS)).map(({ host, port }) => `${host}:${port}`);
}
