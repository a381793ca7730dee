/** A run without a world: a scenario and a clock enter; a context leaves whose names are real and which nobody aborts. */
import type { Scenario } from '../../../scenarios/schema.ts';
import { createRunContext, type RunContext, type RunContextOptions } from '../run-context.ts';

export const contextOf = (
  scenario: Scenario,
  clock: RunContextOptions['clock'],
  record: (event: unknown) => void = () => {},
): RunContext =>
  createRunContext({
    scenario,
    clock,
    subject: { client: 'reference', mutant: null },
    names: { real: (name) => name, toLogical: (event) => event },
    timeOriginEpochMs: 0,
    recorder: { record },
    incomplete: () => {},
    signal: new AbortController().signal,
  });
