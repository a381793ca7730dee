/**
 * Differences to Kafka that are known and stay, each with its reason: an API, a version range and the path in the answer
 * where they show, and what they are on either side. A difference that none of these explains is a failure.
 */

import type { ProfileName } from '../../cluster/profiles.ts';
import type { Step } from './step.ts';

export interface KnownDifference {
  readonly reason: string;
  /** The only release that it is of. */
  readonly release?: ProfileName;
  readonly apiKey: number;
  /** The path of the difference, such as `topics.0.errorCode`; all digits are written as 0. */
  readonly path: RegExp;
  /** Whether it is only where the answer refuses a login. */
  readonly refusesLogin?: true;
  /** Whether what else differs in the answer follows from it. */
  readonly coversAnswer?: true;
  /** Whether Kafka never answers then, so that there is nothing to wait for. */
  readonly leavesUnanswered?: true;
  /** Whether the arms hold different things from here on, so that nothing can be said of later steps. */
  readonly changesState?: true;
  readonly explains?: (
    simulated: unknown,
    real: unknown,
    step: Step,
    /** Of the same sequence, in their order. */
    earlier: readonly Step[],
  ) => boolean;
}

const mentions = (value: unknown, text: string): boolean => JSON.stringify(value)?.includes(text) === true;

const OFFSET_COMMIT = 8;
/** More than offset.metadata.max.bytes. */
const TOO_LONG = 'x'.repeat(4_097);
const isRefusedForItsLength = ({ apiKey, body }: Step): boolean =>
  apiKey === OFFSET_COMMIT && mentions(body, TOO_LONG);
const SEEN_BY_CHANCE =
  'a group that only a refused commit has made is seen from the next record of its partition on, and other connections write there when they like';
/** What is told of a group that is there, and of one that is not (GROUP_ID_NOT_FOUND). */
const SEEN_OR_NOT: readonly unknown[] = ['Empty', 'Dead', 0, 69];

const fetchesTopicIdOfZeros = ({ version, body }: Step): boolean =>
  version >= 13 &&
  (body as { topics: { topicId: string }[] }).topics.some(({ topicId }) => /^0+$/.test(topicId));

export const knownDifferences: readonly KnownDifference[] = [
  {
    reason: 'the simulated cluster announces the APIs that it has, and Kafka has more',
    apiKey: 18,
    path: /^answer\.apiKeys/,
  },
  {
    reason: 'the simulated cluster has no fetch sessions, as a broker whose cache is full',
    apiKey: 1,
    path: /^answer\.sessionId$/,
    explains: (simulated, real) => simulated === 0 && real === 'a session',
  },
  {
    reason: "a topic's setting is shown without the broker's setting of another name that it comes from",
    apiKey: 32,
    path: /^answer\.results\.0\.configs\.0\.(synonyms|documentation)/,
  },
  {
    reason: 'Kafka fails at records that are null (NullPointerException)',
    apiKey: 0,
    path: /./,
    coversAnswer: true,
    changesState: true,
    explains: (_simulated, _real, { body }) => mentions(body, '"records":null'),
  },
  {
    reason: 'Kafka fails at a Fetch by a topic id of zeros (NullPointerException, UNKNOWN_SERVER_ERROR)',
    apiKey: 1,
    path: /^answer\.(errorCode|responses)/,
    explains: (_simulated, _real, step) => fetchesTopicIdOfZeros(step),
  },
  {
    reason:
      'Kafka has no answer to a Fetch that waits and has a topic id of zeros (the NullPointerException is on the thread of the purgatory)',
    apiKey: 1,
    path: /^(answer|ended)$/,
    leavesUnanswered: true,
    changesState: true,
    explains: (_simulated, real, step) =>
      fetchesTopicIdOfZeros(step) && (real === undefined || typeof real === 'string'),
  },
  {
    reason:
      'of an operation that does not exist and another mistake in the same resource, Kafka meets the one that its hash map has first',
    apiKey: 44,
    path: /^answer\.responses\.0\.errorCode$/,
    coversAnswer: true,
    changesState: true,
    explains: (simulated, _real, { body }) =>
      simulated === -1 &&
      (body as { resources: { configs: { configOperation: number }[] }[] }).resources.some(
        ({ configs }) => configs.length > 1 && configs.some(({ configOperation }) => configOperation === 4),
      ),
  },
  {
    reason: 'Kafka fails at a Metadata about a topic with neither name nor id (NullPointerException)',
    apiKey: 3,
    path: /./,
    coversAnswer: true,
    explains: (_simulated, _real, { version, body }) => {
      const topics = (body as { topics: { name: string | null; topicId: string }[] | null }).topics ?? [];
      const isNothing = (text: string | null): boolean => text === null || /^0+$/.test(text);
      return (
        version >= 12 &&
        topics.some(({ name }) => name === null) &&
        topics.every(({ topicId }) => isNothing(topicId))
      );
    },
  },
  {
    reason: 'Kafka has no answer to an AlterConfigs that names a resource twice',
    apiKey: 33,
    path: /^(answer|ended)$/,
    leavesUnanswered: true,
    explains: (_simulated, real, { body }) => {
      const { resources } = body as { resources: { resourceName: string }[] };
      const names = resources.map(({ resourceName }) => resourceName);
      return new Set(names).size < names.length && (real === undefined || typeof real === 'string');
    },
  },
  {
    reason: SEEN_BY_CHANCE,
    apiKey: 15,
    path: /^answer\.groups\.0\.(groupState|errorCode|errorMessage)$/,
    explains: (simulated, real, _step, earlier) =>
      earlier.some(isRefusedForItsLength) &&
      [simulated, real].every(
        (one) =>
          one === null || (typeof one === 'string' && one.startsWith('Group ')) || SEEN_OR_NOT.includes(one),
      ),
  },
  {
    reason: SEEN_BY_CHANCE,
    apiKey: 16,
    path: /^answer\.groups$/,
    explains: (_simulated, _real, _step, earlier) => earlier.some(isRefusedForItsLength),
  },
  {
    reason: 'Kafka counts a protocol that a JoinGroup names twice twice, or has no answer',
    apiKey: 11,
    path: /^(answer(\.protocolName)?|ended)$/,
    coversAnswer: true,
    changesState: true,
    explains: (_simulated, _real, { body }) => {
      const names = (body as { protocols: { name: string }[] }).protocols.map(({ name }) => name);
      return new Set(names).size < names.length;
    },
  },
  {
    reason: 'Kafka has no answer to an OffsetFetch of no group (NullPointerException in errorCounts)',
    release: '3.9',
    apiKey: 9,
    path: /^(answer|ended)$/,
    leavesUnanswered: true,
    explains: (_simulated, _real, { version, body }) => version >= 8 && mentions(body, '"groups":[]'),
  },
  {
    reason: 'Kafka lets anything stand before the nonce in the last message of SCRAM',
    release: '3.9',
    apiKey: 36,
    path: /^(answer\.errorCode|ended)$/,
    coversAnswer: true,
    changesState: true,
    explains: (_simulated, real, { body }) => real !== 58 && mentions(body, '"nonce":{"prefix":"more"'),
  },
  {
    reason: 'a Fetch in the middle of a login is answered without records instead of with none',
    release: '3.9',
    apiKey: 1,
    path: /^answer\.responses\.0\.partitions\.0\.records$/,
    refusesLogin: true,
  },
  {
    reason:
      'an OffsetFetch in the middle of a login is answered without the topics of which it names no partition',
    release: '3.9',
    apiKey: 9,
    path: /^answer\.topics$/,
    refusesLogin: true,
    explains: (_simulated, _real, { body }) => mentions(body, '"partitionIndexes":[]'),
  },
  {
    reason:
      'Kafka leaves an AddPartitionsToTxn without transactions without an answer (KafkaApis answers with the last)',
    apiKey: 24,
    path: /^(answer|ended)$/,
    leavesUnanswered: true,
    explains: (_simulated, _real, { body }) => mentions(body, '"transactions":[]'),
  },
];

/** Whether Kafka is known never to answer this. */
export const isLeftUnanswered = (step: Step, release: ProfileName): boolean =>
  knownDifferences.some(
    (known) =>
      known.leavesUnanswered === true &&
      known.apiKey === step.apiKey &&
      (known.release ?? release) === release &&
      known.explains?.(undefined, undefined, step, []) === true,
  );
