/** Goals about the consumer's API and about clients that stop by themselves. */
import type { EventOf } from '../../harness/history/schema.ts';
import { type Goal, goal, type Reached, rare } from './goal.ts';

type Call = EventOf<'application-call'>;
const calls = (reached: Reached, call: Call['call']): readonly Call[] =>
  reached.of('application-call').filter((one) => one.call === call);

/** What was answered to questions for an offset; null stands for none. */
const answers = (reached: Reached, call: 'position' | 'committed'): readonly (string | null)[] =>
  reached
    .of('application-call-end')
    .flatMap((end) => (end.call === call && end.answer !== undefined ? [end.answer] : []));

/** Whether the group came to a new generation between a call and the one that undoes it. */
const overRebalance = (reached: Reached, begin: Call['call'], end: Call['call']): boolean =>
  calls(reached, begin).some((one) => {
    const undo = calls(reached, end).find(({ process, seq }) => process === one.process && seq > one.seq);
    return reached
      .of('group-generation')
      .some(({ group, seq }) => group === one.group && seq > one.seq && seq < (undo?.seq ?? -1));
  });

export const callGoals: readonly Goal[] = [
  goal('seek-out-of-range', 'a seek goes above the end of the log', (r) =>
    calls(r, 'seek').some(({ offset, topic, partitions }) => {
      const log = r.evidence.logs.get(`${topic}/${partitions?.[0]}`);
      return Number(offset) > (log?.logEndOffset ?? Number.POSITIVE_INFINITY);
    }),
  ),
  goal('seek-to-an-end-of-the-log', 'a seek goes to the beginning or the end of the log', (r) =>
    calls(r, 'seek').some(({ offset }) => Number(offset) < 0),
  ),
  goal('seek-of-a-partition-of-another', 'a member seeks in a partition that it does not own', (r) =>
    calls(r, 'seek').some(({ group, process, topic, partitions, time }) => {
      const current = r.evidence.groups
        .find(({ id }) => id === group)
        ?.generations.findLast((one) => one.isStable && one.time <= time);
      return current?.owners.get(`${topic}/${partitions?.[0]}`)?.includes(process) === false;
    }),
  ),
  goal('call-refused', 'a client refuses a call', (r) =>
    r.of('application-call-end').some(({ outcome }) => outcome === 'skipped'),
  ),
  goal('paused-over-a-rebalance', 'a partition is paused while the group rebalances', (r) =>
    overRebalance(r, 'pause', 'resume'),
  ),
  goal('stopped-and-run-again', 'a consumer is stopped, the group goes on, and it is run again', (r) =>
    overRebalance(r, 'stop', 'run'),
  ),
  goal('stopped-during-a-join', 'a consumer is stopped before it has its first assignment', (r) =>
    calls(r, 'stop').some(
      ({ process, seq }) => !r.of('wire-sync').some((one) => one.process === process && one.seq < seq),
    ),
  ),
  goal('commit-outside-the-handler', 'an application commits beside its handler', (r) =>
    r.of('application-call-end').some(({ call, outcome }) => call === 'commit' && outcome === 'applied'),
  ),
  goal('position-asked', 'an application is told its position', (r) => answers(r, 'position').length > 0),
  goal('position-of-a-partition-of-another', 'an application asks for a position that it has not', (r) =>
    r.of('application-call-end').some(({ call, outcome }) => call === 'position' && outcome === 'skipped'),
  ),
  goal('committed-asked', 'an application is told what is committed', (r) =>
    answers(r, 'committed').some((answer) => answer !== null),
  ),
  goal('committed-none', 'an application is told that nothing is committed', (r) =>
    answers(r, 'committed').includes(null),
  ),
  goal('few-heartbeats', 'a member whose heartbeats are farther apart than a third of its session', (r) =>
    r.evidence.groups.some(
      ({ config, generations }) =>
        config.heartbeatIntervalMs * 3 > config.sessionTimeoutMs && generations.length > 0,
    ),
  ),
  goal('batch-resolved-in-part', 'the rest of a batch comes again', (r) =>
    r.evidence.groups.some(
      ({ config, consumption }) =>
        config.resolvesPartially === true &&
        [...consumption.values()].some(({ stretches }) =>
          stretches.some(({ callStarts }) => callStarts.size > 1),
        ),
    ),
  ),
  goal('subscribed-by-a-pattern', 'a member subscribes by a pattern', (r) =>
    r.evidence.groups.some(
      ({ config, processes }) => config.subscription === 'pattern' && processes.length > 0,
    ),
  ),
  goal('application-error', 'an error reaches the application', (r) => r.of('application-error').length > 0),
  rare(
    goal('client-crashes-and-restarts', 'a client crashes and starts itself again', (r) =>
      r.of('client-crashed').some(({ restart }) => restart),
    ),
  ),
  rare(
    goal('client-gives-up', 'a client stops for good', (r) =>
      r.of('client-crashed').some(({ restart }) => !restart),
    ),
  ),
  rare(
    goal('disconnected-in-the-crash-listener', 'an application disconnects when its client crashes', (r) =>
      r.of('client-crashed').some(({ process, group, seq }) => {
        const config = r.evidence.groups.find(({ id }) => id === group)?.config;
        const exit = r.evidence.processes.get(process)?.exit;
        return config?.onClientCrash === 'disconnect' && exit?.code === 1 && exit.seq > seq;
      }),
    ),
  ),
];
