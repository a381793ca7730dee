// Waiting: milliseconds enter, and nothing but the end of the process cuts the wait short.
final class Clock {
  private Clock() {}

  static void sleep(double ms) {
    if (ms <= 0) return;
    try {
      Thread.sleep((long) Math.ceil(ms));
    } catch (InterruptedException exception) {
      throw new IllegalStateException(exception);
    }
  }
}
