/** Kafka's releases by the highest level of `metadata.version` that they know (KIP-778): a level enters, a name leaves. */

/** As `kafka-features.sh version-mapping` of Kafka 4.3 prints it. */
const releasesByLevel: readonly (readonly [level: number, release: string])[] = [
  [7, '3.3'],
  [8, '3.4'],
  [11, '3.5'],
  [14, '3.6'],
  [19, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [25, '4.0'],
  [27, '4.1'],
  [29, '4.2'],
  [30, '4.3'],
];

/** A level above all known ones is told as a number, which is better than a wrong name. */
export function releaseOf(level: number | null): string | null {
  if (level === null) return null;
  return releasesByLevel.find(([known]) => known >= level)?.[1] ?? `metadata level ${level}`;
}
