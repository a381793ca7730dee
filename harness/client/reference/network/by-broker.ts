/** What is to be sent to which broker: one thing after another enters, lists by broker leave. */

/** @param lists null while there is nothing, which is nearly always so in a client that polls */
export function addTo<T>(lists: Map<number, T[]> | null, brokerId: number, one: T): Map<number, T[]> {
  const all = lists ?? new Map<number, T[]>();
  const list = all.get(brokerId);
  if (list === undefined) all.set(brokerId, [one]);
  else list.push(one);
  return all;
}
