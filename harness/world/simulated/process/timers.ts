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
 *   after the other without their promises in between. kafkajs has an interval on every connection.
 */
import type { Owner, Scheduled, Scheduler } from '../scheduler.ts';
import { type Label, label } from '../trace.ts';
import type { ProcessClock } from './clock.ts';

/** Node's TIMEOUT_MAX; what is longer, or shorter than 1, is 1. */
const DELAY_MS_MAX = 2_147_483_647;
export const PARKED_MS = 250;
/** Event loops are commonly late by this much. */
export const GRID_MS = 100;
/** A turn of the event loop: without it, a client that polls with setImmediate would stop the clock. */
const TURN_US = 10;

const kinds = { timeout: label('timeout'), interval: label('interval'), immediate: label('immediate') };

export type Callback = (...values: unknown[]) => void;

export class ProcessTimers {
  readonly #scheduler: Scheduler;
  readonly #owner: Owner;
  readonly #clock: ProcessClock;
  readonly #byId = new Map<number, Timeout>();
  #nextId = 1;
  #parked: Timeout[] = [];
  /** Where the process's grid lies. */
  readonly #gridPhaseUs: number;
  /** What is due at each instant of the grid. */
  readonly #grid = new Map<number, Timeout[]>();

  constructor(scheduler: Scheduler, owner: Owner, clock: ProcessClock, gridPhaseUs = 0) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#clock = clock;
    this.#gridPhaseUs = gridPhaseUs;
    owner.late = () => this.#runParked();
  }

  timeout(callback: Callback, delay?: number, ...values: unknown[]): Timeout {
    return new Timeout(this, requireFunction(callback), delay, values, false);
  }

  interval(callback: Callback, delay?: number, ...values: unknown[]): Timeout {
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
    if (together !== undefined) {
      together.push(timer);
      return;
    }
    this.#grid.set(dueUs, [timer]);
    this.#scheduler.after(this.#owner, dueUs - nowUs, kinds.interval, () => this.#runGrid(dueUs));
  }

  armImmediate(run: () => void): Scheduled {
    return this.#scheduler.after(this.#owner, TURN_US, kinds.immediate, run);
  }

  disarm(event: Scheduled): void {
    this.#scheduler.cancel(event);
  }

  park(timer: Timeout): void {
    if (this.#parked.length === 0)
      this.#owner.lateUs = this.#scheduler.nowUs + this.#clock.virtualUs(PARKED_MS);
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

  #runGrid(dueUs: number): void {
    const due = this.#grid.get(dueUs) ?? [];
    this.#grid.delete(dueUs);
    for (const timer of due) {
      try {
        timer.fireOnGrid();
      } catch (error) {
        this.#owner.uncaught(error, 'uncaughtException');
      }
    }
  }

  /** All that were parked when the first of them is late enough; what they arm waits for the next time. */
  #runParked(): void {
    const due = this.#parked;
    this.#parked = [];
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
  readonly #values: unknown[];
  /** Null: parked. */
  readonly #delayMs: number | null;
  readonly #repeats: boolean;
  #event: Scheduled | null = null;
  #onGrid = false;
  #parked = false;
  #closed = false;
  #referenced = true;
  #id: number | null = null;

  constructor(
    timers: ProcessTimers,
    callback: Callback,
    delay: number | undefined,
    values: unknown[],
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
