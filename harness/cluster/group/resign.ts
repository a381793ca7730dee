/** The end of a coordinator's term: everyone who waits is sent to the next one (CoordinatorRuntime, onUnloaded). */
import { joinError, syncError } from './error-answers.ts';
import { NOT_COORDINATOR } from './error-codes.ts';
import type { Shard } from './shard.ts';

export function resign(shard: Shard): void {
  // First the writes: whoever waits for one acts on its failure as on any other, and may set timers on the way.
  shard.writes.abandon(NOT_COORDINATOR);
  shard.timers.cancelAll();
  for (const group of shard.groups.values()) {
    group.moveTo('Dead', shard.nowMs());
    for (const member of group.members.values()) {
      group.answerJoin(member, joinError(NOT_COORDINATOR, member.memberId));
      group.answerSync(member, syncError(NOT_COORDINATOR));
    }
  }
  shard.groups.clear();
}
