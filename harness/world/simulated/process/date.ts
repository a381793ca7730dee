/** A process's own `Date`: its clock enters, a constructor leaves that knows no other time. */
import type { ProcessClock } from './clock.ts';

/** The platform's `Date` for everything but "now"; its prototype's `constructor` is the process's own. */
export function createDate(clock: ProcessClock): DateConstructor {
  function SimulatedDate(...values: unknown[]): unknown {
    if (new.target === undefined) return String(new Date(clock.epochMs()));
    return Reflect.construct(Date, values.length === 0 ? [clock.epochMs()] : values, new.target);
  }
  Object.defineProperty(SimulatedDate, 'name', { value: 'Date' });
  SimulatedDate.prototype = Object.create(Date.prototype, {
    constructor: { value: SimulatedDate, writable: true, configurable: true },
  });
  SimulatedDate.now = () => clock.epochMs();
  SimulatedDate.parse = Date.parse;
  SimulatedDate.UTC = Date.UTC;
  return SimulatedDate as unknown as DateConstructor;
}
