/**
 * Real names on a shared cluster: a scenario's topic and group names enter, prefixed names leave, and back again, so
 * that many scenarios share one cluster while every history speaks of the scenario's own names.
 */
import type { HistoryEvent } from '../../history/schema.ts';

/** Everything that this harness creates on any cluster begins so. */
export const NAME_PREFIX = 'kafka-trial.';

export interface Names {
  /** Begins every topic and group of this run. */
  readonly prefix: string;
  readonly real: (name: string) => string;
  readonly logical: (name: string) => string;
  /** The event with logical names in its fields. */
  readonly toLogical: <E extends Partial<HistoryEvent>>(event: E) => E;
}

/** The fields of history events that hold a topic or group name, or a list of them. */
const nameFields = new Set(['topic', 'group', 'subscription']);

/**
 * @param run tells this run's names from those of every other run, on this cluster and ever
 */
export function createNames(run: string): Names {
  const prefix = `${NAME_PREFIX}${run}.`;
  const logical = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const convert = (value: unknown, field: string): unknown => {
    if (typeof value === 'string') return nameFields.has(field) ? logical(value) : value;
    if (Array.isArray(value)) return value.map((item) => convert(item, field));
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(item, key)]));
    return value;
  };
  return {
    prefix,
    real: (name) => prefix + name,
    logical,
    toLogical: (event) => convert(event, '') as typeof event,
  };
}
