/**
 * Makes a failing scenario small: a scenario, what of it fails and how to run it enter; the smallest scenario leaves in
 * which the same property fails with the same signature, when nothing can be taken away any more, the time is over or
 * somebody has interrupted.
 */
import type { JudgedAnomaly, Policy } from '../../properties/property.ts';
import { type Scenario, scenarioSchema } from '../../scenarios/schema.ts';
import { cutAfter, type Pass, passes, persistentPasses } from '../../scenarios/shrink/reductions.ts';
import { MARKER_PREFIX } from '../history/schema.ts';
import type { Executor, Ran } from '../runner/unit.ts';

/** What has to go on failing. */
export interface Failure {
  readonly property: string;
  readonly signature: string;
  readonly policy: Policy;
  /** Whether it is about the harness's own records: a shrunk scenario must not come to be about them alone. */
  readonly ofMarkers: boolean;
}

export const failureOf = (anomaly: JudgedAnomaly): Failure => ({
  property: anomaly.property,
  signature: anomaly.signature,
  policy: anomaly.policy,
  ofMarkers: isOfMarkers(anomaly),
});

const isOfMarkers = ({ message }: JudgedAnomaly): boolean => message.includes(MARKER_PREFIX);

export interface ShrinkOptions {
  readonly executor: Executor;
  readonly timeMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (progress: ShrinkProgress) => void;
}

export interface ShrinkProgress {
  readonly smallest: Scenario;
  readonly attempts: number;
  /** Attempts that still failed in the same way. */
  readonly steps: number;
}

export interface Shrunk extends ShrinkProgress {
  /** What the smallest scenario came to. */
  readonly ran: Ran;
  /** Why it ended. */
  readonly ended: 'smallest' | 'time' | 'interrupted';
}

/** The first anomaly of a run that is the same failure, or undefined. */
export const findFailure = (
  { verdict }: Ran,
  { property, signature, policy, ofMarkers }: Failure,
): JudgedAnomaly | undefined =>
  verdict.anomalies.find(
    (one) =>
      one.property === property &&
      one.signature === signature &&
      one.policy === policy &&
      (ofMarkers || !isOfMarkers(one)),
  );

class Ended extends Error {
  readonly reason: 'time' | 'interrupted';
  constructor(reason: 'time' | 'interrupted') {
    super(reason);
    this.reason = reason;
  }
}

/** @param ran what the scenario came to: it fails so */
export async function shrink(ran: Ran, failure: Failure, options: ShrinkOptions): Promise<Shrunk> {
  return await new Shrinking(ran, failure, options).toEnd();
}

class Shrinking {
  readonly #failure: Failure;
  readonly #options: ShrinkOptions;
  readonly #deadlineMs: number;
  /** Scenarios that were tried, without their names. */
  readonly #tried = new Set<string>();
  #best: Ran;
  #attempts = 0;
  #steps = 0;

  constructor(ran: Ran, failure: Failure, options: ShrinkOptions) {
    this.#best = ran;
    this.#failure = failure;
    this.#options = options;
    this.#deadlineMs = performance.now() + options.timeMs;
    this.#tried.add(JSON.stringify(ran.scenario));
  }

  async toEnd(): Promise<Shrunk> {
    try {
      await this.#pass(cutAfter(this.#provenMs()));
      await this.#toFixpoint();
      const before = this.#steps;
      if (membersOf(this.#best.scenario) > FEW_MEMBERS)
        for (const pass of persistentPasses) await this.#pass(pass);
      if (this.#steps > before) await this.#toFixpoint();
      return this.#shrunk('smallest');
    } catch (error) {
      if (error instanceof Ended) return this.#shrunk(error.reason);
      throw error;
    }
  }

  async #toFixpoint(): Promise<void> {
    for (let before = -1; before < this.#steps; ) {
      before = this.#steps;
      for (const pass of passes) await this.#pass(pass);
    }
  }

  async #pass(pass: Pass): Promise<void> {
    await pass(this.#best.scenario, async (smaller) => await this.#attempt(smaller));
  }

  async #attempt(smaller: Scenario): Promise<boolean> {
    const { signal, timeMs, executor, onStep } = this.#options;
    if (signal.aborted) throw new Ended('interrupted');
    if (timeMs === 0 || performance.now() >= this.#deadlineMs) throw new Ended('time');
    const parsed = scenarioSchema.safeParse(smaller);
    if (!parsed.success) return false;
    const key = JSON.stringify(parsed.data);
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    this.#attempts++;
    const ran = await this.#run(executor, parsed.data, signal);
    const fails = ran !== null && findFailure(ran, this.#failure) !== undefined;
    if (fails) {
      this.#best = ran;
      this.#steps++;
    }
    onStep(this.#progress());
    return fails;
  }

  /** Null where the world could not run it: then it is another failure. */
  async #run(executor: Executor, scenario: Scenario, signal: AbortSignal): Promise<Ran | null> {
    try {
      const ran = await executor.execute({ index: NEVER_REPEATED, scenario }, signal);
      return ran.failure === null ? ran : null;
    } catch (error) {
      if (signal.aborted) throw new Ended('interrupted');
      throw error;
    }
  }

  /** When the last of the events happened that prove the first such anomaly. */
  #provenMs(): number {
    const anomaly = findFailure(this.#best, this.#failure);
    const last = this.#best.history?.events[anomaly?.events.at(-1) ?? -1];
    return last?.time ?? Number.POSITIVE_INFINITY;
  }

  #progress(): ShrinkProgress {
    return { smallest: this.#best.scenario, attempts: this.#attempts, steps: this.#steps };
  }

  #shrunk(ended: Shrunk['ended']): Shrunk {
    return { ...this.#progress(), ran: this.#best, ended };
  }
}

const membersOf = ({ groups }: Scenario): number =>
  groups.reduce((sum, { members }) => sum + members.length, 0);

/** A scenario with so many is small enough to be understood. */
const FEW_MEMBERS = 3;

/** Units at every twentieth place are run twice, which nothing is proven by here. */
const NEVER_REPEATED = 1;
