/** producer-flush: producers that closed cleanly and the final logs enter, records that they left behind leave. */
import { producerOf, proof, reporter } from './anomaly.ts';
import { type Evidence, evidenceOf, hasBrokerFault, mayLoseTouch } from './evidence/evidence.ts';
import type { ProducerClose, Send } from './evidence/producing.ts';
import { mayHaveBeenDeleted, reckon } from './produced-offset.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('producer-flush');

const UNANSWERED = 'clean close left records that were never answered';
const ANSWERED = 'clean close lost records that were reported as sent';

export const producerFlush: Property = {
  id: 'producer-flush',
  title: 'A clean close leaves no record behind',
  statement:
    'When a producer has closed without an error, every record whose send began before the close, and that was not reported as failed or unknown, is in the final log, unless it was deleted there. With acks 0 or 1 and a broker that fails, or with acks 0 and a link that breaks, a missing record is observed and not illegal. A producer that drops what it still has when it closes owes only what it has reported as sent.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.producing.sends.flatMap((send) => {
      const close = evidence.producing.closes.get(send.process);
      return close === undefined || send.seq > close.begin.seq || !evidence.completeTopics.has(send.topic)
        ? []
        : leftBehind(evidence, send, close);
    });
  },
  policy(scenario, anomaly) {
    const { acks } = producerOf(scenario, anomaly);
    // With acks 0 nobody hears of a connection that broke under the records.
    const isExcused = acks === 0 ? mayLoseTouch(scenario) : acks === 1 && hasBrokerFault(scenario);
    return isExcused ? 'observed' : 'illegal';
  },
};

const dropsRecords = ({ scenario }: Evidence, { producer }: Send): boolean =>
  scenario.producers.some(({ id, closing }) => id === producer && closing === 'drop');

function leftBehind(evidence: Evidence, send: Send, close: ProducerClose): Anomaly[] {
  if (send.outcome !== 'ok' && (send.outcome !== 'none' || dropsRecords(evidence, send))) return [];
  const { process, producer, topic } = send;
  const missing = send.records.filter(
    (record) => !(evidence.locations.get(record) ?? []).some((place) => place.topic === topic),
  );
  if (missing.length === 0) return [];
  // With answers the deletable places are known; without any, a deletion in any partition may have taken them.
  const isExcused = send.answers.some(({ baseOffset }) => baseOffset >= 0)
    ? missing.length <= reckon(evidence, send).deletedMax
    : mayHaveBeenDeleted(evidence, send);
  if (isExcused) return [];
  return [
    report(
      send.outcome === 'ok' ? ANSWERED : UNANSWERED,
      `${process} closed without an error, and ${missing.length === 1 ? `its record ${missing[0]} is` : `${missing.length} of its records, ${missing[0]} the first, are`} not in any log of ${topic}.`,
      proof(send.seq, send.outcomeSeq, close.begin.seq, close.end.seq),
      { producer, process, topic },
    ),
  ];
}
