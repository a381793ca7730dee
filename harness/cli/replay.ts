/** `kafka-trial replay`: a scenario file, a run directory or seed:index enters, it is run again, a rate leaves. */
import { Command } from 'commander';
import type { Configuration } from '../../scenarios/configuration.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { Plan } from '../runner/unit.ts';
import { readCheckedConfiguration } from './configuration-file.ts';
import type { Ended } from './exit-code.ts';
import type { InspectionOptions } from './inspect.ts';
import { addTrialOptions, wholeNumber } from './options.ts';

export function replayCommand(ended: Ended): Command {
  const command = new Command('replay')
    .description('run a scenario again, and say how often it fails')
    .argument('<target>', 'scenario.json, a scenario or run directory, or seed:index[:profile]')
    .option('--times <k>', 'repeat the schedule so often', wholeNumber(1, 10_000), 1)
    .option(
      '--until <event>',
      'stop at this event of the simulated run, and show what happened up to it and the state there',
    )
    .option('--verbose', 'show every event, and every request and answer of the simulated brokers, decoded')
    .option('--trace', 'show the events, requests and answers that could have mattered to the first anomaly');
  return addTrialOptions(command)
    .addHelpText(
      'after',
      `
A run on real Kafka cannot be repeated exactly: a replay repeats the schedule and reports how often each property
failed. A simulated one is the recorded run again, with the client and version that were recorded; where its trace is
another, the replay says what has changed since and ends with exit code 3.

An event is named by its seq (120), by its kind (commit-fail) or by its kind and its process (process-exit@m1.2, or
@m1 for any life of m1); the first such event is meant, and with :120 behind it the first one from there on. With
--until nothing is judged: the exit code is 0 where there is such an event. --verbose writes to standard output, one
line for each message, at the time at which the broker read or wrote it; with --json it needs --until, whose document
then has the messages too.

Examples:
  kafka-trial replay reports/out/latest                  the scenarios that were not valid
  kafka-trial replay scenario.json --times 100           is it the same run each time?
  kafka-trial replay 7:3                                 scenario 3 of seed 7
  kafka-trial replay 7:3 --config billing.yaml           the same with your configuration
  kafka-trial replay 7:3 --verbose
  kafka-trial replay 7:37 --trace                        why: only what could have mattered
  kafka-trial replay 7:3 --until process-exit@billing-m1 --json
  kafka-trial replay 7:3 --until finish                  all that happened, and the state at the end`,
    )
    .action(async (target: string, given: InspectionOptions, self: Command) => {
      // Loaded when they are needed, so that --help and bad input are answered at once.
      const [{ readTarget }, { trial }, { recordedSubject }, { fitToKafka }] = await Promise.all([
        import('./target.ts'),
        import('./trial.ts'),
        import('./reproduction.ts'),
        import('../world/kafka/fit.ts'),
      ]);
      const found = await readTarget(target);
      const records = found.map(({ recorded }) => recorded);
      // What was recorded goes on trial again, unless the person wants something else.
      const isOther = self.getOptionValueSource('client') !== 'default' || given.mutant !== undefined;
      const recorded = isOther ? null : recordedSubject(records);
      const options: InspectionOptions =
        recorded === null
          ? given
          : {
              ...given,
              client: recorded.client,
              ...(recorded.mutant === null ? {} : { mutant: recorded.mutant }),
            };
      const configuration = await readCheckedConfiguration(options);
      // What is generated is the same that a run in this world makes of the seed.
      const scenarios = found.map(({ scenario, file }) =>
        options.world === 'kafka' && file === null ? fitToKafka(scenario) : scenario,
      );
      if (options.until !== undefined || options.verbose === true || options.trace === true) {
        const { runInspection } = await import('./inspect.ts');
        const code = await runInspection(options, scenarios, configuration);
        if (code !== null) return ended(code);
      }
      ended(
        await trial(options, {
          command: 'replay',
          seed: null,
          runName: `replay-${scenarios[0]?.name ?? ''}`,
          plans: repeated(scenarios, options.times, configuration),
          planned: scenarios.length * options.times,
          given: scenarios,
          configuration,
          recorded:
            recorded === null || configuration !== null
              ? []
              : records.flatMap((one) => Array.from({ length: options.times }, () => one)),
          timeLimitMs: null,
          shownOptions: {
            target,
            times: options.times,
            ...(configuration === null ? {} : { configuration }),
          },
        }),
      );
    });
}

function* repeated(
  scenarios: readonly Scenario[],
  times: number,
  configuration: Configuration | null,
): Generator<Plan> {
  const configured = configuration === null ? {} : { configuration };
  let index = 0;
  for (const scenario of scenarios)
    for (let time = 0; time < times; time++) yield { index: index++, scenario, ...configured };
}
