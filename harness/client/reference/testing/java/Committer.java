// The commits that the application itself makes, after harness/client/reference/trial/commits.ts: an offset enters, the call
// is made, and recorded before and after. The consumer allows one call at a time, so the calls of partitions that are worked
// on at the same time take turns.
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

final class Committer {
  /** A commit did not succeed: what was handed over and is not done has to come again. */
  static final class CommitNotDone extends Exception {
    CommitNotDone(Throwable cause) {
      super("the commit did not succeed", cause);
    }
  }

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final JsonObject group;
  private final Host host;
  private final boolean hasCallback;
  private int calls = 0;

  Committer(KafkaConsumer<byte[], byte[]> consumer, JsonObject group, Host host) {
    this.consumer = consumer;
    this.group = group;
    this.host = host;
    JsonObject mode = group.getAsJsonObject("commitMode");
    hasCallback = !mode.has("callback") || mode.get("callback").getAsBoolean();
  }

  synchronized void commit(TopicPartition partition, long offset) throws CommitNotDone {
    int call = begin(Map.of(partition, offset), true);
    try {
      consumer.commitSync(Map.of(partition, new OffsetAndMetadata(offset)));
    } catch (RuntimeException exception) {
      end(call, exception);
      throw new CommitNotDone(exception);
    }
    end(call, null);
  }

  /** The outcome is recorded when the client tells of it, and never where the application does not ask for it. */
  synchronized void commitInBackground(TopicPartition partition, long offset) {
    int call = begin(Map.of(partition, offset), false);
    Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(partition, new OffsetAndMetadata(offset));
    if (hasCallback) consumer.commitAsync(offsets, (all, exception) -> end(call, exception));
    else consumer.commitAsync(offsets, null);
  }

  /** What polls have handed over, of which the consumer knows the offsets; here is what the application takes them to be. */
  synchronized void commitPolled(Map<TopicPartition, Long> polled) throws CommitNotDone {
    boolean isAwaited = !group.getAsJsonObject("commitMode").get("kind").getAsString().equals("asynchronous");
    int call = begin(polled, isAwaited);
    if (!isAwaited) {
      consumer.commitAsync(hasCallback ? (all, exception) -> end(call, exception) : null);
      return;
    }
    try {
      consumer.commitSync();
    } catch (RuntimeException exception) {
      end(call, exception);
      throw new CommitNotDone(exception);
    }
    end(call, null);
  }

  private int begin(Map<TopicPartition, Long> committed, boolean isAwaited) {
    int call = calls++;
    JsonArray offsets = new JsonArray();
    committed.forEach((partition, offset) -> {
      JsonObject one = new JsonObject();
      one.addProperty("topic", partition.topic());
      one.addProperty("partition", partition.partition());
      one.addProperty("offset", String.valueOf(offset));
      offsets.add(one);
    });
    host.emit("application-commit", event -> {
      event.add("group", group.get("id"));
      event.addProperty("call", call);
      event.addProperty("awaited", isAwaited);
      event.add("offsets", offsets);
    });
    return call;
  }

  private void end(int call, Exception exception) {
    host.emit("application-commit-end", event -> {
      event.add("group", group.get("id"));
      event.addProperty("call", call);
      event.addProperty("outcome", exception == null ? "ok" : Errors.fateOf(exception));
      if (exception == null) event.add("error", JsonNull.INSTANCE);
      else event.addProperty("error", Errors.describe(exception));
    });
  }
}
