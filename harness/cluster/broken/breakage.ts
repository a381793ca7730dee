/**
 * How a part of the cluster is broken on purpose: a handler enters, one that gets something wrong in its place leaves.
 * Nothing of it exists in a cluster that is not broken, so it costs such a one nothing.
 */
import type { AnyHandler, Handler, RequestContext, Respond } from '../handler.ts';
import type { Api } from '../protocol/api.ts';
import type { ClusterCore } from '../simulated-cluster.ts';

/** What a handler does, without the handler. */
export type Handle<Request, Response> = (
  context: RequestContext,
  request: Request,
  version: number,
  respond: Respond<Response>,
) => void;

/** A handler of one API in place of the right one. */
export interface Breakage {
  readonly apiKey: number;
  readonly wrap: (handler: AnyHandler) => AnyHandler;
}

export const breaking = <Request, Response>(
  api: Api<Request, never, unknown, Response>,
  wrap: (handle: Handle<Request, Response>) => Handle<Request, Response>,
): Breakage => ({
  apiKey: api.key,
  wrap(handler) {
    const right = handler as unknown as Handler<Request, Response>;
    const handle = wrap((...of) => right.handle(...of));
    return { ...right, handle } as unknown as AnyHandler;
  },
});

/** Puts the broken handlers into a cluster that has all of its parts. */
export function breakHandlers(core: ClusterCore, breakages: readonly Breakage[]): void {
  for (const { apiKey, wrap } of breakages) {
    const handler = core.handler(apiKey);
    if (handler === undefined) throw new Error(`the cluster has no handler of API ${apiKey} to break`);
    core.registerHandlers([wrap(handler)]);
  }
}

/** True at every so many calls. */
export function every(times: number): () => boolean {
  let calls = 0;
  return () => {
    calls += 1;
    return calls % times === 0;
  };
}
