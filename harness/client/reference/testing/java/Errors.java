// Exceptions of the Java client: one enters; a line for the history leaves, or whether what was asked may have been done.
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;

final class Errors {
  private static final int DEPTH_MAX = 5;

  private Errors() {}

  static String describe(Throwable error) {
    List<String> parts = new ArrayList<>();
    for (Throwable one = error; one != null && parts.size() < DEPTH_MAX; one = one.getCause()) {
      String name = one.getClass().getSimpleName();
      String part = one.getMessage() == null ? name : name + ": " + one.getMessage();
      if (!parts.contains(part)) parts.add(part);
    }
    return String.join(" <- ", parts).replaceAll("\\s+", " ");
  }

  /** `failed` only where a broker, or the coordinator's view of the group, said no. */
  static String fateOf(Throwable error) {
    if (error instanceof RetriableCommitFailedException && error.getCause() != null) return fateOf(error.getCause());
    boolean isOpen =
        error instanceof TimeoutException || error instanceof DisconnectException || error instanceof WakeupException;
    boolean isRefusal = error instanceof ApiException || error instanceof CommitFailedException;
    return isRefusal && !isOpen ? "failed" : "unknown";
  }
}
