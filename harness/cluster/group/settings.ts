/**
 * The broker's settings that group coordinators obey, with Kafka's own defaults (GroupCoordinatorConfig), in
 * milliseconds.
 */
export interface GroupSettings {
  /** group.min.session.timeout.ms */
  readonly sessionTimeoutMinMs: number;
  /** group.max.session.timeout.ms */
  readonly sessionTimeoutMaxMs: number;
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number;
  /** group.max.size */
  readonly groupSizeMax: number;
  /** How long a member that has just been added may wait for its first generation; fixed in Kafka. */
  readonly newMemberJoinTimeoutMs: number;
  /** offset.metadata.max.bytes; counted in UTF-16 units, as Kafka does. */
  readonly offsetMetadataSizeMax: number;
  /** offsets.retention.minutes, in milliseconds. */
  readonly offsetsRetentionMs: number;
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** offsets.commit.timeout.ms: how long an answer may wait for replication. */
  readonly writeTimeoutMs: number;
  /** How long a new coordinator takes to load a partition; the real time depends on the log. */
  readonly loadingTimeMs: number;
  /** False in a coordinator that is broken on purpose: it lets several members have one group.instance.id. */
  readonly fencesStaticMembers: boolean;
}

export const DEFAULT_GROUP_SETTINGS: GroupSettings = {
  sessionTimeoutMinMs: 6_000,
  sessionTimeoutMaxMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  groupSizeMax: 2_147_483_647,
  newMemberJoinTimeoutMs: 300_000,
  offsetMetadataSizeMax: 4_096,
  offsetsRetentionMs: 7 * 24 * 60 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  writeTimeoutMs: 5_000,
  loadingTimeMs: 20,
  fencesStaticMembers: true,
};

/** The settings that are numbers. */
type NumberSetting = Exclude<keyof GroupSettings, 'fencesStaticMembers'>;

const MINUTE_MS = 60_000;

/** By Kafka's name: which setting it is, and how many of its units one of Kafka's is. */
const BY_KAFKA_NAME: Readonly<Record<string, readonly [NumberSetting, factor: number]>> = {
  'group.min.session.timeout.ms': ['sessionTimeoutMinMs', 1],
  'group.max.session.timeout.ms': ['sessionTimeoutMaxMs', 1],
  'group.initial.rebalance.delay.ms': ['initialRebalanceDelayMs', 1],
  'group.max.size': ['groupSizeMax', 1],
  'offset.metadata.max.bytes': ['offsetMetadataSizeMax', 1],
  'offsets.retention.minutes': ['offsetsRetentionMs', MINUTE_MS],
  'offsets.retention.check.interval.ms': ['offsetsRetentionCheckIntervalMs', 1],
  'offsets.commit.timeout.ms': ['writeTimeoutMs', 1],
};

/** Kafka's names of the settings that group coordinators obey. */
export const groupSettingNames: readonly string[] = Object.keys(BY_KAFKA_NAME);

/** Kafka's settings by Kafka's names enter; names that group coordinators do not know are passed over. */
export function groupSettings(
  kafkaSettings: Readonly<Record<string, string>>,
  loadingTimeMs = DEFAULT_GROUP_SETTINGS.loadingTimeMs,
): GroupSettings {
  const settings = {
    ...DEFAULT_GROUP_SETTINGS,
    loadingTimeMs,
    fencesStaticMembers: kafkaSettings['kafka-trial.fence.static.members'] !== 'false',
  };
  for (const [name, [setting, factor]] of Object.entries(BY_KAFKA_NAME)) {
    const text = kafkaSettings[name];
    if (text !== undefined) settings[setting] = Number(text) * factor;
  }
  return settings;
}
