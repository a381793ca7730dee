/**
 * Where the run of a known bug stands: its events enter as they are recorded; how far it is, in words, leaves for a line
 * of progress. A bug that leaves a group stuck takes the whole of its settling bound, and a person waits for that.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import type { UnplacedEvent } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';

export class WatchedRecorder extends HistoryRecorder {
  readonly #onEvent: (event: UnplacedEvent) => void;

  constructor(onEvent: (event: UnplacedEvent) => void) {
    super();
    this.#onEvent = onEvent;
  }

  override record(event: UnplacedEvent): void {
    super.record(event);
    this.#onEvent(event);
  }
}

type Phase = 'waiting for the world' | 'work and faults' | 'settling' | 'closing';

export class RunWatch {
  readonly #boundMs: number;
  readonly #isRealTime: boolean;
  readonly #nowMs: () => number;
  #phase: Phase = 'waiting for the world';
  #phaseFromMs = 0;
  /** Of the last event, in the run's own time, and when it came to be known. */
  #lastMs = 0;
  #lastKnownAtMs: number;

  /**
   * @param isRealTime whether the run's own time goes on while nothing is recorded
   * @param nowMs a clock in milliseconds
   */
  constructor({ settling }: Scenario, isRealTime: boolean, nowMs: () => number) {
    this.#boundMs = settling.boundMs;
    this.#isRealTime = isRealTime;
    this.#nowMs = nowMs;
    this.#lastKnownAtMs = nowMs();
  }

  see({ kind, time }: Pick<UnplacedEvent, 'kind' | 'time'>): void {
    this.#lastMs = Math.max(this.#lastMs, time);
    this.#lastKnownAtMs = this.#nowMs();
    if (kind === 'start') this.#enter('work and faults', time);
    else if (kind === 'heal') this.#enter('settling', time);
    else if (kind === 'settled') this.#enter('closing', time);
  }

  #enter(phase: Phase, time: number): void {
    this.#phase = phase;
    this.#phaseFromMs = time;
  }

  /** Such as `settling, 12 s of 30 s at most`. */
  get where(): string {
    const sinceMs = this.#isRealTime ? this.#nowMs() - this.#lastKnownAtMs : 0;
    const inPhase = Math.floor((this.#lastMs + sinceMs - this.#phaseFromMs) / 1_000);
    const unit = this.#isRealTime ? 's' : 'virtual s';
    return this.#phase === 'settling'
      ? `${this.#phase}, ${inPhase} ${unit} of ${Math.ceil(this.#boundMs / 1_000)} ${unit} at most`
      : `${this.#phase}, ${inPhase} ${unit}`;
  }
}
