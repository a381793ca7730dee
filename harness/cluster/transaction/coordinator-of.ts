/** How a handler comes by the transaction coordinators of the broker that was asked. */
import type { RequestContext } from '../handler.ts';
import type { TransactionCoordinator } from './coordinator.ts';

export type CoordinatorOf = (context: RequestContext) => TransactionCoordinator;
