/**
 * What an application of a user's may be: a module that starts its consumer when it is imported, or one that exports
 * `start` (or a default function), which is called with what it needs. Nothing in it has to know of kafka-trial.
 */

/** What `start` is given. A module that starts by itself finds the same in its environment. */
export interface ApplicationStart {
  /** Addresses, `host:port`. In the environment: KAFKA_BROKERS, separated by commas. */
  readonly brokers: readonly string[];
  /** In the environment: KAFKA_GROUP_ID. */
  readonly groupId: string;
  /** The topics to consume. In the environment: KAFKA_TOPICS, separated by commas. */
  readonly topics: readonly string[];
  /** Aborts when the application is to close its consumer and end. */
  readonly signal: AbortSignal;
}

/** What `start` may return: how to stop it, where it does not listen to the signal. */
export type ApplicationStop = undefined | (() => unknown) | { stop(): unknown } | { close(): unknown };

export type StartApplication = (
  start: ApplicationStart,
) => ApplicationStop | Promise<ApplicationStop> | Promise<void> | void;
