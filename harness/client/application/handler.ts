/**
 * The application's work on one record, the same in front of every client: a record enters, `processing-begin` and
 * `processing-end` leave, and an error is thrown where the scenario says that the handler fails.
 */
import type { Group } from '../../../scenarios/schema.ts';
import type { Host } from '../host.ts';
import { drawInteger } from './draw.ts';

export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Record id, or null for a record that no producer of the scenario wrote. */
  readonly record: string | null;
}

/** What the application throws where the scenario says so: the client has to deliver the record again. */
export class HandlerFailure extends Error {
  override name = 'HandlerFailure';
}

const sleep = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

type HandlerGroup = Pick<Group, 'id' | 'topics' | 'handler'>;

/** @returns a function that processes one record; it rejects with {@link HandlerFailure} or not at all */
export function createHandler(
  group: HandlerGroup,
  seed: number,
  host: Host,
): (record: ConsumedRecord) => Promise<void> {
  const { timeMs, failuresPerThousand, failuresPerRecord } = group.handler;
  const failures = new Map<string, number>();

  return async ({ topic, partition, offset, record }) => {
    // The topic's place in the group's list, not its name: on a shared cluster the real name differs from run to
    // run, and a replay must fail at the same records and take the same time.
    const place = [group.topics.indexOf(topic), partition, offset] as const;
    host.emit({ kind: 'processing-begin', group: group.id, topic, partition, offset, record });

    const waitMs = drawInteger(timeMs.min, timeMs.max, 'handler-time', seed, ...place);
    if (waitMs > 0) await sleep(waitMs);

    // Without the seed of this process, so that the record fails for whichever member processes it.
    const isChosen =
      failuresPerThousand > 0 && drawInteger(0, 999, 'handler-failure', ...place) < failuresPerThousand;
    if (isChosen) {
      const key = place.join('/');
      const failed = failures.get(key) ?? 0;
      if (failed < failuresPerRecord) {
        failures.set(key, failed + 1);
        host.emit({ kind: 'processing-end', group: group.id, topic, partition, offset, outcome: 'failed' });
        throw new HandlerFailure(`the scenario makes the handler fail at ${topic}-${partition}@${offset}`);
      }
    }
    host.emit({ kind: 'processing-end', group: group.id, topic, partition, offset, outcome: 'ok' });
  };
}
