/**
 * The client processes of one run: scenario ids enter (join this member, kill that one), processes of the world and
 * signals to them leave, and every start and exit is in the history.
 */
import { type Group, mayRead, type Producer, processMates, topicsOf } from '../../scenarios/schema.ts';
import { mixSeed } from '../../scenarios/seed.ts';
import type { CallCommand, Connection, StartCommand } from '../client/protocol.ts';
import type { UnplacedEvent } from '../history/schema.ts';
import type { ClientProcess } from './client-process.ts';
import { inRealNames } from './real-names.ts';
import { type RunContext, waitMs } from './run-context.ts';

/** A process that ended by itself with an error is started again after this time, as a supervisor would. */
const RESTART_DELAY_MS = 1_000;
/** More restarts than this within one run are a fact about the client, and the history has shown it by then. */
export const RESTARTS_MAX = 20;

/** Exit code of a driver that cannot take its start command: ours to mend, nothing that the client did. */
const NOT_UNDERSTOOD = 2;

/** How a world starts a process; what it reports comes through the two callbacks. */
export type Spawn = (
  start: StartCommand,
  /** The id of the member or producer in the scenario. */
  id: string,
  callbacks: { readonly onEvent: (event: UnplacedEvent) => void; readonly onLog: (line: string) => void },
) => ClientProcess;

interface Running {
  readonly name: string;
  readonly client: ClientProcess;
}

/** A process of the machine in which several members run. */
interface SharedProcess {
  readonly name: string;
  incarnation: number;
  /** How many members run in its current incarnation. */
  members: number;
  /** It has been told to end, or killed: whoever starts from now on does so in the next incarnation. */
  isEnding: boolean;
}

interface Slot {
  readonly id: string;
  /** Null where it has its process to itself. */
  readonly shared: SharedProcess | null;
  /** The ids of all that run in its process, itself included. */
  readonly mates: readonly string[];
  readonly role: 'member' | 'producer';
  readonly group: Group | null;
  readonly producer: Producer | null;
  incarnation: number;
  restarts: number;
  current: Running | null;
  /** Earlier incarnations that run beside the current one, which took their place while they lived. */
  shadows: readonly Running[];
  /** The scenario wants it to run: it has joined and has not been told to end. */
  wanted: boolean;
  stalled: boolean;
  /** It is to be started anew as soon as the incarnation that is closing has ended. */
  startAgain: boolean;
  /** Ends the wait for the restart, where one is due. */
  cancelRestart: (() => void) | null;
}

/** What has become of a process that the scenario names. */
export interface ProcessState {
  /** The id of the member or producer in the scenario. */
  readonly id: string;
  /** Its newest incarnation; null where there was none yet. */
  readonly process: string | null;
  readonly state: 'not started' | 'running' | 'stalled' | 'closing' | 'waiting for its restart' | 'ended';
}

export class Processes {
  readonly #context: RunContext;
  readonly #connection: Connection;
  readonly #spawnProcess: Spawn;
  readonly #slots = new Map<string, Slot>();
  readonly #exits = new Set<Promise<void>>();
  readonly #log: (process: string, line: string) => void;

  constructor(
    context: RunContext,
    connection: Connection,
    spawn: Spawn,
    log: (process: string, line: string) => void,
  ) {
    this.#context = context;
    this.#connection = connection;
    this.#spawnProcess = spawn;
    this.#log = log;
    const blank = {
      incarnation: 0,
      restarts: 0,
      current: null,
      shadows: [],
      wanted: false,
      stalled: false,
      startAgain: false,
      cancelRestart: null,
    };
    const shared = new Map<string, SharedProcess>();
    const sharedBy = (name: string): SharedProcess => {
      const known = shared.get(name) ?? { name, incarnation: 0, members: 0, isEnding: true };
      shared.set(name, known);
      return known;
    };
    for (const group of context.scenario.groups)
      for (const { id, sharedProcess } of group.members)
        this.#slots.set(id, {
          ...blank,
          id,
          shared: sharedProcess === undefined ? null : sharedBy(sharedProcess),
          mates: processMates(context.scenario, id),
          role: 'member',
          group,
          producer: null,
        });
    for (const producer of context.scenario.producers) {
      const { id } = producer;
      this.#slots.set(id, {
        ...blank,
        id,
        shared: null,
        mates: [id],
        role: 'producer',
        group: null,
        producer,
      });
    }
  }

  /**
   * Starts a new incarnation: at once, or, where the one before is still closing, when that has ended.
   * Returns why it could not, or null.
   */
  start(id: string): string | null {
    const slot = this.#slot(id);
    if (slot.wanted) return `${id} already runs`;
    if (this.#isHeld(slot)) return `${slot.shared?.name}, the process in which ${id} would run, is stalled`;
    slot.wanted = true;
    if (slot.current === null) this.#spawn(slot);
    else slot.startAgain = true;
    return null;
  }

  /** Starts a new incarnation while the one before lives. Returns why not, or null. */
  twin(id: string): string | null {
    const slot = this.#slot(id);
    if (slot.current === null || !slot.wanted) return `${id} does not run`;
    if (slot.stalled) return `${id} is stalled`;
    slot.shadows = [...slot.shadows, slot.current];
    this.#spawn(slot);
    return null;
  }

  /** Tells the application to close its client and end. Returns why not, or null. */
  close(id: string): string | null {
    return this.#end(id, (client) => client.command({ command: 'close' }));
  }

  /**
   * Has the application call its client's API. Returns why not, or null.
   * @param ofProcess the incarnation that it is meant for; by default, whichever runs
   */
  call(id: string, command: CallCommand, ofProcess?: string): string | null {
    const { current, shadows } = this.#slot(id);
    const target =
      ofProcess === undefined
        ? current
        : [...shadows, ...(current === null ? [] : [current])].find(({ name }) => name === ofProcess);
    if (target == null) return ofProcess === undefined ? `${id} does not run` : `${ofProcess} has ended`;
    target.client.command(command);
    return null;
  }

  /** The incarnation of a process that runs, or null. */
  current(id: string): string | null {
    return this.#slot(id).current?.name ?? null;
  }

  /** SIGTERM or SIGKILL, for all that run in the process. Returns why not, or null. */
  kill(id: string, signal: 'SIGTERM' | 'SIGKILL'): string | null {
    const { shared } = this.#slot(id);
    const how = (client: ClientProcess): void => client.signal(signal);
    const reason = this.#end(id, how);
    if (reason !== null || shared === null) return reason;
    shared.isEnding = true;
    for (const mate of this.#mates(id)) if (mate.id !== id) this.#end(mate.id, how);
    return null;
  }

  /** SIGSTOP, or SIGCONT for a process that is stopped, for all that run in it. Returns why not, or null. */
  stall(id: string): string | null {
    const slot = this.#slot(id);
    if (slot.current === null) return `${id} does not run`;
    if (slot.stalled) return `${id} is stalled already`;
    for (const one of this.#mates(id)) {
      if (one.current === null) continue;
      one.stalled = true;
      one.current.client.signal('SIGSTOP');
    }
    return null;
  }

  resume(id: string): string | null {
    const slot = this.#slot(id);
    if (slot.current === null || !slot.stalled) return `${id} is not stalled`;
    for (const one of this.#mates(id)) {
      if (one.current === null || !one.stalled) continue;
      one.stalled = false;
      one.current.client.signal('SIGCONT');
    }
    return null;
  }

  /** Process ids of the members that run and are wanted, in the scenario's order. */
  live(groupId: string): string[] {
    return [...this.#slots.values()].flatMap((slot) =>
      slot.group?.id === groupId && slot.wanted && slot.current !== null ? [slot.current.name] : [],
    );
  }

  /** True while the scenario wants any member of the group to run, alive at this instant or being restarted. */
  wantsMembers(groupId: string): boolean {
    return [...this.#slots.values()].some((slot) => slot.group?.id === groupId && slot.wanted);
  }

  /** Whether a member which the scenario wants to run subscribes to the topic, or has taken the partition by hand. */
  wantsToRead(groupId: string, topic: string, partition: number): boolean {
    return [...this.#slots.values()].some(
      ({ id, group, wanted }) => group?.id === groupId && wanted && mayRead(group, id, topic, partition),
    );
  }

  /** Every process of the scenario, in its order. */
  states(): ProcessState[] {
    return [...this.#slots.values()].map((slot) => ({
      id: slot.id,
      process: slot.incarnation === 0 ? null : `${slot.id}.${slot.incarnation}`,
      state: stateOf(slot),
    }));
  }

  /** Resolves when all processes of the role have ended; false where some still ran at the deadline. */
  async ended(role: 'member' | 'producer', timeoutMs: number): Promise<boolean> {
    const deadlineMs = this.#context.now() + timeoutMs;
    for (const slot of this.#slots.values()) {
      if (slot.role !== role) continue;
      for (;;) {
        const [running] = [...slot.shadows, ...(slot.current === null ? [] : [slot.current])];
        if (running === undefined) break;
        const leftMs = deadlineMs - this.#context.now();
        if (leftMs <= 0) return false;
        const { exited } = running.client;
        await waitMs(this.#context, leftMs, (wake) => void exited.then(wake, wake));
        // The exit is recorded by a continuation of the same promise; let it run. A process that never started rejects.
        await Promise.race([exited, Promise.resolve()]);
      }
    }
    return true;
  }

  /** Tells all members to close, resumes those that are stalled, and waits; what is left at the bound is killed. */
  async closeMembers(timeoutMs: number): Promise<void> {
    for (const slot of this.#slots.values()) {
      if (slot.role !== 'member') continue;
      if (slot.stalled) this.resume(slot.id);
      if (slot.current !== null && slot.wanted) this.close(slot.id);
      else for (const { client } of slot.shadows) client.command({ command: 'close' });
      this.#forgetRestart(slot);
      slot.wanted = false;
    }
    if (!(await this.ended('member', timeoutMs))) await this.killAll();
  }

  /** Kills whatever still runs and waits until it is gone; safe at any time, any number of times. */
  async killAll(): Promise<void> {
    for (const slot of this.#slots.values()) {
      slot.wanted = false;
      this.#forgetRestart(slot);
      slot.current?.client.signal('SIGKILL');
      for (const { client } of slot.shadows) client.signal('SIGKILL');
    }
    await Promise.all(this.#exits);
  }

  #slot(id: string): Slot {
    const slot = this.#slots.get(id);
    if (slot === undefined) throw new Error(`no process is called ${id}`);
    return slot;
  }

  #mates(id: string): Slot[] {
    return this.#slot(id).mates.map((mate) => this.#slot(mate));
  }

  /** Whether the process that it shares with others is stopped. */
  #isHeld({ shared, id }: Slot): boolean {
    return shared !== null && !shared.isEnding && this.#mates(id).some(({ stalled }) => stalled);
  }

  #end(id: string, how: (client: ClientProcess) => void): string | null {
    const slot = this.#slot(id);
    const pending = slot.cancelRestart !== null;
    this.#forgetRestart(slot);
    slot.wanted = false;
    slot.startAgain = false;
    for (const { client } of slot.shadows) how(client);
    if (slot.current === null) return pending ? null : `${id} does not run`;
    how(slot.current.client);
    return null;
  }

  #forgetRestart(slot: Slot): void {
    slot.cancelRestart?.();
    slot.cancelRestart = null;
  }

  #spawn(slot: Slot): void {
    const context = this.#context;
    slot.incarnation++;
    slot.stalled = false;
    slot.startAgain = false;
    const name = `${slot.id}.${slot.incarnation}`;
    const { shared } = slot;
    if (shared !== null) enter(shared);
    const sharedProcess = shared === null ? null : nameOf(shared);
    context.note({
      process: name,
      kind: 'process-start',
      role: slot.role,
      id: slot.id,
      group: slot.group?.id ?? null,
      incarnation: slot.incarnation,
      ...(sharedProcess === null ? {} : { sharedProcess }),
    });
    const client = this.#spawnProcess(this.#startCommand(slot, name, sharedProcess), slot.id, {
      onEvent: (event) => context.record(context.names.toLogical(event)),
      onLog: (line) => this.#log(name, line),
    });
    slot.current = { name, client };
    const exit = client.exited.then(({ code, signal, invalidLines }) => {
      const isShadow = slot.shadows.some((one) => one.client === client);
      if (isShadow) slot.shadows = slot.shadows.filter((one) => one.client !== client);
      else {
        slot.current = null;
        slot.stalled = false;
      }
      if (shared !== null && sharedProcess === nameOf(shared)) shared.members--;
      if (invalidLines > 0) context.incomplete(`${name} wrote ${invalidLines} lines that are no events`);
      context.note({ process: name, kind: 'process-exit', code, signal });
      this.#exits.delete(exit);
      // Nobody wants two of them, so nobody starts it again.
      if (isShadow) return;
      if (code === NOT_UNDERSTOOD) context.incomplete(`${name} did not understand its start command`);
      if (slot.role === 'producer' || code === NOT_UNDERSTOOD) slot.wanted = false;
      if (!slot.wanted) return;
      if (slot.startAgain) return this.#spawn(slot);
      if (slot.restarts >= RESTARTS_MAX) return;
      slot.restarts++;
      slot.cancelRestart = context.after(RESTART_DELAY_MS, () => {
        slot.cancelRestart = null;
        if (slot.wanted && !context.signal.aborted) this.#spawn(slot);
      });
    });
    this.#exits.add(exit);
  }

  #startCommand(slot: Slot, name: string, sharedProcess: string | null): StartCommand {
    const { scenario, subject, names, timeOriginEpochMs } = this.#context;
    const order = [...this.#slots.keys()].indexOf(slot.id);
    const common = {
      command: 'start' as const,
      protocol: 1 as const,
      process: name,
      connection: this.#connection,
      // One stream per process, so that dropping a member from a scenario leaves the others' draws alone.
      seed: mixSeed(scenario.seed, order * 1_000 + slot.incarnation),
      timeOriginEpochMs,
      mutant: subject.mutant,
    };
    if (slot.group !== null) {
      const self = slot.group.members.find(({ id }) => id === slot.id);
      const known = [slot.group.id, ...scenario.topology.topics.map(({ name }) => name)];
      return {
        ...common,
        role: 'member',
        group: inRealNames(slot.group, names),
        member: {
          topics: topicsOf(slot.group, slot.id).map(names.real),
          rack: self?.rack ?? null,
          ...(self?.assigned === undefined
            ? {}
            : { assigned: self.assigned.map((one) => ({ ...one, topic: names.real(one.topic) })) }),
        },
        ...(sharedProcess === null ? {} : { sharedProcess }),
        ...(subject.application === undefined
          ? {}
          : { names: Object.fromEntries(known.map((one) => [one, names.real(one)])) }),
      };
    }
    const producer = slot.producer as Producer;
    const values = Object.fromEntries(
      scenario.topology.topics.flatMap(({ name, value }) =>
        value === undefined ? [] : [[names.real(name), value]],
      ),
    );
    return {
      ...common,
      role: 'producer',
      producer: { ...producer, topics: producer.topics.map(names.real) },
      ...(Object.keys(values).length === 0 ? {} : { values }),
    };
  }
}

const nameOf = ({ name, incarnation }: SharedProcess): string => `${name}.${incarnation}`;

/** A member starts: in the incarnation that runs, or in a new one. */
function enter(shared: SharedProcess): void {
  if (shared.isEnding || shared.members === 0) {
    shared.incarnation++;
    shared.members = 0;
    shared.isEnding = false;
  }
  shared.members++;
}

function stateOf(slot: Slot): ProcessState['state'] {
  if (slot.current !== null) return slot.stalled ? 'stalled' : slot.wanted ? 'running' : 'closing';
  if (slot.cancelRestart !== null) return 'waiting for its restart';
  return slot.incarnation === 0 ? 'not started' : 'ended';
}
