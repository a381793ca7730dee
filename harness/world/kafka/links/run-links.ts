/**
 * The links of one run on real Kafka that its scenario breaks: a scenario, the brokers' addresses and a Toxiproxy enter;
 * a proxy for each such link, what the processes have to know of it, and the faults leave. All other links stay untouched.
 */
import type { LinkConditions, Scenario } from '../../../../scenarios/schema.ts';
import type { LinkCommand, ProxiedLink, StartCommand } from '../../../client/protocol.ts';
import type { Direction, FaultEnd, LinkFaults } from '../../administration.ts';
import type { ClientProcess } from '../../client-process.ts';
import { refusalOf, toxicsOf } from './chain.ts';
import type { Toxic, Toxiproxy } from './toxiproxy.ts';

const directions = ['to-broker', 'to-process'] as const;

interface Link {
  readonly process: string;
  readonly broker: number;
  readonly address: string;
  /** Its proxy's name at Toxiproxy, and where that listens. */
  readonly name: string;
  readonly proxy: ProxiedLink['proxy'];
  readonly cuts: Record<Direction, number>;
  /** Those asked for and not over, the last one being in force; the first one is the link's own. */
  readonly conditions: LinkConditions[];
  /** Attributes in force, by the toxic's name. */
  readonly inForce: Map<string, string>;
  /** The last order, after which the next one is carried out. */
  tail: Promise<void>;
}

export class RunLinks implements LinkFaults, AsyncDisposable {
  readonly #toxiproxy: Toxiproxy;
  readonly #links: readonly Link[];
  /** By the process's id in the scenario, all of its incarnations that run. */
  readonly #clients = new Map<string, Set<ClientProcess>>();

  private constructor(toxiproxy: Toxiproxy, links: readonly Link[]) {
    this.#toxiproxy = toxiproxy;
    this.#links = links;
  }

  /**
   * @param addresses `host:port` of the scenario's brokers, the first one's first
   * @param prefix of the proxies' names, the run's own
   */
  static async open(
    scenario: Scenario,
    addresses: readonly string[],
    toxiproxy: Toxiproxy,
    prefix: string,
  ): Promise<RunLinks> {
    const own = scenario.topology.network;
    const opened = await Promise.allSettled(
      brokenLinks(scenario).flatMap(({ process, broker }) => {
        const address = addresses[broker - 1];
        if (address === undefined) return [];
        const name = `${prefix}${process}.${broker}`;
        return [openLink(toxiproxy, { process, broker, address, name }, own)];
      }),
    );
    const links = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const runLinks = new RunLinks(toxiproxy, links);
    const failure = opened.find((one) => one.status === 'rejected');
    if (failure === undefined) return runLinks;
    await runLinks[Symbol.asyncDispose]();
    throw failure.reason;
  }

  /** The start command of a process, with what it has to know. */
  startOf(id: string, start: StartCommand): StartCommand {
    const links = this.#links.filter(({ process }) => process === id);
    if (links.length === 0) return start;
    return { ...start, links: links.map((link) => ({ ...stateOf(link), proxy: link.proxy })) };
  }

  /** Keeps a process informed, until it ends. */
  attach(id: string, client: ClientProcess): void {
    const clients = this.#clients.get(id) ?? new Set();
    this.#clients.set(id, clients);
    clients.add(client);
    const forget = (): void => void clients.delete(client);
    client.exited.then(forget, forget);
  }

  async cut(process: string, broker: number, direction: Direction): Promise<FaultEnd> {
    const link = this.#link(process, broker);
    link.cuts[direction]++;
    await this.#apply(link);
    return async () => {
      link.cuts[direction]--;
      await this.#apply(link);
    };
  }

  async slow(process: string, broker: number, conditions: LinkConditions): Promise<FaultEnd> {
    const refusal = refusalOf(conditions);
    if (refusal !== null) throw new Error(refusal);
    const link = this.#link(process, broker);
    // An entry of its own, to be found again beside an equal one.
    const own = { ...conditions };
    link.conditions.push(own);
    await this.#apply(link);
    return async () => {
      link.conditions.splice(link.conditions.indexOf(own), 1);
      await this.#apply(link);
    };
  }

  reset(process: string, broker: number, ending: 'reset' | 'half-open'): void {
    this.#tell(this.#link(process, broker), ending);
  }

  /** Ends the proxies; processes that still run lose their connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = await Promise.allSettled(
      this.#links.map(async ({ name, tail }) => {
        await tail.catch(() => {});
        await this.#toxiproxy.close(name);
      }),
    );
    const failures = closed.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'Proxies could not be closed.');
  }

  #link(process: string, broker: number): Link {
    const link = this.#links.find((one) => one.process === process && one.broker === broker);
    if (link === undefined) throw new Error(`there is no link between ${process} and broker ${broker}`);
    return link;
  }

  /** Has the proxy do what is asked for by then; orders to one link follow one another. */
  #apply(link: Link): Promise<void> {
    const carriedOut = link.tail.then(async () => {
      // A link is cut for new connections first, and healed for them last.
      const { isCut } = stateOf(link);
      if (isCut) this.#tell(link, null);
      for (const direction of directions)
        for (const toxic of wantedOf(link, direction)) {
          if (link.inForce.get(toxic.name) === JSON.stringify(toxic.attributes)) continue;
          await this.#toxiproxy.changeToxic(link.name, toxic);
          link.inForce.set(toxic.name, JSON.stringify(toxic.attributes));
        }
      if (!isCut) this.#tell(link, null);
    });
    link.tail = carriedOut.catch(() => {});
    return carriedOut;
  }

  #tell(link: Link, ending: LinkCommand['ending']): void {
    const command: LinkCommand = { command: 'link', ...stateOf(link), ending };
    for (const client of this.#clients.get(link.process) ?? []) client.command(command);
  }
}

/** Of the scenario's links, those that ever are anything but the machine's own. */
export function brokenLinks(scenario: Scenario): { process: string; broker: number }[] {
  const { brokers, network } = scenario.topology;
  const all = Array.from({ length: brokers }, (_, index) => index + 1);
  const processes = [...scenario.groups.flatMap(({ members }) => members), ...scenario.producers];
  const found = new Map<string, { process: string; broker: number }>();
  const add = (process: string, broker: number): void =>
    void found.set(`${process} ${broker}`, { process, broker });
  if (network !== undefined) for (const { id } of processes) for (const broker of all) add(id, broker);
  for (const action of scenario.actions) {
    if (!('link' in action)) continue;
    const { process, broker } = action.link;
    for (const one of broker === null ? all : [broker]) add(process, one);
  }
  return [...found.values()];
}

async function openLink(
  toxiproxy: Toxiproxy,
  place: Pick<Link, 'process' | 'broker' | 'address' | 'name'>,
  own: LinkConditions | undefined,
): Promise<Link> {
  const proxy = await toxiproxy.open(place.name, place.address);
  const link: Link = {
    ...place,
    proxy,
    cuts: { 'to-broker': 0, 'to-process': 0 },
    conditions: own === undefined ? [] : [own],
    inForce: new Map(),
    tail: Promise.resolve(),
  };
  for (const direction of directions)
    for (const toxic of wantedOf(link, direction)) {
      await toxiproxy.addToxic(link.name, toxic);
      link.inForce.set(toxic.name, JSON.stringify(toxic.attributes));
    }
  return link;
}

const wantedOf = (link: Link, direction: Direction): readonly Toxic[] =>
  toxicsOf(direction, link.cuts[direction] > 0, link.conditions.at(-1) ?? null);

const stateOf = ({ address, cuts, conditions }: Link) => ({
  address,
  isCut: directions.some((direction) => cuts[direction] > 0),
  latencyMs: conditions.at(-1)?.latencyMs ?? { min: 0, max: 0 },
});
