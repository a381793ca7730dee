/**
 * Differences to Kafka that are known and stay, each with its reason: an API, a version range and the path in the answer
 * where they show, and what they are on either side. A difference that none of these explains is a failure.
 */
export interface KnownDifference {
  readonly reason: string;
  readonly apiKey: number;
  /** The path of the difference, such as `topics.0.errorCode`; all digits are written as 0. */
  readonly path: RegExp;
  readonly explains?: (simulated: unknown, real: unknown) => boolean;
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    reason: 'the simulated cluster announces the APIs that it has, and Kafka has more',
    apiKey: 18,
    path: /^answer\.apiKeys/,
  },
];
