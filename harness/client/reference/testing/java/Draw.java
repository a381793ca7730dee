// Draws that depend on nothing but their arguments, number by number those of harness/client/application/draw.ts, so that
// the Java client's application fails at the same records, and takes the same time for them, as any other client's.
final class Draw {
  private static final int FNV_OFFSET_BASIS = 0x811c9dc5;
  private static final int FNV_PRIME = 0x01000193;

  private Draw() {}

  /** An integer from `min` to `max`, both included. */
  static int integer(int min, int max, Object... parts) {
    int hash = FNV_OFFSET_BASIS;
    for (Object part : parts) {
      String text = part + "\0";
      for (int i = 0; i < text.length(); i++) hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    int mixed = hash ^ (hash >>> 16);
    mixed *= 0x85ebca6b;
    mixed ^= mixed >>> 13;
    mixed *= 0xc2b2ae35;
    mixed ^= mixed >>> 16;
    return min + (int) Math.floor(Integer.toUnsignedLong(mixed) / 4_294_967_296.0 * (max - min + 1));
  }
}
