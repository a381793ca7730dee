/** `kafka-trial`: scenarios, arbitraries, worlds, properties and trials, for programs and tests of your own. */
export { catalogue as properties, judge } from '../../properties/index.ts';
export type { Anomaly, Property, Verdict } from '../../properties/property.ts';
export type { RunResult } from '../../reports/results.ts';
export { runResultSchema } from '../../reports/results.ts';
export {
  generateScenario,
  type ProfileName,
  profiles,
  scenarioArbitrary,
} from '../../scenarios/arbitrary.ts';
export {
  type Action,
  type Group,
  parseScenario,
  type Scenario,
  scenarioSchema,
} from '../../scenarios/schema.ts';
export { openWorld, type WorldName, type WorldOptions } from '../cli/worlds.ts';
export type { ApplicationStart, ApplicationStop } from '../client/user/contract.ts';
export { HarnessError, UsageError, WorldUnavailableError } from '../errors.ts';
export { readHistory } from '../history/reader.ts';
export type { History, HistoryEvent } from '../history/schema.ts';
export { HistoryRecorder } from '../history/writer.ts';
export type { Recorder, Subject, World } from '../world/world.ts';
export { type TrialOptions, type TrialResult, trial } from './trial.ts';
