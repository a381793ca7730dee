// The way out of the process: an event enters, and when the call returns, its line is in the pipe, so that a SIGKILL at the
// next instruction cannot lose it.
import com.google.gson.JsonObject;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.function.Consumer;

final class Host {
  /** Not buffered: each write is one system call that blocks while the pipe is full. */
  private final FileOutputStream output = new FileOutputStream(FileDescriptor.out);

  private final double timeOriginEpochMs;

  Host(double timeOriginEpochMs) {
    this.timeOriginEpochMs = timeOriginEpochMs;
  }

  /** Milliseconds of scenario time, to the microsecond. */
  double now() {
    Instant instant = Instant.now();
    double epochMs = instant.getEpochSecond() * 1_000.0 + instant.getNano() / 1_000_000.0;
    return Math.round((epochMs - timeOriginEpochMs) * 1_000) / 1_000.0;
  }

  synchronized void emit(String kind, Consumer<JsonObject> fields) {
    JsonObject event = new JsonObject();
    event.addProperty("time", now());
    event.addProperty("kind", kind);
    fields.accept(event);
    try {
      output.write((event + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException exception) {
      throw new UncheckedIOException(exception);
    }
  }

  /** Ends the process after all emitted events. */
  void exit(int code) {
    Runtime.getRuntime().halt(code);
  }
}
