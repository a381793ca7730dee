/** A running client process, as every world shows it: commands and signals enter, and how it ended leaves. */
import type { Command } from '../client/protocol.ts';

export interface ClientExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Output lines that were no events; each was logged. */
  readonly invalidLines: number;
}

export interface ClientProcess {
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its last event has been delivered; rejects where it never started. */
  readonly exited: Promise<ClientExit>;
  command(command: Command): void;
  signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void;
}
