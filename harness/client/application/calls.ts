/**
 * Calls of the consumer's API that the scenario asks for, the same in front of every client: a command and what makes the
 * call enter, and `application-call` before it and `application-call-end` after it leave.
 */
import type { Group } from '../../../scenarios/schema.ts';
import type { Host } from '../host.ts';
import type { CallCommand } from '../protocol.ts';
import { describeError } from './describe-error.ts';
import type { Processed } from './processed.ts';

/** The client has no such call, or it makes no sense now: why, in a sentence. */
export class CallRefused extends Error {
  override name = 'CallRefused';
}

/** What a call answered: an offset, null where there is none, or nothing where it is no question. */
export type CallAnswer = string | null | undefined;

/** @param make makes the call; what it throws is why it was skipped */
export async function makeCall(
  { action, call }: CallCommand,
  group: string,
  host: Host,
  make: () => Promise<CallAnswer>,
): Promise<void> {
  const { name } = call;
  const isOfTopic = 'topic' in call;
  const partitions = 'partition' in call ? [call.partition] : isOfTopic ? call.partitions : null;
  host.emit({
    kind: 'application-call',
    group,
    action,
    call: name,
    topic: isOfTopic ? call.topic : null,
    partitions,
    offset: name === 'seek' ? String(call.offset) : null,
  });
  const end = (reason: string | null, answer?: CallAnswer): void =>
    host.emit({
      kind: 'application-call-end',
      group,
      action,
      call: name,
      outcome: reason === null ? 'applied' : 'skipped',
      reason,
      ...(answer === undefined ? {} : { answer }),
    });
  let answer: CallAnswer;
  try {
    answer = await make();
  } catch (error) {
    return end(error instanceof CallRefused ? error.message : describeError(error));
  }
  end(null, answer);
}

/** Why an application has nothing to commit beside its handler, or null. */
export function whyNotCommitted(
  processed: Processed,
  { commitOrder, commitMode }: Pick<Group, 'commitOrder' | 'commitMode'>,
): CallRefused | null {
  if (commitMode.kind === 'transaction')
    return new CallRefused('offsets are committed with what the application makes of the records');
  // What it has processed is behind what it has committed.
  if (commitOrder === 'commit-then-process')
    return new CallRefused('the handler commits before it processes');
  return processed.next.length === 0 ? new CallRefused('nothing has been processed of what is owned') : null;
}
