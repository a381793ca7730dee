/** The outbox writer on trial: every order reaches the outbox, whatever happens to the members of the group. */
import { trial } from 'kafka-trial/vitest';

trial('the outbox writer loses no order', {
  application: new URL(process.env.CONSUMER ?? './consumer.ts', import.meta.url),
  value: { orderId: '{record}', amount: '{number}' },
  substitutes: { './outbox.ts': './outbox.memory.ts' },
  properties: ['at-least-once', 'duplicate-bound', 'owned-commit'],
  profile: 'members',
  runs: Number(process.env.TRIAL_RUNS ?? 50),
});
