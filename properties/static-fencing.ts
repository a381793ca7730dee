/** static-fencing: generations with static members enter, places that two processes hold at once leave. */
import { proof, reporter } from './anomaly.ts';
import { type Evidence, evidenceOf, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import { membershipOf } from './evidence/membership.ts';
import { hasOverrunPollWithin } from './evidence/polls.ts';
import { isStalledWithin } from './evidence/processes.ts';
import { CLOCK_TOLERANCE_MS, lastBefore, listAt } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('static-fencing');

/** From the heartbeat that is due to the answer that tells of the fence. */
const SLACK_MS = 2_000;

export const staticFencing: Property = {
  id: 'static-fencing',
  title: 'One group.instance.id, one member',
  statement:
    'No generation has two members with the same group.instance.id (KIP-345). When another member has taken an instance id over, the one that had it is fenced: the coordinator accepts no commit of it any more and gives it no further assignment; and if it still runs, and is neither stalled nor cut off nor silent, since its application has overrun max.poll.interval.ms or stopped its consumer, or has taken the place back as a new member, it is told so (FENCED_INSTANCE_ID, or UNKNOWN_MEMBER_ID where the place had expired) or ends within its session timeout and two seconds.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => [
      ...group.generations.flatMap((generation) => doubles(group, generation)),
      ...group.generations.flatMap((generation) =>
        replacements(group, generation).flatMap((one) => unfenced(evidence, group, one)),
      ),
    ]);
  },
  policy: () => 'illegal',
};

function doubles(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const byInstance = new Map<string, string[]>();
  for (const { groupInstanceId, clientId } of generation.members)
    if (groupInstanceId !== null) listAt(byInstance, groupInstanceId).push(clientId);
  return [...byInstance]
    .filter(([, processes]) => processes.length > 1)
    .map(([instance, processes]) =>
      report(
        'two members with one group.instance.id',
        `Generation ${generation.generation} of group ${group.id} has ${processes.length} members with the group.instance.id ${instance} (${processes.join(', ')}).`,
        proof(generation.seq),
        { group: group.id, process: processes[0] as string },
      ),
    );
}

interface Replacement {
  readonly instance: string;
  readonly generation: GenerationEvidence;
  readonly former: { readonly memberId: string; readonly process: string };
}

function replacements(group: GroupEvidence, generation: GenerationEvidence): Replacement[] {
  const before = group.generations[generation.index - 1];
  if (before === undefined) return [];
  return generation.members.flatMap(({ groupInstanceId, memberId, clientId }) => {
    if (groupInstanceId === null) return [];
    const former = before.members.find((one) => one.groupInstanceId === groupInstanceId);
    // A process that has lost its place and joins anew takes over from nobody but itself.
    if (former === undefined || former.memberId === memberId || former.clientId === clientId) return [];
    // Where both are in it, that is said already.
    if (generation.memberById.has(former.memberId)) return [];
    return [
      {
        instance: groupInstanceId,
        generation,
        former: { memberId: former.memberId, process: former.clientId },
      },
    ];
  });
}

function unfenced(
  evidence: Evidence,
  group: GroupEvidence,
  { instance, generation, former }: Replacement,
): Anomaly[] {
  const { memberId, process } = former;
  const who = `${process}, whose group.instance.id ${instance} had been taken over by generation ${generation.generation} of group ${group.id},`;
  const subject = { group: group.id, process };
  const anomalies: Anomaly[] = [];
  for (const entries of group.commits.entries.values()) {
    const entry = entries.find(
      (one) => one.request?.memberId === memberId && one.position > generation.position,
    );
    if (entry !== undefined)
      anomalies.push(
        report(
          'commit of a fenced member was accepted',
          `${who} committed ${entry.topic}/${entry.partition} at ${entry.value}, and the coordinator accepted it.`,
          proof(generation.seq, entry.request?.seq, entry.seq),
          { ...subject, topic: entry.topic, partition: entry.partition },
        ),
      );
  }
  const changes = membershipOf(evidence, process);
  const assigned = changes.find(
    (change) =>
      change.kind === 'assigned' &&
      change.memberId === memberId &&
      change.generation > generation.generation &&
      change.time > generation.time + CLOCK_TOLERANCE_MS,
  );
  if (assigned !== undefined)
    anomalies.push(
      report(
        'fenced member was given an assignment',
        `${who} was given an assignment in generation ${assigned.generation}.`,
        proof(generation.seq, assigned.seq),
        subject,
      ),
    );
  const untold = neverTold(evidence, group, generation, former);
  if (untold)
    anomalies.push(
      report(
        'fenced member was never told',
        `${who} went on for ${group.config.sessionTimeoutMs + SLACK_MS} ms, and nobody told it.`,
        proof(generation.seq),
        subject,
      ),
    );
  return anomalies;
}

function neverTold(
  evidence: Evidence,
  group: GroupEvidence,
  { time, seq, index }: GenerationEvidence,
  { memberId, process }: Replacement['former'],
): boolean {
  const runner = evidence.processes.get(process);
  const deadline = time + group.config.sessionTimeoutMs + SLACK_MS;
  if (runner === undefined || !runner.hasWire || (evidence.settled?.time ?? 0) < deadline) return false;
  if ((runner.exit?.time ?? deadline) < deadline || (runner.order?.time ?? deadline) < deadline) return false;
  if (runner.clientCrashes.some((crash) => crash.seq > seq && crash.time < deadline)) return false;
  if (isStalledWithin(runner, time, deadline) || isOutageWithin(evidence, time, deadline)) return false;
  if (hasOverrunPollWithin(evidence, group, process, time, deadline)) return false;
  // Whoever had closed its consumer, and has run it again since, is another member by now, and has the place back.
  const isBack = group.generations
    .slice(index + 1)
    .some(
      (later) =>
        later.time < deadline &&
        later.members.some((one) => one.clientId === process && one.memberId !== memberId),
    );
  if (isBack) return false;
  // Whoever has closed its consumer asks nothing of which the answer could tell it.
  const calls = runner.calls.filter(({ call }) => call === 'stop' || call === 'run');
  if (lastBefore(calls, seq)?.call === 'stop') return false;
  if (calls.some((one) => one.call === 'stop' && one.seq > seq && one.time < deadline)) return false;
  const isTold = membershipOf(evidence, process).some(
    (change) =>
      (change.kind === 'lost' || change.kind === 'left') &&
      change.time >= time - CLOCK_TOLERANCE_MS &&
      change.time <= deadline,
  );
  // The coordinator knows of the other before it has written the generation, and refuses the former from then on.
  const isRefused = group.commits.requests.some(
    (request) =>
      request.process === process &&
      request.outcome === 'refused' &&
      (request.seq > seq || (request.memberId === memberId && request.error === 'FENCED_INSTANCE_ID')),
  );
  return !isTold && !isRefused;
}
