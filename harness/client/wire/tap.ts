/** Stub. */
import type { ClientEvent } from '../host.ts';

export const createWireTap = (_options: {
  clientId: string;
  emit(event: ClientEvent): void;
  report(message: string): void;
}) => ({ attach(_socket: unknown): void {} });
