/** A process's own `Date`: its parts enter, a constructor leaves that knows no other time. */
import type { PartsOf } from './parts.ts';

/** The platform's `Date` for everything but "now"; its prototype's `constructor` is the process's own. */
export function createDate(parts: PartsOf): DateConstructor {
  function SimulatedDate(...values: unknown[]): unknown {
    if (new.target === undefined) return String(new Date(parts().clock.epochMs()));
    return Reflect.construct(Date, values.length === 0 ? [parts().clock.epochMs()] : values, new.target);
  }
  Object.defineProperty(SimulatedDate, 'name', { value: 'Date' });
  SimulatedDate.prototype = Object.create(Date.prototype, {
    constructor: { value: SimulatedDate, writable: true, configurable: true },
  });
  SimulatedDate.now = () => parts().clock.epochMs();
  SimulatedDate.parse = Date.parse;
  SimulatedDate.UTC = Date.UTC;
  return SimulatedDate as unknown as DateConstructor;
}
