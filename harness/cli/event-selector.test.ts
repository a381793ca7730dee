/** What `--until` can name, and what it says to the rest. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import type { HistoryEvent } from '../history/schema.ts';
import { findEvent, parseEventSelector } from './event-selector.ts';

const event = (seq: number, kind: string, process: string): HistoryEvent =>
  ({ time: seq, seq, process, kind }) as unknown as HistoryEvent;

const events = [
  event(0, 'start', 'harness'),
  event(1, 'process-exit', 'm1.1'),
  event(2, 'process-exit', 'm10.1'),
  event(3, 'client-stopped', 'm2.1'),
  event(4, 'process-exit', 'm1.2'),
  event(5, 'finish', 'harness'),
];
const find = (text: string): number => findEvent(parseEventSelector(text), events).seq;

describe('--until', () => {
  it.each([
    ['3', 3],
    ['0', 0],
    ['process-exit', 1],
    ['process-exit:2', 2],
    ['process-exit@m1', 1],
    ['process-exit@m1.2', 4],
    ['process-exit@m1:2', 4],
    ['process-exit@m10', 2],
    ['finish', 5],
    ['start@harness', 0],
  ])('%s is event %i', (text, seq) => {
    expect(find(text)).toBe(seq);
  });

  it.each([
    ['6', /no such event/, /events 0 to 5\./],
    ['heal', /no such event/, /events 0 to 5, none of kind heal/],
    ['process-exit@m3', /no such event/, /happen in m1\.1, m10\.1, m1\.2, the last one is 4/],
    ['process-exit:5', /no such event/, /the last one is 4/],
    ['explosion', /no kind of event 'explosion'/, /process-start.*finish|finish.*process-start/],
    ['@m1', /expected an event/, /kind@process/],
    ['-1', /expected an event/, /seq/],
    ['', /expected an event/, /seq/],
  ])('%s is refused', (text, message, hint) => {
    let error: unknown = null;
    try {
      find(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(message);
    expect((error as UsageError).hint).toMatch(hint);
  });
});
