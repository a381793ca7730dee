/**
 * Who made a container or a child process: the harness's own process enters, labels and arguments that name it leave,
 * and such a name enters again to be told whether that harness still lives.
 */
import { hostname } from 'node:os';
import { ownStart, readProcess } from './process-list.ts';

export interface HarnessIdentity {
  readonly pid: number;
  /** When that process started, in a form that two processes with the same id cannot share. */
  readonly started: string;
  /** A process id means something on its own host only (a container counts as one). */
  readonly host: string;
}

export const labelNames = {
  session: 'kafka-trial.session',
  pid: 'kafka-trial.harness-pid',
  started: 'kafka-trial.harness-started',
  host: 'kafka-trial.host',
} as const;

export const argumentPrefixes = {
  session: '--kafka-trial-session=',
  harness: '--kafka-trial-harness=',
} as const;

let own: HarnessIdentity | undefined;

/** The identity of this very process. */
export function ownIdentity(): HarnessIdentity {
  own ??= { pid: process.pid, started: ownStart(), host: hostname() };
  return own;
}

/** The labels that every container and network of a session carries. */
export function harnessLabels(sessionId: string, identity = ownIdentity()): Record<string, string> {
  return {
    [labelNames.session]: sessionId,
    [labelNames.pid]: String(identity.pid),
    [labelNames.started]: identity.started,
    [labelNames.host]: identity.host,
  };
}

/** The arguments that every child process of a session carries, so that it can be told from anybody else's. */
export function harnessArguments(sessionId: string, identity = ownIdentity()): string[] {
  const { pid, started } = identity;
  return [`${argumentPrefixes.session}${sessionId}`, `${argumentPrefixes.harness}${pid}:${started}`];
}

/** Undefined where the labels are not those of a harness. */
export function identityFromLabels(
  labels: Readonly<Record<string, string>>,
): { sessionId: string; identity: HarnessIdentity } | undefined {
  const sessionId = labels[labelNames.session];
  const pid = Number(labels[labelNames.pid]);
  const started = labels[labelNames.started];
  const host = labels[labelNames.host];
  if (!sessionId || !Number.isSafeInteger(pid) || pid <= 0 || !started || !host) return undefined;
  return { sessionId, identity: { pid, started, host } };
}

/** Undefined where the arguments are not those of a harness's child. */
export function identityFromArguments(
  commandLine: readonly string[],
): { sessionId: string; identity: HarnessIdentity } | undefined {
  const valueAfter = (prefix: string) =>
    commandLine.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
  const sessionId = valueAfter(argumentPrefixes.session);
  const [, pid, started] = /^(\d+):(\S+)$/.exec(valueAfter(argumentPrefixes.harness) ?? '') ?? [];
  if (!sessionId || !pid || !started) return undefined;
  return { sessionId, identity: { pid: Number(pid), started, host: hostname() } };
}

/** True, false, or `elsewhere` for a harness of another host, about which nothing can be said from here. */
export async function isHarnessAlive(identity: HarnessIdentity): Promise<boolean | 'elsewhere'> {
  if (identity.host !== hostname()) return 'elsewhere';
  const process = await readProcess(identity.pid);
  return process !== undefined && process.started === identity.started;
}
