/** Claims are events of the history, whatever kafkajs puts into its own. */
import { Kafka } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { historyEventSchema } from '../../history/schema.ts';
import { recordClaims } from './claims.ts';

type Listener = (event: { payload: unknown }) => void;

function claimsOf(name: string, payload: object): unknown[] {
  const listeners = new Map<string, Listener>();
  const { events } = new Kafka({ brokers: ['localhost:9'] }).consumer({ groupId: 'billing' });
  const consumer = { events, on: (event: string, listener: Listener) => listeners.set(event, listener) };
  const claims: unknown[] = [];
  recordClaims(consumer as never, 'billing', {
    emit: (event) => claims.push({ ...(event as object), time: 0, seq: 0, process: 'm1.1' }),
  });
  listeners.get(name)?.({ payload });
  return claims;
}

describe('a member that the coordinator forgot while it joined', () => {
  it('is nobody in the claim of its join', () => {
    const [claim] = claimsOf('consumer.group_join', {
      memberId: null,
      isLeader: false,
      groupProtocol: 'RoundRobinAssigner',
      memberAssignment: { orders: [1, 0] },
    });
    expect(historyEventSchema.parse(claim)).toMatchObject({
      kind: 'client-joined',
      memberId: '',
      assignment: [{ topic: 'orders', partitions: [0, 1] }],
    });
  });

  it('is nobody in the claim of a rebalance', () => {
    const [claim] = claimsOf('consumer.rebalancing', { memberId: null });
    expect(historyEventSchema.parse(claim)).toMatchObject({ kind: 'client-rebalancing', memberId: '' });
  });
});
