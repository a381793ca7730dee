/** Stands in for the outbox on trial: it takes as long as the real one, and forgets. */
import type { Row } from './outbox.ts';

const WRITE_MS = 200;

export async function insert(rows: readonly Row[]): Promise<void> {
  for (const { orderId } of rows) if (typeof orderId !== 'string') throw new Error('a row has an order id');
  await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
}
