/**
 * What the members of one simulated process share: each enters when it is started and leaves when it has closed; the code
 * that they run, what the first of them made for all, and who is hit by what happens to the process are kept here.
 *
 * Each member has an owner of its own all the same, so that timers and connections are its own whoever made the objects
 * behind them: everything that an event sets off belongs to the owner of the event.
 */
import type { Adapter } from '../../../client/child-process.ts';
import type { Host, SharedHost } from '../../../client/host.ts';
import type { ClientExit } from '../../client-process.ts';
import { type Owner, running } from '../scheduler.ts';
import type { ClientBundle } from './client-bundle.ts';
import { runningParts } from './parts.ts';

/** What happens to a member because it happens to its process. */
export interface RealmMember {
  holdWithProcess(): void;
  releaseWithProcess(): void;
  endWithProcess(exit: Pick<ClientExit, 'code' | 'signal'>): void;
  freezeWithProcess(): void;
}

export class SharedRealm implements SharedHost {
  readonly clientId: string;
  /** When its code begins to run; null until the first member has been started. */
  startsAtUs: number | null = null;
  /** Whether its code runs, so that it hears signals. */
  hasStarted = false;
  /** The process has ended, or is about to. */
  isOver = false;
  /** All that were started in it. */
  readonly #members = new Set<RealmMember>();
  /** Those of them that have not closed. */
  readonly #open = new Set<RealmMember>();
  readonly #hosts = new Map<Owner, Host>();
  #adapter: Adapter | null = null;
  #common: { readonly value: unknown } | null = null;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  enter(member: RealmMember): void {
    this.#members.add(member);
    this.#open.add(member);
  }

  /** It has closed; what it may have left behind is still hit by what happens to the process. */
  leave(member: RealmMember): void {
    this.#open.delete(member);
  }

  isLast(member: RealmMember): boolean {
    return this.#open.size === 1 && this.#open.has(member);
  }

  /** Those that have closed included. */
  all(): RealmMember[] {
    return [...this.#members];
  }

  begin(owner: Owner, host: Host): void {
    this.hasStarted = true;
    this.#hosts.set(owner, host);
  }

  adapterOf(bundle: ClientBundle): Adapter {
    this.#adapter ??= bundle.load(runningParts);
    return this.#adapter;
  }

  common<T>(create: () => T): T {
    this.#common ??= { value: create() };
    return this.#common.value as T;
  }

  current(): Host {
    const host = running.owner === null ? undefined : this.#hosts.get(running.owner);
    if (host === undefined) throw new Error(`no member's code is running in ${this.clientId}`);
    return host;
  }

  /** @param first the member whose code computes without end */
  freeze(first: RealmMember): void {
    for (const member of this.#members) if (member !== first) member.freezeWithProcess();
  }
}
