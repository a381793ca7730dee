/**
 * Client quotas as the controller keeps them (class ClientQuotaControlManager): changes enter, and the quotas of each entity
 * leave, or why a change is refused. An entity is a user, a client id or both, each by name or the default (KIP-55), or an
 * address (KIP-612).
 */

/** By type: a name, or null for the default of the type. */
export type QuotaEntity = ReadonlyMap<string, string | null>;

export interface EntityQuotas {
  readonly entity: QuotaEntity;
  /** By Kafka's name of the quota. */
  readonly values: ReadonlyMap<string, number>;
}

/** By the key of the entity. */
export type QuotaTable = ReadonlyMap<string, EntityQuotas>;

/** A value of null takes the quota away. */
export interface QuotaChange {
  readonly entity: QuotaEntity;
  readonly values: readonly (readonly [name: string, value: number | null])[];
}

export const USER = 'user';
export const CLIENT_ID = 'client-id';
export const IP = 'ip';

export const CONSUMER_BYTE_RATE = 'consumer_byte_rate';
export const PRODUCER_BYTE_RATE = 'producer_byte_rate';
export const REQUEST_PERCENTAGE = 'request_percentage';

/** Whether a quota takes whole numbers alone, by its name. */
const ofClients = new Map([
  [CONSUMER_BYTE_RATE, true],
  [PRODUCER_BYTE_RATE, true],
  [REQUEST_PERCENTAGE, false],
  ['controller_mutation_rate', false],
]);
const ofAddresses = new Map([['connection_creation_rate', true]]);
const INT_MAX = 0x7fffffff;
const FRACTION_MIN = 1e-6;

export const keyOf = (entity: QuotaEntity): string =>
  JSON.stringify([...entity].sort(([left], [right]) => (left < right ? -1 : 1)));

const nameOf = (entity: QuotaEntity): string =>
  `ClientQuotaEntity(entries={${[...entity].map(([type, name]) => `${type}=${name}`).join(', ')}})`;

/** Why an entity can have no quotas, or null. */
function whyNoEntity(entity: QuotaEntity): string | null {
  if (entity.size === 0) return 'Invalid empty client quota entity';
  for (const [type, name] of entity) {
    if (type !== USER && type !== CLIENT_ID && type !== IP)
      return `Unhandled client quota entity type: ${type}`;
    if (name === '') return `Empty ${type} not supported`;
  }
  return entity.has(IP) && entity.size > 1
    ? 'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId'
    : null;
}

function whyNoValue(entity: QuotaEntity, name: string, value: number): string | null {
  const isWhole = (entity.has(IP) ? ofAddresses : ofClients).get(name);
  if (isWhole === undefined) return `Invalid configuration key ${name}`;
  if (!(value > 0)) return `Quota ${name} must be greater than 0`;
  if (!isWhole) return null;
  if (entity.has(IP) && value > INT_MAX) return `Proposed value for ${name} is too large for an INT.`;
  return Math.abs(value % 1) > FRACTION_MIN ? `${name} cannot be a fractional value.` : null;
}

export interface QuotaOutcome {
  readonly entity: QuotaEntity;
  /** Why the change was refused, with INVALID_REQUEST; null where it was made. */
  readonly refusal: string | null;
}

/** @returns the quotas afterwards, and an outcome for each entity, in the order of the changes */
export function alterQuotas(
  table: QuotaTable,
  changes: readonly QuotaChange[],
): { readonly table: QuotaTable; readonly outcomes: readonly QuotaOutcome[] } {
  const next = new Map(table);
  const outcomes = new Map<string, QuotaOutcome>();
  for (const { entity, values } of changes) {
    const key = keyOf(entity);
    const isRepeated = outcomes.has(key) || new Set(values.map(([name]) => name)).size < values.length;
    const refusal = isRepeated
      ? `Ignoring duplicate entity ${nameOf(entity)}`
      : (whyNoEntity(entity) ??
        values
          .map(([name, value]) => (value === null ? null : whyNoValue(entity, name, value)))
          .find((why) => why !== null) ??
        null);
    outcomes.set(key, { entity, refusal });
    if (refusal !== null) continue;
    const changed = new Map(next.get(key)?.values);
    for (const [name, value] of values)
      if (value === null) changed.delete(name);
      else changed.set(name, value);
    if (changed.size === 0) next.delete(key);
    else next.set(key, { entity, values: changed });
  }
  return { table: next, outcomes: [...outcomes.values()] };
}
