/**
 * The links between clients and brokers: orders to cut, slow and reset them enter, and the open connections they are
 * about, now and later, obey. A client is known by the client id of its requests.
 */
import type { LinkConditions } from '../../scenarios/schema.ts';
import type { Direction } from '../world/administration.ts';

/** Which connections; whatever is left out is any. */
export interface LinkSelection {
  readonly clientId?: string;
  readonly broker?: number;
}

/** A connection, as far as links are concerned. */
export interface Linked {
  readonly brokerId: number;
  /** Null until the first request has come. */
  readonly clientId: string | null;
  condition(direction: Direction, conditions: LinkConditions | null, isCut: boolean): void;
  resetNow(): void;
  /** The broker's end is gone, and the client is not told. */
  halfOpen(): void;
}

interface Rule {
  readonly selection: LinkSelection;
  readonly cut: readonly Direction[];
  readonly conditions: LinkConditions | null;
}

const directions = ['to-broker', 'to-process'] as const;

export class Links {
  readonly #connections = new Set<Linked>();
  /** In order of coming into force; of several that slow a link the last one counts. */
  readonly #rules = new Set<Rule>();

  add(connection: Linked): void {
    this.#connections.add(connection);
    if (this.#rules.size > 0) this.apply(connection);
  }

  remove(connection: Linked): void {
    this.#connections.delete(connection);
  }

  /** To be called too when the connection's client has become known. */
  apply(connection: Linked): void {
    const rules = [...this.#rules].filter(({ selection }) => matches(selection, connection));
    const conditions = rules.findLast((rule) => rule.conditions !== null)?.conditions ?? null;
    for (const direction of directions)
      connection.condition(
        direction,
        conditions,
        rules.some(({ cut }) => cut.includes(direction)),
      );
  }

  /** Bytes wait from now on. @returns what lets them through again */
  cut(selection: LinkSelection, cut: readonly Direction[]): () => void {
    return this.#enforce({ selection, cut, conditions: null });
  }

  slow(selection: LinkSelection, conditions: LinkConditions): () => void {
    return this.#enforce({ selection, cut: [], conditions });
  }

  /** Ends the open connections. @returns how many */
  reset(selection: LinkSelection, ending: 'reset' | 'half-open'): number {
    const found = [...this.#connections].filter((connection) => matches(selection, connection));
    for (const connection of found)
      if (ending === 'reset') connection.resetNow();
      else connection.halfOpen();
    return found.length;
  }

  #enforce(rule: Rule): () => void {
    this.#rules.add(rule);
    for (const connection of this.#connections) this.apply(connection);
    return () => {
      if (!this.#rules.delete(rule)) return;
      for (const connection of this.#connections) this.apply(connection);
    };
  }
}

const matches = ({ clientId, broker }: LinkSelection, connection: Linked): boolean =>
  (clientId === undefined || connection.clientId === clientId) &&
  (broker === undefined || connection.brokerId === broker);
