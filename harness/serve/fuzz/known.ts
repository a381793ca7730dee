/**
 * Differences to Kafka that are known and stay, each with its reason: an API, a version range and the path in the answer
 * where they show, and what they are on either side. A difference that none of these explains is a failure.
 */
export interface KnownDifference {
  readonly reason: string;
  readonly apiKey: number;
  /** The path of the difference, such as `topics.0.errorCode`; all digits are written as 0. */
  readonly path: RegExp;
  /** Whether what else differs in the answer follows from it. */
  readonly coversAnswer?: true;
  readonly explains?: (simulated: unknown, real: unknown) => boolean;
}

const mentions = (value: unknown, text: string): boolean => JSON.stringify(value)?.includes(text) === true;

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
    reason: 'Kafka fails at a Fetch by a topic id of zeros (NullPointerException, UNKNOWN_SERVER_ERROR)',
    apiKey: 1,
    path: /^answer\.(errorCode|responses)/,
    explains: (simulated, real) => real === -1 || mentions(simulated, '"errorCode":100'),
  },
  {
    reason:
      'Kafka refuses the whole of a transactional Produce when it cannot go through the batches of one partition',
    apiKey: 0,
    path: /^answer\.responses\.0\.partitionResponses\.0\.errorCode$/,
    coversAnswer: true,
    explains: (_simulated, real) => real === 2,
  },
  ...[19, 24, 33, 37, 44].map((apiKey) => ({
    reason: 'of a request with several mistakes another one is named first',
    apiKey,
    path: /\.(errorCode|partitionErrorCode)$/,
    coversAnswer: true as const,
    explains: (simulated: unknown, real: unknown) => simulated !== 0 && real !== 0,
  })),
  {
    reason: 'Kafka puts refused partitions of a Fetch by name first, and so can name a topic twice',
    apiKey: 1,
    path: /^answer\.responses$/,
    explains: (simulated, real) =>
      Array.isArray(simulated) && Array.isArray(real) && real.length > simulated.length,
  },
  {
    reason:
      'Kafka leaves an AddPartitionsToTxn without transactions without an answer (KafkaApis answers with the last)',
    apiKey: 24,
    path: /^(answer|ended)$/,
    explains: (simulated, real) => mentions(simulated, '"resultsByTransaction":[]') || real === 'silent',
  },
];
