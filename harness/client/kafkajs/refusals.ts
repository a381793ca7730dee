/** What kafkajs cannot do: a scenario enters, one sentence for each thing leaves, with what to do instead. */
import type { Scenario } from '../../../scenarios/schema.ts';

export const refusals = (scenario: Scenario): string[] =>
  scenario.groups.flatMap((group, i) =>
    group.autoOffsetReset === 'none'
      ? [
          `groups[${i}].autoOffsetReset: kafkajs has no policy 'none', only 'earliest' (fromBeginning: true) and ` +
            "'latest' (fromBeginning: false); use one of these or another client.",
        ]
      : [],
  );
