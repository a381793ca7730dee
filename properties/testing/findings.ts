/** How tests read a property's findings: a property and a story enter, one line per anomaly with its proof leaves. */
import { describe, expect, it } from 'vitest';
import type { Property } from '../property.ts';
import { goodHistories } from './good-histories.ts';
import type { Story } from './history-builder.ts';

/** `policy | signature | message | kinds of the proving events | subject`. */
export function findings(property: Property, story: Story): string[] {
  const history = story.history();
  return property.check(history).map((anomaly) => {
    expect(anomaly.property).toBe(property.id);
    expect(anomaly.events.length).toBeGreaterThan(0);
    expect(anomaly.events).toEqual([...new Set(anomaly.events)].sort((a, b) => a - b));
    const kinds = anomaly.events.map((seq) => history.events[seq]?.kind);
    const subject = Object.values(anomaly.subject).join(' ');
    return [
      property.policy(history.start.scenario, anomaly),
      anomaly.signature,
      anomaly.message,
      kinds.join(' '),
      subject,
    ].join(' | ');
  });
}

/** The tests that a property says nothing on its own good histories. */
export function describeGoodHistories(property: Property): void {
  describe('says nothing where', () => {
    for (const { name, tell } of goodHistories.filter((good) => good.property === property.id))
      it(`${name}`, () => expect(property.check(tell())).toEqual([]));
  });
}
