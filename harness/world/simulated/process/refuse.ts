/**
 * The end of what a simulated process can do: the name of a module, or of a part of one, enters, an error leaves that
 * says what was asked for and what to do instead.
 */

const WAY_OUT =
  'a simulated process has no access to the machine it runs on, so that every run is the same; ' +
  'use another way there, pass the data in, put a substitute in its place (--substitute), or run in the Kafka world ' +
  '(--world kafka)';

export class SimulationRefusal extends Error {
  override name = 'SimulationRefusal';
  readonly code = 'ERR_KAFKA_TRIAL_SIMULATION';
}

export const refusal = (what: string): SimulationRefusal =>
  new SimulationRefusal(`'${what}' is not to be had in the simulated world: ${WAY_OUT}`);

/**
 * The given members, and a refusal for every other that the platform's own object has and that is read. What that
 * lacks too is undefined, so that code which looks for a feature before it uses it goes on as on the platform.
 *
 * The refusals stand behind the members, as their prototype, so that a member is read as fast as of any object.
 */
export function refusing<T extends object>(name: string, members: T, platform: object): T {
  const behind = new Proxy(Object.create(Object.getPrototypeOf(members) as object | null) as object, {
    get(target, key, receiver) {
      if (typeof key === 'string' && !(key in target) && key in platform) throw refusal(`${name}.${key}`);
      return Reflect.get(target, key, receiver);
    },
  });
  return Object.setPrototypeOf(members, behind) as T;
}

/**
 * A module of which nothing can be used, as one that can be imported: most code that imports `fs` or `http` never comes
 * to use it. Each function is there and refuses when it is called; plain values are the platform's.
 */
export function refusingModule(name: string, platform: object): object {
  const members = Object.create(null) as object;
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(platform)))
    Object.defineProperty(members, key, {
      enumerable: true,
      configurable: true,
      get: () =>
        refusingMember(
          `${name}.${key}`,
          'value' in descriptor ? descriptor.value : Reflect.get(platform, key),
          platform,
        ),
    });
  return members;
}

const refusingMember = (name: string, value: unknown, within: object): unknown => {
  if (value === within) return refusingModule(name, within);
  if (typeof value === 'function')
    // No arrow function, so that a class can extend it and `new` finds something to refuse.
    return function refused(): never {
      throw refusal(name);
    };
  const isPlain = typeof value !== 'object' || value === null || Array.isArray(value);
  return isPlain || Object.values(value).every((one) => typeof one !== 'object' && typeof one !== 'function')
    ? value
    : refusingModule(name, value);
};
