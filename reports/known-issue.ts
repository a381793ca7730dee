/** The name of a known issue as results hold it enters; its id, and where it can be looked up, leave. */

/** `id (https://...)`, as the catalogue has it; anything else from outside stays text. */
const LINKED = /^([\w.@-]+) \((https:\/\/[\w./?=&%-]+)\)$/;

/** Null for what holds no link that may be followed. */
export function linkOf(known: string): { readonly id: string; readonly link: string } | null {
  const [, id, link] = LINKED.exec(known) ?? [];
  return id === undefined || link === undefined ? null : { id, link };
}
