// A group member on Apache's KafkaConsumer, after harness/client/reference/trial/member.ts: a start command enters, a poll
// loop as Kafka's documentation shows it runs, and events leave.
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

final class TrialMember implements Driver.Application {
  private static final Duration POLL_TIMEOUT = Duration.ofSeconds(1);
  private static final int AUTO_COMMIT_INTERVAL_MS = 1_000;
  private static final int COMMIT_MS = 20;
  private static final double POLL_SHARE = 1.0 / 2;
  private static final int MAX_POLL_RECORDS = 500;

  private final JsonObject group;
  private final String id;
  private final Host host;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Committer committer;
  private final Work work;
  private final Thread thread;
  private volatile boolean isEndDue;
  private volatile boolean isHeldUp;
  private volatile boolean isPolling;

  TrialMember(JsonObject start, Host host) {
    group = start.getAsJsonObject("group");
    id = group.get("id").getAsString();
    this.host = host;
    consumer = new KafkaConsumer<>(options(start), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    committer = new Committer(consumer, group, host);
    Handler handler = new Handler(group, start.get("seed").getAsLong(), host);
    work = new Work(consumer, group, committer, handler, host, () -> isEndDue);
    thread = new Thread(this::run, "poll");
    thread.start();
  }

  /** The scenario's words in Kafka's, by the rules of the reference client's application. */
  private Properties options(JsonObject start) {
    String process = start.get("process").getAsString();
    JsonObject commitMode = group.getAsJsonObject("commitMode");
    boolean isAutomatic = commitMode.get("kind").getAsString().equals("auto");
    int pollIntervalMs = integer("maxPollIntervalMs", group.get("rebalanceTimeoutMs").getAsInt());
    int handlerMs = group.getAsJsonObject("handler").getAsJsonObject("timeMs").get("max").getAsInt();
    int records = (int) Math.floor(pollIntervalMs * POLL_SHARE / (handlerMs + COMMIT_MS));
    Properties options = new Properties();
    options.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, TrialProducer.servers(start));
    options.put(ConsumerConfig.CLIENT_ID_CONFIG, process);
    options.put(ConsumerConfig.GROUP_ID_CONFIG, id);
    options.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
    if (group.has("staticMembership") && group.get("staticMembership").getAsBoolean())
      options.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, process.substring(0, process.lastIndexOf('.')));
    // Java's own defaults, with the window.
    List<String> assignors = group.has("assignors") ? strings("assignors") : List.of("range", "cooperative-sticky");
    options.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, Observed.classesOf(assignors));
    if (group.has("isolationLevel"))
      options.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, group.get("isolationLevel").getAsString());
    if (group.has("fetchMinBytes"))
      options.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, group.get("fetchMinBytes").getAsInt());
    options.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, group.get("sessionTimeoutMs").getAsInt());
    options.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, group.get("heartbeatIntervalMs").getAsInt());
    options.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, pollIntervalMs);
    options.put(
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
        integer("maxPollRecords", Math.max(1, Math.min(MAX_POLL_RECORDS, records))));
    options.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, group.get("autoOffsetReset").getAsString());
    options.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, group.get("fetchMaxWaitMs").getAsInt());
    options.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, group.get("maxPartitionFetchBytes").getAsInt());
    options.put(ConsumerConfig.METADATA_MAX_AGE_CONFIG, group.get("metadataMaxAgeMs").getAsInt());
    options.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, isAutomatic);
    if (isAutomatic) {
      JsonElement intervalMs = commitMode.get("intervalMs");
      options.put(
          ConsumerConfig.AUTO_COMMIT_INTERVAL_MS_CONFIG,
          intervalMs.isJsonNull() ? AUTO_COMMIT_INTERVAL_MS : intervalMs.getAsInt());
    }
    return options;
  }

  private void run() {
    try {
      pollLoop();
    } catch (WakeupException wakeup) {
      // The application is to end.
    } catch (KafkaException exception) {
      reportError("poll", exception);
      closeConsumer();
      // An application that cannot go on ends, and its supervisor starts it again.
      if (!isEndDue) host.exit(Driver.FAILED);
      return;
    }
    closeConsumer();
  }

  private void pollLoop() {
    ConsumerRebalanceListener listener = new Listener();
    List<String> topics = strings("topics");
    if (group.has("subscription") && group.get("subscription").getAsString().equals("pattern"))
      consumer.subscribe(Pattern.compile(topics.stream().map(Pattern::quote).collect(Collectors.joining("|"))), listener);
    else consumer.subscribe(topics, listener);
    while (!isEndDue) {
      isPolling = true;
      var records = consumer.poll(POLL_TIMEOUT);
      isPolling = false;
      work.on(records);
    }
  }

  private void closeConsumer() {
    try {
      if (group.has("closeTimeoutMs"))
        consumer.close(CloseOptions.timeout(Duration.ofMillis(group.get("closeTimeoutMs").getAsLong())));
      else consumer.close();
      host.emit("client-stopped", event -> event.addProperty("group", id));
    } catch (KafkaException exception) {
      reportError("close", exception);
    }
  }

  @Override
  public void close() {
    isEndDue = true;
    // Nothing else is to be interrupted: a commit that is under way is waited for.
    if (isPolling && !isHeldUp) consumer.wakeup();
    try {
      thread.join();
    } catch (InterruptedException exception) {
      throw new IllegalStateException(exception);
    }
  }

  /** Records what the client says of itself: claims, to be held against the coordinator's view. */
  private final class Listener implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
      host.emit("client-joined", event -> {
        event.addProperty("group", id);
        event.addProperty("memberId", consumer.groupMetadata().memberId());
        event.addProperty("leader", Observed.isLeader);
        event.addProperty("protocol", Observed.protocol);
        event.add("assignment", assignmentOf(consumer.assignment()));
      });
      boolean commitsStart =
          group.get("autoOffsetReset").getAsString().equals("latest")
              && !group.getAsJsonObject("commitMode").get("kind").getAsString().equals("none");
      if (!commitsStart || added.isEmpty()) return;
      isHeldUp = true;
      commitStart(added);
      isHeldUp = false;
      if (isEndDue) consumer.wakeup();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      rebalancing();
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      rebalancing();
    }

    private void rebalancing() {
      host.emit("client-rebalancing", event -> {
        event.addProperty("group", id);
        event.addProperty("memberId", consumer.groupMetadata().memberId());
      });
    }
  }

  /** Commits where the group begins in partitions in which it has committed nothing (see the reference's application). */
  private void commitStart(Collection<TopicPartition> partitions) {
    try {
      Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(new HashSet<>(partitions));
      for (TopicPartition partition : partitions)
        if (committed.get(partition) == null) committer.commit(partition, consumer.position(partition));
    } catch (KafkaException | Committer.CommitNotDone exception) {
      // The group has moved on, or no broker answers: the next assignment tries again.
      System.err.println("the start was not committed: " + Errors.describe(exception));
    }
  }

  private void reportError(String call, Throwable error) {
    host.emit("application-error", event -> {
      event.addProperty("call", call);
      event.addProperty("error", Errors.describe(error));
    });
  }

  private static JsonArray assignmentOf(Collection<TopicPartition> partitions) {
    Map<String, TreeSet<Integer>> topics = new TreeMap<>();
    for (TopicPartition one : partitions)
      topics.computeIfAbsent(one.topic(), topic -> new TreeSet<>()).add(one.partition());
    JsonArray assignment = new JsonArray();
    topics.forEach((topic, numbers) -> {
      JsonObject one = new JsonObject();
      JsonArray list = new JsonArray();
      numbers.forEach(list::add);
      one.addProperty("topic", topic);
      one.add("partitions", list);
      assignment.add(one);
    });
    return assignment;
  }

  private List<String> strings(String key) {
    List<String> list = new ArrayList<>();
    for (JsonElement one : group.getAsJsonArray(key)) list.add(one.getAsString());
    return list;
  }

  private int integer(String key, int otherwise) {
    return group.has(key) ? group.get(key).getAsInt() : otherwise;
  }
}
