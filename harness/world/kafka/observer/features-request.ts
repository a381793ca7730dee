/**
 * The ApiVersions request, version 3 (KIP-511, KIP-584): nothing enters, the highest `metadata.version` that the
 * broker's software knows leaves; it tells the release, which no other answer does.
 *
 * The library's own version does not read the answer's tagged fields, where the features are.
 */
import { createAPI, type Reader, Writer } from '@platformatic/kafka';

export interface FeatureAnswer {
  readonly errorCode: number;
  /** Level of `metadata.version`, or null where the broker has no such feature (before 3.3, or ZooKeeper mode). */
  readonly metadataLevelMax: number | null;
}

const SUPPORTED_FEATURES_TAG = 0;

/*
  Response => error_code:INT16 [api_key:INT16 min:INT16 max:INT16 TAGS] throttle_time_ms:INT32 TAGS
    tag 0 => [name:COMPACT_STRING min_version:INT16 max_version:INT16 TAGS]
*/
export const featuresV3 = createAPI<[], FeatureAnswer>(
  18,
  3,
  () => Writer.create().appendString('kafka-trial').appendString('0').appendTaggedFields(),
  (_correlationId, _key, _version, reader) => {
    const errorCode = reader.readInt16();
    const count = reader.readUnsignedVarInt() - 1;
    for (let i = 0; i < count; i++) {
      reader.skip(6);
      skipTags(reader);
    }
    let metadataLevelMax: number | null = null;
    if (reader.remaining > 4) {
      reader.readInt32();
      for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
        const tag = reader.readUnsignedVarInt();
        const end = reader.readUnsignedVarInt() + reader.position;
        if (tag === SUPPORTED_FEATURES_TAG) metadataLevelMax = readMetadataLevel(reader);
        reader.position = end;
      }
    }
    return { errorCode, metadataLevelMax };
  },
  true,
  false,
);

function readMetadataLevel(reader: Reader): number | null {
  let level: number | null = null;
  for (let left = reader.readUnsignedVarInt() - 1; left > 0; left--) {
    const name = reader.readString();
    reader.readInt16();
    const max = reader.readInt16();
    if (name === 'metadata.version') level = max;
    skipTags(reader);
  }
  return level;
}

function skipTags(reader: Reader): void {
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    reader.readUnsignedVarInt();
    const length = reader.readUnsignedVarInt();
    reader.skip(length);
  }
}
