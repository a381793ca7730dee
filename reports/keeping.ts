/**
 * Which scenarios of a run are worth keeping: one after the other enters in the order of the run, yes or no leaves: every
 * one that is not valid, the first one for each kind of thing that was observed, and the first few of the rest.
 */
import type { Outcome } from '../properties/property.ts';

/** Scenarios without a finding that are kept, so that a report also shows what good looks like. */
export const VALID_KEPT_MAX = 3;

export class Keeping {
  #validKept = 0;
  readonly #findingsKept = new Set<string>();

  /** Decides without waiting, so that scenarios judged at the same time do not count twice. */
  wants(
    outcome: Outcome,
    anomalies: readonly { readonly property: string; readonly signature: string }[],
  ): boolean {
    const findings = anomalies.map((one) => JSON.stringify([one.property, one.signature]));
    const shownBefore = findings.every((finding) => this.#findingsKept.has(finding));
    const sample = outcome === 'valid' && this.#validKept < VALID_KEPT_MAX;
    if (outcome === 'valid' && shownBefore && !sample) return false;
    if (sample) this.#validKept += 1;
    for (const finding of findings) this.#findingsKept.add(finding);
    return true;
  }
}
