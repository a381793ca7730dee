/** `kafka-trial replay`: a scenario file, a run directory or seed:index enters, it is run again, a rate leaves. */
import { Command } from 'commander';
import type { Scenario } from '../../scenarios/schema.ts';
import type { Plan } from '../runner/unit.ts';
import type { Ended } from './exit-code.ts';
import { addTrialOptions, type TrialOptions, wholeNumber } from './options.ts';

interface ReplayOptions extends TrialOptions {
  readonly times: number;
}

export function replayCommand(ended: Ended): Command {
  const command = new Command('replay')
    .description('run a scenario again, and say how often it fails')
    .argument('<target>', 'scenario.json, a scenario or run directory, or seed:index[:profile]')
    .option('--times <k>', 'repeat the schedule so often', wholeNumber(1, 10_000), 1);
  return addTrialOptions(command)
    .addHelpText(
      'after',
      `
A run on real Kafka cannot be repeated exactly: a replay repeats the schedule and reports how often each property
failed.

Examples:
  kafka-trial replay reports/out/latest                  the scenarios that were not valid
  kafka-trial replay scenario.json --times 10
  kafka-trial replay 7:3                                 scenario 3 of seed 7`,
    )
    .action(async (target: string, options: ReplayOptions) => {
      // Loaded when they are needed, so that --help and bad input are answered at once.
      const [{ readTarget }, { trial }] = await Promise.all([import('./target.ts'), import('./trial.ts')]);
      const scenarios = await readTarget(target);
      ended(
        await trial(options, {
          command: 'replay',
          seed: null,
          runName: `replay-${scenarios[0]?.name ?? ''}`,
          plans: repeated(scenarios, options.times),
          planned: scenarios.length * options.times,
          given: scenarios,
          timeLimitMs: null,
          shownOptions: { target, times: options.times },
        }),
      );
    });
}

function* repeated(scenarios: readonly Scenario[], times: number): Generator<Plan> {
  let index = 0;
  for (const scenario of scenarios)
    for (let time = 0; time < times; time++) yield { index: index++, scenario };
}
