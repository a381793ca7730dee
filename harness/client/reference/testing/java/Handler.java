// The application's work on one record, after harness/client/application/handler.ts: a record enters, `processing-begin` and
// `processing-end` leave, and it fails where the scenario says so.
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

final class Handler {
  /** What the application throws where the scenario says so: the record has to come again. */
  static final class Failure extends Exception {}

  private final JsonObject group;
  private final long seed;
  private final Host host;
  private final Map<String, Integer> failures = new HashMap<>();

  Handler(JsonObject group, long seed, Host host) {
    this.group = group;
    this.seed = seed;
    this.host = host;
  }

  void handle(ConsumerRecord<byte[], byte[]> record) throws Failure {
    JsonObject handler = group.getAsJsonObject("handler");
    JsonObject timeMs = handler.getAsJsonObject("timeMs");
    // The topic's place in the group's list, not its name, which differs from run to run.
    int topic = indexOf(group.getAsJsonArray("topics"), record.topic());
    Object[] place = {topic, record.partition(), record.offset()};
    String id = recordId(record.value());
    emit("processing-begin", record, event -> event.addProperty("record", id));
    int waitMs =
        Draw.integer(
            timeMs.get("min").getAsInt(), timeMs.get("max").getAsInt(),
            "handler-time", seed, place[0], place[1], place[2]);
    Clock.sleep(waitMs);
    boolean isChosen =
        Draw.integer(0, 999, "handler-failure", place[0], place[1], place[2])
            < handler.get("failuresPerThousand").getAsInt();
    if (isChosen && mayFailAgain(place[0] + "/" + place[1] + "/" + place[2])) {
      emit("processing-end", record, event -> event.addProperty("outcome", "failed"));
      throw new Failure();
    }
    emit("processing-end", record, event -> event.addProperty("outcome", "ok"));
  }

  private synchronized boolean mayFailAgain(String key) {
    int failed = failures.getOrDefault(key, 0);
    if (failed >= group.getAsJsonObject("handler").get("failuresPerRecord").getAsInt()) return false;
    failures.put(key, failed + 1);
    return true;
  }

  private void emit(
      String kind, ConsumerRecord<byte[], byte[]> record, java.util.function.Consumer<JsonObject> more) {
    host.emit(kind, event -> {
      event.add("group", group.get("id"));
      event.addProperty("topic", record.topic());
      event.addProperty("partition", record.partition());
      event.addProperty("offset", String.valueOf(record.offset()));
      more.accept(event);
    });
  }

  private static int indexOf(JsonArray names, String name) {
    for (int i = 0; i < names.size(); i++) if (names.get(i).equals(new JsonPrimitive(name))) return i;
    return -1;
  }

  /** The record id in a value (harness/client/record-value.ts), or null where the value is not one of ours. */
  private static String recordId(byte[] value) {
    if (value == null) return null;
    String text = new String(value, StandardCharsets.UTF_8);
    int bar = text.indexOf('|');
    return bar > 0 ? text.substring(0, bar) : null;
  }
}
