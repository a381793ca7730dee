/** One-shot faults on purpose: rules enter, and for a decoded request the rule that applies to it leaves. */
import type { RequestContext } from './handler.ts';

export interface Interception {
  readonly apiKey: number;
  /** How many requests it applies to. */
  readonly times: number;
  /** Answers with this error, without doing what was asked. */
  readonly errorCode?: number;
  /** Never answers, without doing what was asked; the connection goes on. */
  readonly drop?: boolean;
  /** Takes the request up only after so long. */
  readonly delayMs?: number;
  /** Which requests of that API; all where it is left out. */
  readonly match?: (request: unknown, context: RequestContext, version: number) => boolean;
  /** Told of each request that it applies to. */
  readonly onApplied?: (context: RequestContext) => void;
}

/** Ends a rule before it has been used up. @returns how often it has applied */
export type EndInterception = () => number;

interface Rule {
  readonly interception: Interception;
  left: number;
}

export class Interceptions {
  #rules: Rule[] = [];

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  add(interception: Interception): EndInterception {
    const rule = { interception, left: interception.times };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((one) => one !== rule);
      return interception.times - rule.left;
    };
  }

  /** The first rule that applies to the request, which counts as one use of it. */
  take(apiKey: number, request: unknown, context: RequestContext, version: number): Interception | null {
    for (const rule of this.#rules) {
      const { interception } = rule;
      if (interception.apiKey !== apiKey) continue;
      if (interception.match !== undefined && !interception.match(request, context, version)) continue;
      rule.left -= 1;
      interception.onApplied?.(context);
      if (rule.left <= 0) this.#rules = this.#rules.filter((one) => one !== rule);
      return interception;
    }
    return null;
  }
}
