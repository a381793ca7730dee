/** How a handler comes by the group coordinators of the broker that was asked. */
import type { RequestContext } from '../handler.ts';
import type { GroupCoordinator } from './coordinator.ts';
import type { GroupRequestContext } from './shard.ts';

export type CoordinatorOf = (context: RequestContext) => GroupCoordinator;

/** All clients of a simulated cluster live on one host. */
const CLIENT_HOST = '127.0.0.1';

export const groupContext = ({ clientId }: RequestContext, apiVersion: number): GroupRequestContext => ({
  apiVersion,
  clientId,
  clientHost: CLIENT_HOST,
});
