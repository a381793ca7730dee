/**
 * The clock and the queue of a simulated run: callbacks enter with a virtual time and an owner, and run one by one in
 * order of (time, sequence); the clock moves only from one event to the next.
 *
 * After each event everything that it set off in JavaScript itself (nextTicks, promises, microtasks) is run to its end,
 * so that "whose code is this" is always one variable: the owner of the event. Owners are processes, brokers and the
 * harness; the events of one owner can be dropped (it crashed) or held and released (it was stopped and continued).
 */
import { WorldUnavailableError } from '../../errors.ts';
import type { RandomStream } from './random.ts';
import { type Label, label, type Trace } from './trace.ts';
import { runWatched } from './watchdog.ts';

/** Whose events can be dropped and held. */
export interface Owner {
  readonly label: Label;
  /** Takes what the owner's code threw and nobody caught; where it returns, the run goes on. */
  readonly uncaught: (error: unknown, origin: 'uncaughtException' | 'unhandledRejection') => void;
  /** Told that the owner's code ran on without end and was cut off; what it has left in the queue is never run. */
  readonly endless: () => void;
  state: 'running' | 'held' | 'frozen' | 'dropped';
  /** Events that came due while the owner was held. */
  held: Scheduled[];
  /** What runs before the owner's first event at or after this time, as if it had been late until then. */
  lateUs: number;
  late: () => void;
  /** Told afterwards whether that, and what it set off, changed nothing that anybody but the process can see. */
  lateEnded: (wasQuiet: boolean) => void;
  /** What a process's code sees, for `process/`; null where the owner is none. */
  parts: object | null;
}

/** Events that wait for their time, of one owner and kind. */
export interface PendingEvents {
  readonly owner: string;
  readonly kind: string;
  readonly count: number;
  /** When the first of them is due; one in the past waits for its owner to be continued. */
  readonly nextUs: number;
}

/** Whose event runs in this thread; several runs take turns in it. */
export const running: { owner: Owner | null } = { owner: null };

/** An event in the queue; only the scheduler changes it. */
export interface Scheduled {
  timeUs: number;
  sequence: number;
  readonly owner: Owner;
  readonly kind: Label;
  /** Held events of one lane keep their order; between lanes the order of a release is drawn. */
  readonly lane: object | null;
  /** Null once it has run or was cancelled. */
  run: (() => void) | null;
  /** Digest of what the event carries, for the trace. */
  digest: number;
}

export interface SchedulerOptions {
  readonly trace: Trace;
  /** Events at one instant after which the run is taken for one that does not get on. */
  readonly eventsPerInstantMax?: number;
  /** Virtual time after which the run is taken for one that never ends. */
  readonly timeUsMax?: number;
  /** How the client's own jobs are run to their end; by default the best way that this Node.js has. */
  readonly drain?: 'synchronous' | 'event-loop';
  /** How long a portion of events may last before its process is taken for one that computes without end. */
  readonly endlessAfterMs?: number;
}

const EVENTS_PER_INSTANT_MAX = 100_000;
/** A day: the longest scenario names an hour. */
const TIME_US_MAX = 24 * 3_600 * 1_000_000;
/** Events between two looks at the real clock, which cost more than they are worth after each. */
const EVENTS_PER_LOOK = 16;
/** Below so many cancelled events the queue is not worth cleaning; what it is rid of nothing has to be held against. */
const CANCELLED_MIN = 64;

/**
 * `process._tickCallback` runs all nextTicks and microtasks to their end when called from a macrotask. It is not
 * documented, though every Node.js from 0.9 to 26 has it, so there is another way where it is missing: each event in a
 * turn of the event loop of its own.
 */
const tickCallback = (process as unknown as { _tickCallback?: () => void })._tickCallback;

/**
 * What Node.js calls with an exception that nobody caught. An exception that leaves `_tickCallback`, and code that is cut
 * off in it, leave Node's account of asynchronous contexts in disorder, which ends the whole process at the next turn;
 * this puts it in order, after it has told the listeners.
 */
const fatalException = (process as unknown as { _fatalException?: (error: unknown) => boolean })
  ._fatalException;
/** Told to the listeners where there is nothing to tell. */
const nothing = new Error('code was cut off');

const late = label('late');

export class Scheduler {
  /** Microseconds since the virtual epoch of the run. */
  nowUs = 0;
  /** Whose event is running. */
  current: Owner;
  readonly harness: Owner;
  readonly trace: Trace;
  readonly #options: SchedulerOptions;
  readonly #heap: Scheduled[] = [];
  /** Owners that are held. */
  readonly #held = new Set<Owner>();
  /** An event that was taken from the queue and waits for what is late. */
  #next: Scheduled | null = null;
  /** Whose late code ran last, until its end is told, and how much had happened in the run by then. */
  #lateOwner: Owner | null = null;
  #lateBeganAt = 0;
  #sequence = 0;
  #cancelled = 0;
  #atInstant = 0;
  #failure: { error: unknown } | null = null;
  #finished = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.trace = options.trace;
    this.harness = this.owner('harness', (error) => this.fail(error));
    this.current = this.harness;
  }

  owner(
    name: string,
    uncaught: Owner['uncaught'] = (error) => this.fail(error),
    endless: Owner['endless'] = () => this.fail(new Error(`${name} computes without end`)),
  ): Owner {
    return {
      label: label(name),
      uncaught,
      endless,
      state: 'running',
      held: [],
      lateUs: Number.POSITIVE_INFINITY,
      late: () => {},
      lateEnded: () => {},
      parts: null,
    };
  }

  /** Ends the run with this error, as soon as the running event returns. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Schedules a callback; it never runs before this call has returned.
   * @param delayUs whole microseconds, at least 0
   */
  after(
    owner: Owner,
    delayUs: number,
    kind: Label,
    run: () => void,
    lane: object | null = null,
    digest = 0,
  ): Scheduled {
    const event: Scheduled = {
      timeUs: this.nowUs + delayUs,
      sequence: this.#sequence++,
      owner,
      kind,
      lane,
      run,
      digest,
    };
    if (owner.state !== 'dropped') this.#push(event);
    return event;
  }

  cancel(event: Scheduled): void {
    if (event.run === null) return;
    event.run = null;
    if (++this.#cancelled >= CANCELLED_MIN && this.#cancelled * 2 > this.#heap.length) this.#clean();
  }

  /** Its events wait from now on. */
  hold(owner: Owner): void {
    if (owner.state !== 'running') return;
    owner.state = 'held';
    this.#held.add(owner);
  }

  /** What came due meanwhile is due now, in an order that is drawn: each lane keeps its own. */
  release(owner: Owner, random: RandomStream): void {
    if (owner.state !== 'held') return;
    owner.state = 'running';
    this.#held.delete(owner);
    const lanes = new Map<object | null, Scheduled[]>();
    for (const event of owner.held) {
      if (event.run === null) continue;
      const lane = lanes.get(event.lane);
      if (lane === undefined) lanes.set(event.lane, [event]);
      else lane.push(event);
    }
    owner.held = [];
    const open = [...lanes.values()].map((events) => ({ events, next: 0 }));
    while (open.length > 0) {
      const index = random.int(open.length);
      const lane = open[index] as (typeof open)[number];
      const event = lane.events[lane.next++] as Scheduled;
      event.timeUs = this.nowUs;
      event.sequence = this.#sequence++;
      this.#push(event);
      if (lane.next === lane.events.length) open.splice(index, 1);
    }
  }

  /** What is scheduled at this instant, by owner and kind in order of name. */
  pending(): PendingEvents[] {
    const byKey = new Map<string, PendingEvents>();
    for (const event of [...this.#heap, ...[...this.#held].flatMap(({ held }) => held)]) {
      if (event.run === null || event.owner.state === 'dropped') continue;
      const [owner, kind] = [event.owner.label.name, event.kind.name];
      const key = `${owner} ${kind}`;
      const known = byKey.get(key) ?? { owner, kind, count: 0, nextUs: event.timeUs };
      byKey.set(key, {
        ...known,
        count: known.count + 1,
        nextUs: Math.min(known.nextUs, event.timeUs),
      });
    }
    return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, events]) => events);
  }

  /** None of its events will run, now or ever. */
  drop(owner: Owner): void {
    owner.state = 'dropped';
    this.#held.delete(owner);
    owner.held = [];
  }

  /**
   * Runs until `main` has settled.
   * @throws what main rejected with, what an owner's `uncaught` gave up on, the signal's reason, or
   * WorldUnavailableError where the run does not get on
   */
  async run(main: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const synchronous = this.#options.drain !== 'event-loop' && tickCallback !== undefined;
    const settled = new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        main().then(
          () => {
            this.#finished = true;
          },
          (error: unknown) => {
            this.fail(error);
            this.#finished = true;
          },
        );
      };
      let begun = false;
      const turn = (): void => {
        const restore = this.#takeOverUncaught();
        try {
          signal?.throwIfAborted();
          if (!begun) {
            begun = true;
            begin();
            if (synchronous) this.#drain();
          } else if (synchronous) this.#portion();
          else if (this.#goesOn()) this.#step();
          if (!this.#goesOn()) {
            if (this.#failure !== null) reject(this.#failure.error);
            else resolve();
            restore();
            return;
          }
        } catch (error) {
          restore();
          reject(error);
          return;
        }
        // Without a synchronous drain the jobs run after this function has returned, and what they throw is ours too.
        if (synchronous) restore();
        setImmediate(() => {
          if (!synchronous) restore();
          turn();
        });
      };
      setImmediate(turn);
    });
    await settled;
  }

  #goesOn(): boolean {
    return !this.#finished && this.#failure === null;
  }

  #portion(): void {
    const ended = runWatched((isOver) => {
      do
        for (let i = 0; i < EVENTS_PER_LOOK && this.#goesOn(); i++) {
          this.#step();
          this.#drain();
        }
      while (this.#goesOn() && !isOver());
    }, this.#options.endlessAfterMs);
    if (ended) return;
    this.current.state = 'frozen';
    fatalException?.(nothing);
    this.current.endless();
  }

  #step(): void {
    const event = this.#pop();
    if (event === null)
      throw new WorldUnavailableError(
        `The simulated run stands still at ${this.nowUs / 1_000} ms: nothing is scheduled, but it is not over.`,
      );
    const { owner } = event;
    if (this.#lateOwner !== null) this.#endLate();
    if (event.timeUs > this.nowUs) {
      this.nowUs = event.timeUs;
      this.#atInstant = 0;
      if (this.nowUs > (this.#options.timeUsMax ?? TIME_US_MAX))
        throw new WorldUnavailableError(
          `The simulated run is not over after ${Math.round(this.nowUs / 1_000_000)} virtual seconds.`,
        );
    } else if (++this.#atInstant > (this.#options.eventsPerInstantMax ?? EVENTS_PER_INSTANT_MAX))
      throw new WorldUnavailableError(
        `The simulated run does not get past ${this.nowUs / 1_000} ms: ${this.#atInstant} events ran at that instant, ` +
          `the last one ${event.kind.name} of ${owner.label.name}.`,
      );
    this.current = owner;
    running.owner = owner;
    try {
      if (owner.lateUs <= this.nowUs) {
        // An event of its own, so that what it sets off has run before the one that came for it.
        this.#next = event;
        owner.lateUs = Number.POSITIVE_INFINITY;
        this.trace.add(this.nowUs, owner.label, late, 0);
        this.#lateOwner = owner;
        this.#lateBeganAt = this.#happened;
        owner.late();
        return;
      }
      this.trace.add(event.timeUs, owner.label, event.kind, event.digest);
      const { run } = event;
      event.run = null;
      run?.();
    } catch (error) {
      owner.uncaught(error, 'uncaughtException');
    }
  }

  /** Grows with everything that code of a run can do beyond its own variables: schedule, send, report. */
  get #happened(): number {
    return this.#sequence + this.trace.events;
  }

  #endLate(): void {
    const owner = this.#lateOwner;
    this.#lateOwner = null;
    owner?.lateEnded(this.#happened === this.#lateBeganAt);
  }

  /** Everything that the event set off in JavaScript itself. */
  #drain(): void {
    for (;;) {
      try {
        (tickCallback as () => void)();
        return;
      } catch (error) {
        // A nextTick threw; the ones behind it are still to be run.
        if (fatalException === undefined) this.current.uncaught(error, 'uncaughtException');
        else fatalException(error);
      }
    }
  }

  /**
   * Rejections that nobody handles and errors in microtasks come out at Node's own `process`; for the length of a turn
   * they belong to the owner, not to whoever listens there.
   */
  #takeOverUncaught(): () => void {
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const restore = events.map((event) => {
      const before = process.listeners(event as 'uncaughtException');
      process.removeAllListeners(event);
      const take = (error: unknown): void => {
        if (error !== nothing) this.current.uncaught(error, event);
      };
      process.on(event, take);
      return () => {
        process.off(event, take);
        for (const listener of before) process.on(event, listener);
      };
    });
    return () => {
      for (const one of restore) one();
    };
  }

  /** The next event that is neither cancelled nor held nor dropped. */
  #pop(): Scheduled | null {
    for (;;) {
      const event = this.#next ?? this.#popAny();
      this.#next = null;
      if (event === null) return null;
      if (event.run === null) {
        this.#cancelled--;
        continue;
      }
      const { owner } = event;
      if (owner.state === 'running') return event;
      if (owner.state === 'held') owner.held.push(event);
    }
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Scheduled;
      if (isBefore(parent, event)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  #popAny(): Scheduled | null {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined) return null;
    const last = heap.pop() as Scheduled;
    if (heap.length > 0) this.#siftDown(0, last);
    return first;
  }

  #siftDown(from: number, event: Scheduled): void {
    const heap = this.#heap;
    const { length } = heap;
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= length) break;
      let child = heap[childIndex] as Scheduled;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (isBefore(event, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = event;
  }

  /** Clients set long timers and clear them soon; without this the queue would be made of them. */
  #clean(): void {
    const heap = this.#heap;
    let kept = 0;
    for (const event of heap) if (event.run !== null && event.owner.state !== 'dropped') heap[kept++] = event;
    heap.length = kept;
    for (let index = (kept >> 1) - 1; index >= 0; index--) this.#siftDown(index, heap[index] as Scheduled);
    this.#cancelled = 0;
  }
}

const isBefore = (one: Scheduled, other: Scheduled): boolean =>
  one.timeUs < other.timeUs || (one.timeUs === other.timeUs && one.sequence < other.sequence);
