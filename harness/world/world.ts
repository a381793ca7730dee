/** The contract of a world: a validated scenario and a subject enter, events leave through the recorder. */
import type { ApplicationShape } from '../../scenarios/application.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { UnplacedEvent } from '../history/schema.ts';

/** A program of its own that speaks the protocol of `harness/client/protocol.ts`, in whatever language. */
export interface Driver {
  /** The version of the client in it. */
  readonly version: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What is on trial. */
export interface Subject {
  /**
   * The client as a person names it, such as `kafkajs` or `kafkajs@2.0.2` (see `harness/subject/client-spec.ts`), or what to
   * call the client of the driver.
   */
  readonly client: string;
  /** On real Kafka only; left out, the adapter of this package. */
  readonly driver?: Driver;
  /** A client or application broken on purpose (see `harness/client/mutants.ts`), or null. */
  readonly mutant: string | null;
  /** The user's own application, which the members run in place of the harness's; producers are the harness's. */
  readonly application?: BuiltApplication;
}

/** A user's own consumer module, bundled with the client that it imports. */
export interface BuiltApplication {
  /** The module's file, as the user named it. */
  readonly file: string;
  /** Its bundle: one script that a simulated process and a child process run alike. */
  readonly bundle: string;
  /** Of the kafkajs that it imports. */
  readonly clientVersion: string;
  readonly shape: ApplicationShape;
}

export interface Recorder {
  /** Takes one event; the recorder orders events by time when the run is over and numbers them. */
  record(event: UnplacedEvent): void;
  /** Takes the trace of the run when it is over, from a world that has one: equal traces are equal runs. */
  traced?(trace: TraceSummary): void;
  /** Takes how many requests the brokers got from clients, by Kafka's name of the API, from a world that counts them. */
  counted?(requests: Readonly<Record<string, number>>): void;
}

/** Everything that happened in a run, as hashes. */
export interface TraceSummary {
  /** 32 hexadecimal digits. */
  readonly hash: string;
  readonly events: number;
  /** The hash after each full thousand events. */
  readonly checkpoints: readonly string[];
}

export interface World extends AsyncDisposable {
  readonly name: 'kafka' | 'simulated';
  /** What this world and client cannot do of the scenario, one sentence each; empty where they can run it. */
  refusals(scenario: Scenario, subject: Subject): string[];
  /** A generated scenario as this world can run it; left out where it can run all of them as they are. */
  fit?(scenario: Scenario): Scenario;
  /**
   * Runs the scenario to its end, from `start` to `finish`, and leaves nothing of it behind.
   * @param signal aborts the run; processes and faults are cleaned up before the promise rejects
   * @throws WorldUnavailableError where the world itself failed: there is no verdict
   */
  run(scenario: Scenario, subject: Subject, recorder: Recorder, signal?: AbortSignal): Promise<void>;
}
