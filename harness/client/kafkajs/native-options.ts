/** kafkajs' own options of a start command: what takes them enters, an object to spread over the others leaves. */
import type { StartCommand } from '../protocol.ts';

/** Checked against the adapter's vocabulary before anything was started. */
export const nativeOptions = (
  start: StartCommand,
  takenBy: 'kafka' | 'consumer' | 'run' | 'producer' | 'send',
): Record<string, unknown> => {
  const { native } = start.role === 'member' ? start.group : start.producer;
  return native?.kafkajs?.[takenBy] ?? {};
};
