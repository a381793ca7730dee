/**
 * The timers of a simulated process: calls of setTimeout, setInterval and setImmediate enter, events of its owner leave,
 * with Node's own objects, order and rounding.
 *
 * Two departures, both of which make timers late and none early, which timers may always be:
 * - A timer armed with a negative delay or NaN, which Node would make 1 ms, is *parked*: it fires with the first event
 *   that the process has at least PARKED_MS later. Nobody can rely on a timer that was due before it was armed. kafkajs
 *   arms one on every connection, again and again (its requestQueue subtracts the time of day from -1); on time, they
 *   would be nine tenths of all events.
 * - Intervals of GRID_MS or more fire on a grid of GRID_MS of the process's own, those of one instant together, one
 *   after the other without their promises in between. Those that do nothing that can be seen from outside wait for an
 *   event of the process, up to QUIET_MS, until they do something again. kafkajs has an interval on every connection
 *   that looks ten times a second whether a request has waited for too long; on time, they would be nine tenths of all
 *   that happens in an idle group.
 */
import type { Owner, Scheduled, Scheduler } from '../scheduler.ts';
import { type Label, label } from '../trace.ts';
import type { ProcessClock } from './clock.ts';

/** Node's TIMEOUT_MAX; what is longer, or shorter than 1, is 1. */
const DELAY_MS_MAX = 2_147_483_647;
export const PARKED_MS = 250;
/** Event loops are commonly late by this much. */
export const GRID_MS = 100;
/** How much later still intervals are that changed nothing when they last fired, while nothing else happens. */
export const QUIET_MS = 1_000;
/** A turn of the event loop: without it, a client that polls with setImmediate would stop the clock. */
const TURN_US = 10;

const kinds = { timeout: label('timeout'), interval: label('interval'), immediate: label('immediate') };

export type Callback = (...values: unknown[]) => void;

const NO_VALUES: readonly unknown[] = [];

export class ProcessTimers {
  readonly #scheduler: Scheduler;
  readonly #owner: Owner;
  readonly #clock: ProcessClock;
  readonly #byId = new Map<number, Timeout>();
  #nextId = 1;
  #parked: Timeout[] = [];
  /** Where the process's grid lies. */
  readonly #gridPhaseUs: number;
  /** What is due at each instant of the grid, and the first of them. */
  readonly #grid = new Map<number, Timeout[]>();
  #gridDueUs = Number.POSITIVE_INFINITY;
  /** When what is parked is late enough. */
  #parkedUntilUs = Number.POSITIVE_INFINITY;
  /** What the intervals wait for where nothing else happens. */
  #fallback: Scheduled | null = null;
  /** What fired on the grid last, until it is known whether that did anything. */
  #firedOnGrid: Timeout[] = [];

  constructor(scheduler: Scheduler, owner: Owner, clock: ProcessClock, gridPhaseUs = 0) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#clock = clock;
    this.#gridPhaseUs = gridPhaseUs;
    owner.late = () => this.#runLate();
    owner.lateEnded = (wasQuiet) => this.#noteQuiet(wasQuiet);
  }

  timeout(callback: Callback, delay?: number, values = NO_VALUES): Timeout {
    return new Timeout(this, requireFunction(callback), delay, values, false);
  }

  interval(callback: Callback, delay?: number, values = NO_VALUES): Timeout {
    return new Timeout(this, requireFunction(callback), delay, values, true);
  }

  immediate(callback: Callback, ...values: unknown[]): Immediate {
    return new Immediate(this, requireFunction(callback), values);
  }

  clear(timer: unknown): void {
    this.#find(timer)?.close();
  }

  // What follows is for the timer objects.

  arm(timer: Timeout, delayMs: number, kind: Label): Scheduled {
    return this.#scheduler.after(this.#owner, this.#clock.virtualUs(delayMs), kind, () => timer.fire());
  }

  /** Puts an interval on the grid, at the first instant that is late enough. */
  armOnGrid(timer: Timeout, delayMs: number): void {
    const stepUs = this.#clock.virtualUs(GRID_MS);
    const { nowUs } = this.#scheduler;
    const earliestUs = nowUs + this.#clock.virtualUs(delayMs) - this.#gridPhaseUs;
    const dueUs = Math.ceil(earliestUs / stepUs) * stepUs + this.#gridPhaseUs;
    const together = this.#grid.get(dueUs);
    if (together === undefined) this.#grid.set(dueUs, [timer]);
    else together.push(timer);
    if (dueUs < this.#gridDueUs) {
      this.#gridDueUs = dueUs;
      this.#noteLate();
    }
    if (this.#fallback === null || !timer.isQuiet) this.#armFallback();
  }

  armImmediate(run: () => void): Scheduled {
    return this.#scheduler.after(this.#owner, TURN_US, kinds.immediate, run);
  }

  disarm(event: Scheduled): void {
    this.#scheduler.cancel(event);
  }

  park(timer: Timeout): void {
    if (this.#parked.length === 0) {
      this.#parkedUntilUs = this.#scheduler.nowUs + this.#clock.virtualUs(PARKED_MS);
      this.#noteLate();
    }
    this.#parked.push(timer);
  }

  register(timer: Timeout): number {
    const id = this.#nextId++;
    this.#byId.set(id, timer);
    return id;
  }

  unregister(id: number): void {
    this.#byId.delete(id);
  }

  #noteLate(): void {
    this.#owner.lateUs = Math.min(this.#parkedUntilUs, this.#gridDueUs);
  }

  #noteQuiet(wasQuiet: boolean): void {
    let changed = false;
    for (const timer of this.#firedOnGrid) {
      if (timer.isQuiet !== wasQuiet) changed = true;
      timer.isQuiet = wasQuiet;
    }
    this.#firedOnGrid = [];
    if (changed) this.#armFallback();
  }

  /** An event for the intervals alone; one that comes too early looks again. */
  #armFallback(): void {
    const quietUs = this.#clock.virtualUs(QUIET_MS);
    let atUs = Number.POSITIVE_INFINITY;
    for (const [dueUs, timers] of this.#grid)
      atUs = Math.min(atUs, timers.every(({ isQuiet }) => isQuiet) ? dueUs + quietUs : dueUs);
    if (this.#fallback !== null) {
      if (this.#fallback.timeUs <= atUs) return;
      this.#scheduler.cancel(this.#fallback);
      this.#fallback = null;
    }
    if (atUs === Number.POSITIVE_INFINITY) return;
    const delayUs = Math.max(0, atUs - this.#scheduler.nowUs);
    this.#fallback = this.#scheduler.after(this.#owner, delayUs, kinds.interval, () => {
      // What was due has run by now, as something late.
      this.#fallback = null;
      this.#armFallback();
    });
  }

  #runLate(): void {
    const { nowUs } = this.#scheduler;
    if (this.#parkedUntilUs <= nowUs) this.#runParked();
    if (this.#gridDueUs <= nowUs) this.#runGrid(nowUs);
    this.#noteLate();
  }

  #runGrid(nowUs: number): void {
    const dues: number[] = [];
    // What fires arms itself again, and finds no first instant that is over.
    this.#gridDueUs = Number.POSITIVE_INFINITY;
    for (const dueUs of this.#grid.keys()) {
      if (dueUs <= nowUs) dues.push(dueUs);
      else if (dueUs < this.#gridDueUs) this.#gridDueUs = dueUs;
    }
    const due = this.#takeFromGrid(dues.sort((a, b) => a - b));
    this.#firedOnGrid = due;
    for (const timer of due) {
      try {
        timer.fireOnGrid();
      } catch (error) {
        this.#owner.uncaught(error, 'uncaughtException');
      }
    }
  }

  #takeFromGrid(dues: readonly number[]): Timeout[] {
    const due: Timeout[] = [];
    for (const dueUs of dues) {
      due.push(...(this.#grid.get(dueUs) ?? []));
      this.#grid.delete(dueUs);
    }
    return due;
  }

  /** All that were parked when the first of them is late enough; what they arm waits for the next time. */
  #runParked(): void {
    const due = this.#parked;
    this.#parked = [];
    this.#parkedUntilUs = Number.POSITIVE_INFINITY;
    for (const timer of due) {
      try {
        timer.fireParked();
      } catch (error) {
        this.#owner.uncaught(error, 'uncaughtException');
      }
    }
  }

  /** As in Node: the object, or its number once it was asked for. */
  #find(timer: unknown): Timeout | undefined {
    if (timer instanceof Timeout) return timer;
    return typeof timer === 'number' || typeof timer === 'string' ? this.#byId.get(Number(timer)) : undefined;
  }
}

/** What setTimeout and setInterval return. */
export class Timeout {
  readonly #timers: ProcessTimers;
  readonly #callback: Callback;
  readonly #values: readonly unknown[];
  /** Null: parked. */
  readonly #delayMs: number | null;
  readonly #repeats: boolean;
  #event: Scheduled | null = null;
  #onGrid = false;
  #parked = false;
  #closed = false;
  /** Whether an interval changed nothing that can be seen from outside when it last fired. */
  isQuiet = false;
  #referenced = true;
  #id: number | null = null;

  constructor(
    timers: ProcessTimers,
    callback: Callback,
    delay: number | undefined,
    values: readonly unknown[],
    repeats: boolean,
  ) {
    this.#timers = timers;
    this.#callback = callback;
    this.#values = values;
    this.#repeats = repeats;
    const wanted = delay === undefined ? 1 : Number(delay);
    this.#delayMs =
      !repeats && !(wanted >= 0) ? null : wanted >= 1 && wanted <= DELAY_MS_MAX ? Math.trunc(wanted) : 1;
    this.#arm();
  }

  ref(): this {
    this.#referenced = true;
    return this;
  }

  /** A simulated process never ends for lack of things to wait for, so this changes only what `hasRef` says. */
  unref(): this {
    this.#referenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#referenced;
  }

  refresh(): this {
    if (this.#closed) return this;
    if (this.#event !== null) this.#timers.disarm(this.#event);
    // What stands on the grid or is parked is late anyway.
    if (!this.#parked && !this.#onGrid) this.#arm();
    return this;
  }

  close(): this {
    this.#closed = true;
    this.#parked = false;
    this.#onGrid = false;
    if (this.#event !== null) this.#timers.disarm(this.#event);
    this.#event = null;
    if (this.#id !== null) this.#timers.unregister(this.#id);
    return this;
  }

  [Symbol.toPrimitive](): number {
    this.#id ??= this.#timers.register(this);
    return this.#id;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  fire(): void {
    this.#event = null;
    // Node starts an interval anew after its callback has returned, also where that threw.
    try {
      this.#callback(...this.#values);
    } finally {
      if (this.#repeats && !this.#closed) this.#arm();
    }
  }

  fireOnGrid(): void {
    if (!this.#onGrid) return;
    this.#onGrid = false;
    this.fire();
  }

  fireParked(): void {
    if (!this.#parked) return;
    this.#parked = false;
    this.#callback(...this.#values);
  }

  #arm(): void {
    if (this.#delayMs === null) {
      this.#parked = true;
      this.#timers.park(this);
    } else if (this.#repeats && this.#delayMs >= GRID_MS) {
      this.#onGrid = true;
      this.#timers.armOnGrid(this, this.#delayMs);
    } else
      this.#event = this.#timers.arm(this, this.#delayMs, this.#repeats ? kinds.interval : kinds.timeout);
  }
}

/** What setImmediate returns. */
export class Immediate {
  readonly #timers: ProcessTimers;
  readonly #event: Scheduled;

  constructor(timers: ProcessTimers, callback: Callback, values: unknown[]) {
    this.#timers = timers;
    this.#event = timers.armImmediate(() => callback(...values));
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  clear(): void {
    this.#timers.disarm(this.#event);
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

function requireFunction(callback: Callback): Callback {
  if (typeof callback !== 'function')
    throw Object.assign(
      new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`),
      { code: 'ERR_INVALID_ARG_TYPE' },
    );
  return callback;
}
