/** `kafka-trial/cluster`: options enter, a running cluster that speaks Kafka's protocol leaves. */
export { Controls, type Fault, RefusedError, type RequestSelection } from './controls.ts';
export type {
  BrokerView,
  ConnectionView,
  GroupState,
  Inspection,
  LogState,
  RecordView,
  TopicView,
} from './inspection.ts';
export type { LinkSelection } from './links.ts';
export type { StartOptions } from './options.ts';
export { type RunningCluster, type StartHooks, startCluster } from './running-cluster.ts';
