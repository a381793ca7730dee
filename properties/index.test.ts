/** The judge and the catalogue. */
import { describe, expect, it } from 'vitest';
import { catalogue, judge, mergeOutcomes, type Property } from './index.ts';
import { alone } from './testing/good-histories.ts';

/** A property that finds one thing, or fails. */
const stub = (id: string, found: 'illegal' | 'observed' | 'nothing' | Error): Property => ({
  id,
  title: id,
  statement: id,
  check: () => {
    if (found instanceof Error) throw found;
    if (found === 'nothing') return [];
    return [{ property: id, message: id, events: [0], subject: {}, signature: id }];
  },
  policy: () => (found === 'illegal' ? 'illegal' : 'observed'),
});

const good = () => alone().story.history();

describe('the catalogue', () => {
  it('has every property once, with a title and a statement in sentences', () => {
    expect(catalogue.map(({ id }) => id)).toEqual([
      'exclusive-assignment',
      'complete-assignment',
      'balanced-assignment',
      'sticky-economy',
      'cooperative-handover',
      'idle-member',
      'no-spurious-rebalance',
      'timeout-detection',
      'static-fencing',
      'exclusive-processing',
      'owned-consumption',
      'paused-consumption',
      'no-lost-commit',
      'explained-resume',
      'answered-offset',
      'continuity',
      'order',
      'at-least-once',
      'duplicate-bound',
      'offset-reset',
      'owned-commit',
      'commit-within-processed',
      'commit-monotonic',
      'read-committed',
      'exactly-once',
      'truthful-client',
      'group-isolation',
      'produced-offset',
      'producer-flush',
      'convergence',
    ]);
    for (const { statement, title } of catalogue) {
      expect(statement).toMatch(/^[A-Z].*[.)]$/);
      expect(title).not.toBe('');
    }
  });
});

describe('the judge', () => {
  it('calls a history valid where nothing was found, or nothing that is illegal', () => {
    expect(judge(good(), [stub('a', 'nothing'), stub('b', 'observed')])).toMatchObject({
      outcome: 'valid',
      anomalies: [{ property: 'b', policy: 'observed' }],
      unknown: [],
      properties: [
        { id: 'a', anomalies: 0, illegal: 0 },
        { id: 'b', anomalies: 1, illegal: 0 },
      ],
    });
  });

  it('checks the others where one fails, and then knows less', () => {
    const failing = stub('a', new Error('out of ideas'));
    expect(judge(good(), [failing, stub('b', 'observed')])).toMatchObject({
      outcome: 'unknown',
      unknown: ['Property a could not be checked: out of ideas.'],
      anomalies: [{ property: 'b' }],
    });
    expect(judge(good(), [failing, stub('b', 'illegal')]).outcome).toBe('invalid');
  });

  it('is at best unknown where evidence is missing', () => {
    const incomplete = alone()
      .story.ends({ incomplete: ['m1.1 wrote 2 lines that are no events'] })
      .history();
    expect(judge(incomplete)).toMatchObject({
      outcome: 'unknown',
      unknown: ['The evidence is incomplete: m1.1 wrote 2 lines that are no events.'],
    });
    const { start, events } = good();
    const without = (kind: string) =>
      judge({ start, events: events.filter((event) => event.kind !== kind) }).unknown;
    expect(without('finish')).toEqual([
      'The history does not end with its finish event: the run was cut short.',
    ]);
    expect(without('start')).toEqual(['The history does not begin with its start event.']);
    expect(without('settled')).toEqual(['The run did not get to the end of its settling.']);
    expect(without('fact-log')).toEqual([
      'The evidence is incomplete: the final log of orders/0 is missing.',
    ]);
  });

  it('does not throw on a history that contradicts itself', () => {
    const { story } = alone();
    const about = { process: 'm1.1', group: 'billing', topic: 'orders', partition: 0, offset: '4' };
    story.emit({ ...about, kind: 'processing-end', outcome: 'ok' });
    const verdict = judge(story.history());
    expect(verdict.outcome).toBe('unknown');
    expect(verdict.unknown).toContain(
      `Property at-least-once could not be checked: event ${story.events.findIndex((event) => event.kind === 'processing-end')} ends a processing that never began (orders/0 offset 4).`,
    );
    expect(verdict.properties).toHaveLength(catalogue.length);
  });

  it('merges outcomes, the worst first', () => {
    expect(mergeOutcomes(['valid', 'unknown', 'invalid'])).toBe('invalid');
    expect(mergeOutcomes(['valid', 'unknown'])).toBe('unknown');
    expect(mergeOutcomes(['valid'])).toBe('valid');
    expect(mergeOutcomes([])).toBe('valid');
  });
});
