/** What the reference client cannot do: a scenario enters, one sentence for each thing leaves, with what to do instead. */
import type { Scenario } from '../../../scenarios/schema.ts';

/** It would be sent to the follower in its rack again and again, and never go there. */
export const refusals = ({ topology, groups }: Scenario): string[] =>
  topology.racks === undefined
    ? []
    : groups.flatMap(({ members }, g) =>
        members.flatMap(({ rack }, m) =>
          rack === undefined
            ? []
            : [
                `groups[${g}].members[${m}].rack: the reference client does not read from followers (KIP-392); leave it out, or use --client kafkajs.`,
              ],
        ),
      );
