/**
 * What a release of Kafka announces: an API key enters, the versions that a broker of that release accepts leave. A
 * simulated broker announces those among them that it implements, and behaves as the release does where they differ.
 *
 * The ranges are those that brokers of these releases answer to ApiVersions on a client listener.
 */

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export interface Feature {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The level that the cluster has agreed on; 0 for one that is off. */
  readonly level: number;
}

export interface Profile {
  readonly name: string;
  readonly versions: ReadonlyMap<number, VersionRange>;
  /**
   * The lowest version of Produce in the announcement, which is lower than what is accepted: librdkafka decides by it
   * whether a broker understands compression (KAFKA-18659).
   */
  readonly announcedProduceMin: number;
  readonly features: readonly Feature[];
  /** Replicas that left the in-sync set below its minimum may still be elected (KIP-966). */
  readonly eligibleLeaderReplicas: boolean;
  /** Of a transactional producer that ends each transaction with a new epoch, a log takes sequence 0 first (KAFKA-18202). */
  readonly newProducersBeginAtZero: boolean;
  /** The coordinator of groups is the one from before KIP-848 (kafka.coordinator.group), which 4.0 dropped. */
  readonly oldGroupCoordinator: boolean;
  /** Settings of topics that Kafka 4.3 has another default for, or does not have any more. */
  readonly topicDefaults: Readonly<Record<string, string>>;
}

const ranges = (rows: readonly (readonly [key: number, min: number, max: number])[]) =>
  new Map(rows.map(([key, min, max]) => [key, { min, max }]));

export const kafka43: Profile = {
  name: '4.3',
  announcedProduceMin: 0,
  eligibleLeaderReplicas: true,
  newProducersBeginAtZero: true,
  oldGroupCoordinator: false,
  topicDefaults: {},
  features: [
    { name: 'group.version', minVersion: 0, maxVersion: 1, level: 1 },
    { name: 'transaction.version', minVersion: 0, maxVersion: 2, level: 2 },
    { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1, level: 1 },
    { name: 'metadata.version', minVersion: 7, maxVersion: 30, level: 30 },
  ],
  versions: ranges([
    [0, 3, 13],
    [1, 4, 18],
    [2, 1, 11],
    [3, 0, 13],
    [8, 2, 10],
    [9, 1, 10],
    [10, 0, 6],
    [11, 0, 9],
    [12, 0, 4],
    [13, 0, 5],
    [14, 0, 5],
    [15, 0, 6],
    [16, 0, 5],
    [17, 0, 1],
    [18, 0, 4],
    [19, 2, 7],
    [20, 1, 6],
    [21, 0, 2],
    [22, 0, 5],
    [23, 2, 4],
    [24, 0, 5],
    [25, 0, 4],
    [26, 0, 5],
    [27, 1, 2],
    [28, 0, 5],
    [32, 1, 4],
    [33, 0, 2],
    [36, 0, 2],
    [37, 0, 3],
    [42, 0, 2],
    [44, 0, 1],
    [47, 0, 0],
    [48, 0, 1],
    [49, 0, 1],
    [60, 0, 2],
    [61, 0, 0],
    [65, 0, 0],
    [66, 0, 2],
    [68, 0, 1],
    [69, 0, 1],
    [75, 0, 0],
  ]),
};

/** What an older release of the 4.x line announces, told by what it lacks. */
const older = (
  newer: Profile,
  changes: Pick<Profile, 'name' | 'features'> &
    Partial<Pick<Profile, 'eligibleLeaderReplicas' | 'newProducersBeginAtZero'>> & {
      readonly ranges: readonly (readonly [key: number, min: number, max: number])[];
    },
): Profile => {
  const { ranges: changed, ...rest } = changes;
  return { ...newer, ...rest, versions: new Map([...newer.versions, ...ranges(changed)]) };
};

const withMetadataVersion = ({ features }: Profile, level: number): readonly Feature[] =>
  features.map((one) => (one.name === 'metadata.version' ? { ...one, maxVersion: level, level } : one));

export const kafka42: Profile = older(kafka43, {
  name: '4.2',
  features: withMetadataVersion(kafka43, 29),
  ranges: [],
});

/** Without ids of topics in OffsetCommit and OffsetFetch (KIP-848). */
export const kafka41: Profile = older(kafka42, {
  name: '4.1',
  features: withMetadataVersion(kafka42, 27),
  ranges: [
    [2, 1, 10],
    [8, 2, 9],
    [9, 1, 9],
    [27, 1, 1],
  ],
});

/** Without ids of topics in Produce (KIP-516), and with eligible leader replicas off in new clusters (KIP-966). */
export const kafka40: Profile = older(kafka41, {
  name: '4.0',
  eligibleLeaderReplicas: false,
  newProducersBeginAtZero: false,
  features: withMetadataVersion(kafka41, 25).map((one) =>
    one.name === 'eligible.leader.replicas.version' ? { ...one, level: 0 } : one,
  ),
  ranges: [
    [0, 3, 12],
    [1, 4, 17],
    [66, 0, 1],
  ],
});

export const kafka39: Profile = {
  name: '3.9',
  announcedProduceMin: 0,
  eligibleLeaderReplicas: false,
  newProducersBeginAtZero: false,
  oldGroupCoordinator: true,
  topicDefaults: {
    'message.downconversion.enable': 'true',
    'message.format.version': '3.0-IV1',
    'message.timestamp.after.max.ms': '9223372036854775807',
    'message.timestamp.difference.max.ms': '9223372036854775807',
  },
  features: [{ name: 'metadata.version', minVersion: 1, maxVersion: 21, level: 21 }],
  versions: ranges([
    [0, 0, 11],
    [1, 0, 17],
    [2, 0, 9],
    [3, 0, 12],
    [8, 0, 9],
    [9, 0, 9],
    [10, 0, 6],
    [11, 0, 9],
    [12, 0, 4],
    [13, 0, 5],
    [14, 0, 5],
    [15, 0, 5],
    [16, 0, 5],
    [17, 0, 1],
    [18, 0, 4],
    [19, 0, 7],
    [20, 0, 6],
    [21, 0, 2],
    [22, 0, 5],
    [23, 0, 4],
    [24, 0, 5],
    [25, 0, 4],
    [26, 0, 4],
    [27, 0, 1],
    [28, 0, 4],
    [32, 0, 4],
    [33, 0, 2],
    [36, 0, 2],
    [37, 0, 3],
    [42, 0, 2],
    [44, 0, 1],
    [47, 0, 0],
    [48, 0, 1],
    [49, 0, 1],
    [60, 0, 1],
    [61, 0, 0],
    [65, 0, 0],
    [66, 0, 1],
    [68, 0, 0],
    [69, 0, 0],
    [75, 0, 0],
  ]),
};

export const profileNames = ['3.9', '4.0', '4.1', '4.2', '4.3'] as const;
export type ProfileName = (typeof profileNames)[number];

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  '3.9': kafka39,
  '4.0': kafka40,
  '4.1': kafka41,
  '4.2': kafka42,
  '4.3': kafka43,
};
