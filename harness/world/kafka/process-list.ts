/** The processes of this machine: a process id or nothing enters, start times and command lines leave. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface ProcessFacts {
  readonly pid: number;
  /** Start time as the system counts it; with the process id it names a process for good. */
  readonly started: string;
  readonly commandLine: readonly string[];
}

const run = promisify(execFile);

/** Undefined where there is no such process, or where it has ended and only waits for its parent to notice. */
export function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  return process.platform === 'linux' ? readFromProc(pid) : readFromPs(pid);
}

export async function listProcesses(): Promise<ProcessFacts[]> {
  if (process.platform !== 'linux') return parsePs((await ps(['-A'])) ?? '');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(pids.map(readFromProc));
  return processes.filter((facts) => facts !== undefined);
}

/** When this very process started; at once, since every process that it makes carries it. */
export function ownStart(): string {
  if (process.platform === 'linux') return startOf(readFileSync('/proc/self/stat', 'latin1'));
  const text = execFileSync('ps', ['-p', String(process.pid), ...psColumns], {
    env: psEnvironment(),
    encoding: 'utf8',
  });
  const [self] = parsePs(text);
  if (self === undefined) throw new Error(`ps does not know process ${process.pid}, which is this one`);
  return self.started;
}

let bootId: string | undefined;

/** Start times count from the boot, so one of an earlier boot could come again; the boot's id tells them apart. */
function startOf(stat: string): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().slice(0, 8);
  return `${parseStat(stat).startTicks}@${bootId}`;
}

async function readFromProc(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const [stat, commandLine] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    const { state } = parseStat(stat);
    if (state === 'Z' || state === 'X') return undefined;
    return { pid, started: startOf(stat), commandLine: commandLine.split('\0').slice(0, -1) };
  } catch {
    return undefined;
  }
}

/** Fields of /proc/PID/stat. The second, the command in parentheses, may itself hold spaces and parentheses. */
export function parseStat(stat: string): { state: string; startTicks: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === undefined || startTicks === undefined) throw new Error(`not a process status: ${stat}`);
  return { state, startTicks };
}

async function readFromPs(pid: number): Promise<ProcessFacts | undefined> {
  const text = await ps(['-p', String(pid)]);
  return text === undefined ? undefined : parsePs(text)[0];
}

const psColumns = ['-ww', '-o', 'pid=', '-o', 'state=', '-o', 'lstart=', '-o', 'args='];
const psEnvironment = () => ({ ...process.env, LC_ALL: 'C', TZ: 'UTC' });

async function ps(which: string[]): Promise<string | undefined> {
  try {
    const options = { env: psEnvironment(), maxBuffer: 64 * 1024 * 1024 };
    return (await run('ps', [...which, ...psColumns], options)).stdout;
  } catch {
    return undefined;
  }
}

/** Lines such as ` 4711 S    Sun Nov 22 16:01:02 2026     node main.js`. */
export function parsePs(text: string): ProcessFacts[] {
  return text.split('\n').flatMap((line) => {
    const [, pid, state, started, command] =
      /^\s*(\d+)\s+(\S+)\s+(\w{3} +\w{3} +\d+ +[\d:]+ +\d{4})\s+(.*)$/.exec(line) ?? [];
    if (!pid || !state || !started || state.startsWith('Z')) return [];
    const startedSeconds = Date.parse(`${started} UTC`) / 1_000;
    return [{ pid: Number(pid), started: String(startedSeconds), commandLine: (command ?? '').split(/\s+/) }];
  });
}
