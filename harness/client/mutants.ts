/**
 * What can be broken on purpose, to prove that a property has teeth: a mutant's id enters, what it breaks, where it shows
 * and which property has to catch it leaves. What a mutant does to an application or a client is in
 * `application/mutation.ts`, and to a cluster in `harness/cluster/broken/`.
 */
import type { ProfileName } from '../../scenarios/arbitrary.ts';

export interface Mutant {
  readonly id: string;
  readonly description: string;
  /** The part that it breaks: brokers, coordinators and leaders are those of the simulated cluster. */
  readonly breaks: 'application' | 'client' | 'leader' | 'coordinator' | 'broker';
  /** Ids of the properties that have to catch it. */
  readonly caughtBy: readonly string[];
  /** Where it shows, if not with kafkajs in the default mixture of scenarios. */
  readonly client?: 'kafkajs' | 'reference';
  readonly profile?: ProfileName;
}

export const mutants = [
  {
    id: 'commit-before-processing',
    description:
      'The application commits a record before it processes it, although it claims the other order.',
    breaks: 'application',
    caughtBy: ['at-least-once', 'commit-within-processed'],
  },
  {
    id: 'skip-partition',
    description:
      'The application drops the records of the lowest-numbered partition it owns of each topic, as if they were done.',
    breaks: 'application',
    caughtBy: ['at-least-once'],
  },
  {
    id: 'rewind-commit',
    description: 'Every seventh commit of a partition says an offset three lower than what is done.',
    breaks: 'application',
    caughtBy: ['commit-monotonic'],
  },
  {
    id: 'commit-ahead',
    description: 'Every fifth commit of a partition says an offset one higher than what is done.',
    breaks: 'application',
    caughtBy: ['commit-within-processed'],
  },
  {
    id: 'commit-behind',
    description: 'Every commit of the application says an offset one lower than what is done.',
    breaks: 'application',
    caughtBy: ['convergence'],
  },
  {
    id: 'process-twice',
    description: 'The application works on every tenth record of a partition a second time.',
    breaks: 'application',
    caughtBy: ['duplicate-bound'],
  },
  {
    id: 'reverse-batches',
    description: 'The application works on the records of a batch from the last to the first.',
    breaks: 'application',
    caughtBy: ['order'],
  },
  {
    id: 'opposite-reset',
    description:
      'The application is configured with latest where it claims earliest, and the other way round.',
    breaks: 'application',
    caughtBy: ['offset-reset', 'explained-resume'],
  },
  {
    id: 'careless-pipeline',
    description:
      'The application goes on behind a transaction that it has aborted, as if it had committed it.',
    breaks: 'application',
    caughtBy: ['exactly-once'],
    profile: 'pipelines',
  },
  {
    id: 'hold-back',
    description: 'The client hands over the last record of each poll only with those of the next.',
    breaks: 'client',
    caughtBy: ['owned-consumption'],
    client: 'reference',
    profile: 'members',
  },
  {
    id: 'deaf-client',
    description: 'The client goes on with the partitions that the application pauses.',
    breaks: 'client',
    caughtBy: ['paused-consumption'],
    client: 'reference',
    profile: 'consumer',
  },
  {
    id: 'confused-client',
    description: 'The client answers with its position where it is asked for the committed offset, and back.',
    breaks: 'client',
    caughtBy: ['answered-offset'],
    client: 'reference',
    profile: 'consumer-java',
  },
  {
    id: 'boastful-client',
    description: 'The client reports an assignment without its last partition.',
    breaks: 'client',
    caughtBy: ['truthful-client'],
  },
  {
    id: 'tireless-client',
    description: 'The client does not leave its group when max.poll.interval.ms is over.',
    breaks: 'client',
    caughtBy: ['timeout-detection'],
    client: 'reference',
    profile: 'java',
  },
  {
    id: 'careless-producer',
    description: 'The producer drops what it has not sent when it is closed, although it claims to flush.',
    breaks: 'client',
    caughtBy: ['producer-flush'],
    client: 'reference',
    profile: 'java',
  },
  {
    id: 'swapping-producer',
    description: 'The producer aborts the transactions that the application commits, and says that it did.',
    breaks: 'client',
    caughtBy: ['truthful-client'],
    client: 'reference',
    profile: 'transactions-java',
  },
  {
    id: 'doubling-leader',
    description: 'The leader assigns a partition of one member to another one too.',
    breaks: 'leader',
    caughtBy: ['exclusive-assignment'],
  },
  {
    id: 'orphaning-leader',
    description: 'The leader leaves a partition out of every second assignment.',
    breaks: 'leader',
    caughtBy: ['complete-assignment'],
  },
  {
    id: 'lopsided-leader',
    description: 'The leader moves a partition from the smallest share to the largest.',
    breaks: 'leader',
    caughtBy: ['balanced-assignment'],
  },
  {
    id: 'greedy-leader',
    description: 'The leader assigns everything to one member.',
    breaks: 'leader',
    caughtBy: ['idle-member'],
  },
  {
    id: 'restless-leader',
    description: "In every second generation members get each other's shares.",
    breaks: 'leader',
    caughtBy: ['sticky-economy'],
    client: 'reference',
    profile: 'java',
  },
  {
    id: 'hasty-leader',
    description: 'The leader gives a partition to its new owner while the old one still holds it.',
    breaks: 'leader',
    caughtBy: ['cooperative-handover'],
    client: 'reference',
    profile: 'java',
  },
  {
    id: 'impatient-coordinator',
    description: 'The coordinator ends sessions after a quarter of session.timeout.ms.',
    breaks: 'coordinator',
    caughtBy: ['timeout-detection'],
    profile: 'members',
  },
  {
    id: 'patient-coordinator',
    description: 'The coordinator never ends a session.',
    breaks: 'coordinator',
    caughtBy: ['timeout-detection', 'convergence'],
    client: 'reference',
    profile: 'members',
  },
  {
    id: 'restless-coordinator',
    description: 'The coordinator sends members of a stable group into a rebalance now and then.',
    breaks: 'coordinator',
    caughtBy: ['no-spurious-rebalance'],
  },
  {
    id: 'forgetful-coordinator',
    description: 'The coordinator confirms every seventh commit without writing it.',
    breaks: 'coordinator',
    caughtBy: ['no-lost-commit'],
  },
  {
    id: 'lenient-coordinator',
    description: 'The coordinator accepts commits of replaced generations.',
    breaks: 'coordinator',
    caughtBy: ['owned-commit'],
    client: 'reference',
    profile: 'members',
  },
  {
    id: 'mixed-up-coordinator',
    description: 'The coordinator writes what one group commits into another group too.',
    breaks: 'coordinator',
    caughtBy: ['group-isolation'],
  },
  {
    id: 'skipping-coordinator',
    description: 'The coordinator answers every third committed offset one too high.',
    breaks: 'coordinator',
    caughtBy: ['explained-resume'],
  },
  {
    id: 'two-faced-coordinator',
    description: 'The coordinator tells a member that it has a partition which it recorded for another.',
    breaks: 'coordinator',
    caughtBy: ['exclusive-processing', 'truthful-client'],
  },
  {
    id: 'unfenced-coordinator',
    description: 'The coordinator lets a static member that is back be a member beside its former self.',
    breaks: 'coordinator',
    caughtBy: ['static-fencing'],
    client: 'reference',
    profile: 'java',
  },
  {
    id: 'stubborn-coordinator',
    description: "The transactions' coordinator commits what it is asked to abort.",
    breaks: 'coordinator',
    caughtBy: ['exactly-once'],
    client: 'reference',
    profile: 'pipelines',
  },
  {
    id: 'off-by-one-broker',
    description: 'The broker tells the producer of every fifth batch an offset that is one too high.',
    breaks: 'broker',
    caughtBy: ['produced-offset'],
  },
  {
    id: 'gappy-broker',
    description: 'The broker leaves the first of several batches out of every third such answer to a fetch.',
    breaks: 'broker',
    caughtBy: ['continuity'],
  },
  {
    id: 'leaky-broker',
    description: 'The broker gives consumers with read_committed what transactions have not committed.',
    breaks: 'broker',
    caughtBy: ['read-committed'],
    client: 'reference',
    profile: 'transactions-java',
  },
] as const satisfies readonly Mutant[];

export type MutantId = (typeof mutants)[number]['id'];

export const findMutant = (id: string): Mutant | undefined => mutants.find((mutant) => mutant.id === id);

/** Whether it breaks what only the simulated cluster lets itself be broken in. */
export const needsSimulatedCluster = ({ breaks }: Mutant): boolean =>
  breaks === 'leader' || breaks === 'coordinator' || breaks === 'broker';
