/**
 * The family of transactions: a scenario and a plan enter, and the scenario leaves in which producers send in transactions,
 * of which the application aborts some, and each group has an isolation level.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, unset } from '../draws.ts';
import type { Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

const producerPlan = fc.record({
  isOn: switchedOn(7),
  sends: pick(1, 3, 10),
  abortEvery: pick(null, 2, 3, 5),
  keyFormat: unset(pick('text', 'integer')),
});
const groupPlan = fc.record({ isolationLevel: pick('read_committed', 'read_committed', 'read_uncommitted') });

export const transactionsPlan = fc.record({
  producers: fc.array(producerPlan, { minLength: 3, maxLength: 3 }),
  groups: fc.array(groupPlan, { minLength: 2, maxLength: 2 }),
});
export type TransactionsPlan = typeof transactionsPlan extends fc.Arbitrary<infer P> ? P : never;

export function applyTransactions(scenario: Scenario, plan: TransactionsPlan): Scenario {
  const { actions, topology } = scenario;
  const producers = scenario.producers.map((producer, index) => {
    const { isOn, keyFormat, ...transactions } = at(plan.producers, index);
    if (!isOn) return producer;
    const keys = producer.keys === null || keyFormat === undefined ? {} : { keyFormat };
    return { ...producer, ...keys, acks: 'all' as const, idempotent: true, transactions };
  });
  const groups = scenario.groups.map((group, index) => ({ ...group, ...at(plan.groups, index) }));
  const boundMs = settlingBoundMs({ topology, groups, producers, actions }, scenario.settling.dead);
  return { ...scenario, producers, groups, settling: { ...scenario.settling, boundMs } };
}
