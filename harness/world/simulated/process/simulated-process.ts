/**
 * One simulated process: a start command and signals enter, the adapter's application runs in it on virtual time, its
 * events go straight into the history, and it ends as a child process would.
 */
import { EventEmitter } from 'node:events';
import { causes, describeError } from '../../../client/application/describe-error.ts';
import type { Application, ClientEvent, Host } from '../../../client/host.ts';
import type { CallCommand, Command, StartCommand } from '../../../client/protocol.ts';
import { WorldUnavailableError } from '../../../errors.ts';
import { stamped } from '../../../history/place.ts';
import type { UnplacedEvent } from '../../../history/schema.ts';
import type { ClientExit, ClientProcess } from '../../client-process.ts';
import type { Ending, Network } from '../network.ts';
import type { RandomStream, RandomStreams } from '../random.ts';
import type { Owner, Scheduler } from '../scheduler.ts';
import { digestValue, label } from '../trace.ts';
import type { ClientBundle } from './client-bundle.ts';
import { type ClockSkew, ProcessClock } from './clock.ts';
import type { ProcessParts } from './parts.ts';
import { SimulationRefusal } from './refuse.ts';
import type { RealmMember, SharedRealm } from './shared-realm.ts';
import type { Dialer } from './socket.ts';
import { GRID_MS, ProcessTimers } from './timers.ts';

export interface SimulatedProcessOptions {
  readonly start: StartCommand;
  /** The process's id in the scenario, the same over all its incarnations: it names its links. */
  readonly id: string;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly streams: RandomStreams;
  readonly bundle: ClientBundle;
  /** The broker that a name stands for, or null. */
  readonly resolve: (host: string, port: number) => number | null;
  readonly onEvent: (event: UnplacedEvent) => void;
  readonly onLog: (line: string) => void;
  /** Virtual time of scenario time 0. */
  readonly timeOriginUs: number;
  readonly skew: ClockSkew;
  /** How much longer than usual it takes to start. */
  readonly startDelayMs?: number;
  /** See `Host`. */
  readonly onConfigured?: NonNullable<Host['configured']>;
  /** The process of the machine that it is one of several members in; left out where it has it to itself. */
  readonly shared?: SharedRealm;
}

/** From the command to the first instruction of the application: loading Node.js and the client. */
const START_US = 120_000;
const START_JITTER_US = 120_000;
/** From the command to the first instruction of a member in a process that runs already. */
const START_BESIDE_US = 1_000;
/** From the end of a process to the moment at which its parent knows. */
const REAP_US = 500;
const exitCodes = { closed: 0, failed: 1 } as const;

const kinds = {
  start: label('start'),
  command: label('command'),
  signal: label('signal'),
  emit: label('emit'),
  exit: label('exit'),
  frozen: label('frozen'),
};

export class SimulatedProcess implements ClientProcess, RealmMember {
  readonly pid: number;
  readonly exited: Promise<ClientExit>;
  readonly #options: SimulatedProcessOptions;
  readonly #owner: Owner;
  readonly #name: string;
  readonly #random: RandomStream;
  #resolveExited: (exit: ClientExit) => void = () => {};
  #application: Application | null = null;
  #started = false;
  readonly #signals = new EventEmitter();
  readonly #early: CallCommand[] = [];
  #closing = false;
  #alive = true;
  #hasExited = false;

  constructor(options: SimulatedProcessOptions, pid: number) {
    const { scheduler, start, streams } = options;
    this.#options = options;
    this.pid = pid;
    this.#name = start.process;
    this.#random = streams.of(`process ${start.process}`);
    this.#owner = scheduler.owner(
      start.process,
      (error, origin) => this.#uncaught(error, origin),
      () => this.#frozen(),
    );
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
    const startUs =
      START_US + this.#random.int(START_JITTER_US) + Math.round((options.startDelayMs ?? 0) * 1_000);
    scheduler.after(this.#owner, this.#enterRealm(startUs), kinds.start, () => this.#start());
  }

  /**
   * @param startUs how long a process takes to start
   * @returns how long this member takes: what is left of that, where another one has begun it
   */
  #enterRealm(startUs: number): number {
    const { scheduler, shared } = this.#options;
    if (shared === undefined) return startUs;
    shared.enter(this);
    shared.startsAtUs ??= scheduler.nowUs + startUs - START_BESIDE_US;
    return Math.max(0, shared.startsAtUs - scheduler.nowUs) + START_BESIDE_US;
  }

  command(command: Command): void {
    if (command.command === 'close')
      this.#options.scheduler.after(this.#owner, 1, kinds.command, () => void this.#close());
    else if (command.command === 'call')
      this.#options.scheduler.after(this.#owner, 1, kinds.command, () => this.#call(command));
  }

  signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.#alive) return;
    const { scheduler } = this.#options;
    switch (signal) {
      case 'SIGKILL':
        this.#endProcess({ code: null, signal });
        break;
      case 'SIGSTOP':
        for (const one of this.#all()) one.holdWithProcess();
        break;
      case 'SIGCONT':
        for (const one of this.#all()) one.releaseWithProcess();
        break;
      case 'SIGTERM':
        scheduler.after(this.#owner, 1, kinds.signal, () => {
          // Before Node.js has come as far as the handler, the signal does what it does to any process.
          const hasHandler = this.#options.shared?.hasStarted ?? this.#started;
          if (!hasHandler) this.#endProcess({ code: null, signal });
          else {
            this.#signals.emit(signal);
            void this.#close();
          }
        });
    }
  }

  #start(): void {
    // It was told to close before it had begun.
    if (this.#closing) return;
    const { start, bundle, scheduler, streams, network, resolve, skew, onLog, id } = this.#options;
    const clock = new ProcessClock(scheduler, skew);
    const dialer: Dialer = {
      connect: (host, port, receiver) => {
        const broker = resolve(host, port);
        return broker === null ? null : network.connect(this.#owner, id, broker, receiver);
      },
    };
    const parts: ProcessParts = {
      pid: this.pid,
      clock,
      timers: new ProcessTimers(scheduler, this.#owner, clock, this.#random.int(GRID_MS * 1_000)),
      random: streams.of(`process ${this.#name} random`),
      cryptoRandom: streams.of(`process ${this.#name} crypto`),
      dialer,
      signals: this.#signals,
      // kafkajs and others behave differently under NODE_ENV=test.
      env: { NODE_ENV: 'production' },
      exitCode: undefined,
      exit: (code) => this.#exit(code),
      print: (text) => {
        for (const line of text.replace(/\n$/, '').split('\n')) onLog(line);
      },
    };
    this.#owner.parts = parts;
    const { onConfigured, shared } = this.#options;
    const host: Host = {
      emit: (event: ClientEvent) => this.#emit(event),
      exit: (code: number) => this.#exit(code),
      failed: (error: unknown) => this.#failRefused(error),
      refuse: (sentence: string) => {
        scheduler.fail(
          new WorldUnavailableError(`${this.#name} cannot be put on trial.`, { hint: sentence }),
        );
        this.#exit(exitCodes.failed);
      },
      ...(onConfigured === undefined ? {} : { configured: onConfigured }),
      ...(shared === undefined ? {} : { shared }),
    };
    const adapter = shared?.adapterOf(bundle) ?? bundle.load(() => parts);
    shared?.begin(this.#owner, host);
    this.#started = true;
    this.#application =
      start.role === 'member' ? adapter.startMember(start, host) : adapter.startProducer(start, host);
    for (const command of this.#early) this.#call(command);
  }

  /** What comes before the application runs waits in the pipe. */
  #call(command: CallCommand): void {
    if (!this.#started) this.#early.push(command);
    else if (!this.#closing) void this.#application?.call?.(command);
  }

  async #close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#application?.close();
    if (!this.#alive) return;
    const { shared } = this.#options;
    const exit = { code: exitCodes.closed, signal: null };
    if (shared === undefined || shared.isLast(this)) this.#endProcess(exit);
    else {
      // The process goes on for the others, and what this one's client has left behind goes on in it.
      shared.leave(this);
      this.#tellExit(exit);
    }
  }

  #emit(event: ClientEvent): void {
    if (!this.#alive) return;
    const { scheduler, timeOriginUs, onEvent } = this.#options;
    scheduler.trace.add(scheduler.nowUs, this.#owner.label, kinds.emit, digestValue(event));
    onEvent(stamped((scheduler.nowUs - timeOriginUs) / 1_000, this.#name, event) as UnplacedEvent);
  }

  #uncaught(error: unknown, origin: 'uncaughtException' | 'unhandledRejection'): void {
    // What a process that has ended goes on to do is nothing.
    if (!this.#alive) return;
    this.#options.onLog(error instanceof Error ? (error.stack ?? error.message) : String(error));
    this.#failRefused(error);
    this.#emit({ kind: 'application-error', call: origin, error: describeError(error) });
    this.#exit(exitCodes.failed);
  }

  /** What the process failed by is this world, not itself, so there is nothing to judge. */
  #failRefused(error: unknown): void {
    const refused = causes(error).find((one) => one instanceof SimulationRefusal);
    if (refused === undefined) return;
    this.#options.scheduler.fail(
      new WorldUnavailableError(`${this.#name} cannot run in the simulated world.`, {
        hint: refused.message,
      }),
    );
  }

  /** Its connections stay, and it hears nothing any more, signals to its own handlers included. */
  #frozen(): void {
    this.#options.onLog('The process computes without end and never waits for anything.');
    this.#noteFrozen();
    this.#options.shared?.freeze(this);
  }

  freezeWithProcess(): void {
    if (!this.#alive) return;
    this.#owner.state = 'frozen';
    if (!this.#hasExited) this.#noteFrozen();
  }

  #noteFrozen(): void {
    const { scheduler, timeOriginUs, onEvent } = this.#options;
    scheduler.trace.add(scheduler.nowUs, this.#owner.label, kinds.frozen, 0);
    onEvent({
      time: (scheduler.nowUs - timeOriginUs) / 1_000,
      process: this.#name,
      kind: 'process-frozen',
    });
  }

  #exit(code: number): void {
    if (this.#alive) this.#endProcess({ code, signal: null });
  }

  #all(): Iterable<RealmMember> {
    return this.#options.shared?.all() ?? [this];
  }

  #endProcess(exit: Pick<ClientExit, 'code' | 'signal'>): void {
    const { shared } = this.#options;
    if (shared !== undefined) shared.isOver = true;
    for (const one of this.#all()) one.endWithProcess(exit);
  }

  holdWithProcess(): void {
    this.#options.scheduler.hold(this.#owner);
  }

  releaseWithProcess(): void {
    this.#options.scheduler.release(this.#owner, this.#random);
  }

  endWithProcess(exit: Pick<ClientExit, 'code' | 'signal'>): void {
    if (this.#alive) this.#end(exit);
  }

  /** Nothing of it runs any more; the kernel closes its sockets. */
  #end(exit: Pick<ClientExit, 'code' | 'signal'>): void {
    const { scheduler, network } = this.#options;
    this.#alive = false;
    scheduler.drop(this.#owner);
    // The kernel resets a socket on which bytes were left unread.
    const ending: Ending = this.#random.chance(200) ? 'reset' : 'fin';
    network.gone(this.#owner, ending);
    this.#tellExit(exit);
  }

  /** Once: of a member that has closed, the end of its process says nothing more. */
  #tellExit(exit: Pick<ClientExit, 'code' | 'signal'>): void {
    const { scheduler } = this.#options;
    if (this.#hasExited) return;
    this.#hasExited = true;
    scheduler.after(scheduler.harness, REAP_US, kinds.exit, () =>
      this.#resolveExited({ ...exit, invalidLines: 0 }),
    );
  }
}
