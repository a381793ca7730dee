/**
 * Child processes in which several members run: start commands enter, each child is spoken to as its members are, and for
 * each member a process leaves that looks as if it were its own.
 */
import type { Command, MemberStart } from '../../client/protocol.ts';
import type { UnplacedEvent } from '../../history/schema.ts';
import type { ClientExit, ClientProcess } from '../client-process.ts';
import { parseMemberLine } from './client-event.ts';
import { type ClientProcessOptions, exitOf, launchChild } from './client-process.ts';

interface Member {
  readonly onEvent: (event: UnplacedEvent) => void;
  readonly onLog: (line: string) => void;
  readonly end: (exit: ClientExit) => void;
  readonly fail: (error: unknown) => void;
}

/** All of one run. */
export class SharedClientProcesses {
  readonly #children = new Map<string, SharedChild>();

  /** @param name what the start command calls the process; the first of a name starts it */
  spawn(name: string, start: MemberStart, options: ClientProcessOptions): ClientProcess {
    const child =
      this.#children.get(name) ?? new SharedChild(options, () => void this.#children.delete(name));
    this.#children.set(name, child);
    return child.start(start, options);
  }
}

class SharedChild {
  readonly #members = new Map<string, Member>();
  /** Members that have closed while others go on: what their clients left behind may still do something. */
  readonly #closed = new Map<string, Member>();
  readonly #child: ReturnType<typeof launchChild>;
  readonly #forget: () => void;
  /** Lines that were no events; told with the first exit that comes. */
  #invalidLines = 0;

  /** @param forget called when nobody can start in it any more */
  constructor(options: ClientProcessOptions, forget: () => void) {
    this.#forget = forget;
    this.#child = launchChild(options, {
      onLine: (line) => this.#take(line),
      onLog: (line) => this.#log(line),
    });
    exitOf(this.#child).then(
      (exit) => {
        forget();
        for (const [name, member] of [...this.#members]) this.#end(name, member, exit);
      },
      (error: unknown) => {
        forget();
        for (const { fail } of this.#members.values()) fail(error);
      },
    );
  }

  start(start: MemberStart, { onEvent, onLog }: ClientProcessOptions): ClientProcess {
    const { process: name } = start;
    const exited = new Promise<ClientExit>((end, fail) => {
      this.#members.set(name, { onEvent, onLog, end, fail });
    });
    // Whoever awaits it later gets the rejection all the same.
    exited.catch(() => {});
    this.#say(start);
    return {
      pid: this.#child.pid,
      exited,
      command: (command) => {
        if (command.command === 'link')
          throw new Error(`${name} shares its process, and has no links of its own`);
        this.#say({ ...command, process: name });
      },
      // Of the whole process, however often it is sent.
      signal: (signal) => void this.#child.kill(signal),
    };
  }

  #say(command: Command): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #take(line: string): void {
    const taken = parseMemberLine(line);
    if (typeof taken === 'string') this.#refuse(taken);
    else if ('closed' in taken) this.#close(taken.closed);
    else {
      const member = this.#members.get(taken.process) ?? this.#closed.get(taken.process);
      if (member === undefined) this.#refuse(`no member of this process is called ${taken.process}`);
      else member.onEvent(taken);
    }
  }

  #refuse(sentence: string): void {
    this.#invalidLines++;
    this.#log(sentence);
  }

  #log(line: string): void {
    const [first] = this.#members.values();
    first?.onLog(line);
  }

  #close(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) this.#refuse(`${name} closed, and does not run in this process`);
    else if (this.#members.size === 1) {
      // Nobody is left to go on for: the process ends, and with it what its members may have left behind.
      this.#forget();
      this.#child.stdin.end();
    } else {
      this.#closed.set(name, member);
      this.#end(name, member, { code: 0, signal: null });
    }
  }

  #end(name: string, member: Member, exit: Pick<ClientExit, 'code' | 'signal'>): void {
    this.#members.delete(name);
    member.end({ ...exit, invalidLines: this.#invalidLines });
    this.#invalidLines = 0;
  }
}
