/** read-committed: deliveries and how the logs' transactions ended enter, records that were not committed leave. */
import { proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { evidenceOf } from './evidence/evidence.ts';
import { partitionKey, REAL_TIME_TOLERANCE_MS, toOffset } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('read-committed');

/** What a client does where the scenario leaves the isolation level to it. */
const DEFAULTS: Readonly<Record<string, 'read_committed' | 'read_uncommitted'>> = {
  kafkajs: 'read_committed',
  reference: 'read_uncommitted',
};

export const readCommitted: Property = {
  id: 'read-committed',
  title: 'Only committed records are read',
  statement:
    "A group whose isolation level is read_committed (isolation.level; kafkajs' own choice where the scenario says nothing) is handed no record of a transaction that was aborted, none of one that is still open at the end, and none before the marker that commits its transaction was written to the partition. How a transaction ended is read from the markers in the partition log.",
  check(history) {
    const evidence = evidenceOf(history);
    const own = DEFAULTS[history.start.client.name] ?? 'read_uncommitted';
    return evidence.groups
      .filter(({ config }) => (config.isolationLevel ?? own) === 'read_committed')
      .flatMap((group) => {
        const found = new Map<string, Anomaly>();
        for (const event of eventsOf(history, 'delivery')) {
          if (event.group !== group.id) continue;
          const { topic, partition, process, time, seq } = event;
          const log = evidence.logs.get(partitionKey(topic, partition));
          if (log === undefined || log.transactions.size === 0) continue;
          for (const text of event.offsets) {
            const offset = toOffset(text);
            const transaction = log.transactions.get(offset);
            if (transaction === undefined) continue;
            const { state, endedAt } = transaction;
            const isEarly =
              state === 'committed' && endedAt !== null && time < endedAt - REAL_TIME_TOLERANCE_MS;
            if (state === 'committed' && !isEarly) continue;
            const signature = isEarly ? 'read before it was committed' : `read from an ${state} transaction`;
            const place = `${signature} ${process} ${log.topic}/${log.partition}`;
            if (found.has(place)) continue;
            found.set(
              place,
              report(
                signature,
                `${process} was handed offset ${offset} of ${topic}/${partition} in group ${group.id} with read_committed, ${isEarly ? 'before its transaction was committed' : `and its transaction ${state === 'open' ? 'is still open' : 'was aborted'}`}.`,
                proof(seq, log.event.seq),
                { group: group.id, topic, partition, process },
              ),
            );
          }
        }
        return [...found.values()];
      });
  },
  policy: () => 'illegal',
};
