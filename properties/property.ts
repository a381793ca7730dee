/**
 * The contract of a property and of a verdict: a history enters a pure checker, anomalies leave; the policy then says
 * which of them the scenario's configuration forbids.
 */
import type { History } from '../harness/history/schema.ts';
import type { Scenario } from '../scenarios/schema.ts';

/** `illegal`: this configuration forbids it. `observed`: it is worth reporting, and this configuration allows it. */
export type Policy = 'illegal' | 'observed';

export interface Anomaly {
  /** The property's id. */
  readonly property: string;
  /** One sentence with names and numbers: who, which partition, which offsets. */
  readonly message: string;
  /** `seq` of the events that prove it, ascending; at least one. */
  readonly events: readonly number[];
  /** What it is about; renderers group by it, and shrinking compares it. */
  readonly subject: {
    readonly group?: string;
    readonly topic?: string;
    readonly partition?: number;
    readonly process?: string;
    readonly producer?: string;
  };
  /**
   * What kind of breach it is, in a few fixed words without names and numbers, such as `skipped past a commit`.
   * Two anomalies with the same property and signature are the same finding.
   */
  readonly signature: string;
}

export interface Property {
  /** As in the catalogue, such as `exclusive-assignment`. */
  readonly id: string;
  readonly title: string;
  /** The exact definition, in full sentences. */
  readonly statement: string;
  /** Reports every anomaly. Pure: no clock, no randomness, no I/O. */
  check(history: History): Anomaly[];
  policy(scenario: Scenario, anomaly: Anomaly): Policy;
  /**
   * Signatures of virtual time, with what the same is called on a real cluster, where a busy machine may be its cause and
   * it is therefore observed.
   */
  readonly inRealTime?: Readonly<Record<string, string>>;
}

export type JudgedAnomaly = Anomaly & { readonly policy: Policy };

/** Merging ranks invalid over unknown over valid. */
export type Outcome = 'valid' | 'invalid' | 'unknown';

export interface Verdict {
  readonly outcome: Outcome;
  readonly anomalies: readonly JudgedAnomaly[];
  /** Why it is unknown, one sentence each: a checker threw, evidence is missing. */
  readonly unknown: readonly string[];
  /** The properties that were checked, in the order of the catalogue. */
  readonly properties: readonly {
    readonly id: string;
    readonly anomalies: number;
    readonly illegal: number;
  }[];
  /** The duplicate ledger, one entry per hand-over or restart of a partition. */
  readonly ledger: readonly LedgerEntry[];
}

/** What happened to a partition's position between two stretches of consuming it. */
export interface LedgerEntry {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Why consuming began anew. */
  readonly cause:
    | 'first'
    | 'crash'
    | 'stall'
    | 'leave'
    | 'rebalance'
    | 'handler-failure'
    | 'seek'
    | 'client-restart'
    | 'offsets-deleted'
    | 'records-deleted'
    | 'unexplained';
  readonly fromProcess: string | null;
  readonly toProcess: string;
  /** Scenario time of the first delivery after it, in milliseconds. */
  readonly time: number;
  /** The accepted commit that the new stretch had to resume from; null where there was none. */
  readonly committedOffset: string | null;
  /** Where it did resume. */
  readonly resumedOffset: string;
  /** Records processed before and not committed: they had to come again. Lower bound of `replayed`. */
  readonly mustReplay: number;
  /** Records whose processing had begun and that were not committed for certain. Upper bound of `replayed`. */
  readonly mayReplay: number;
  /** Records whose processing began again in this stretch. */
  readonly replayed: number;
  /** `seq` of the delivery that opened the stretch. */
  readonly event: number;
}
