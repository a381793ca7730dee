import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache's kafka-clients for the conformance cases: JSON lines with orders enter, JSON lines with answers leave. */
public final class Conformance {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();
  private static final Map<String, KafkaProducer<String, String>> LEFT = new HashMap<>();
  private static String servers;
  private static Admin admin;

  private Conformance() {}

  public static void main(String[] arguments) throws Exception {
    servers = arguments[0];
    try (Admin made = Admin.create(common())) {
      admin = made;
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonObject order = JsonParser.parseString(line).getAsJsonObject();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", order.get("id"));
        try {
          answer.put("result", perform(order.get("op").getAsString(), order.getAsJsonArray("args")));
        } catch (ExecutionException error) {
          answer.put("error", String.valueOf(error.getCause()));
        } catch (Exception error) {
          // Whatever the client refuses is an answer.
          answer.put("error", String.valueOf(error));
        }
        System.out.println(GSON.toJson(answer));
      }
    }
  }

  private static Object perform(String op, JsonArray given) throws Exception {
    String first = given.size() > 0 ? given.get(0).getAsString() : "";
    switch (op) {
      case "createTopic":
        Map<String, String> configs = new HashMap<>();
        if (given.size() > 2) given.get(2).getAsJsonObject().entrySet().forEach(one -> configs.put(one.getKey(), one.getValue().getAsString()));
        admin.createTopics(List.of(new NewTopic(first, given.get(1).getAsInt(), (short) 1).configs(configs))).all().get();
        return null;
      case "deleteTopic":
        admin.deleteTopics(List.of(first)).all().get();
        return null;
      case "topics":
        return admin.listTopics().names().get();
      case "addPartitions":
        admin.createPartitions(Map.of(first, NewPartitions.increaseTo(given.get(1).getAsInt()))).all().get();
        return null;
      case "partitionCount":
        return admin.describeTopics(List.of(first)).allTopicNames().get().get(first).partitions().size();
      case "config":
        ConfigResource asked = new ConfigResource(ConfigResource.Type.TOPIC, first);
        return admin.describeConfigs(List.of(asked)).all().get().get(asked).get(given.get(1).getAsString()).value();
      case "setConfig":
        ConfigEntry entry = new ConfigEntry(given.get(1).getAsString(), given.get(2).getAsString());
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, first),
            List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET)))).all().get();
        return null;
      case "produce":
        produce(first, given.get(1).getAsJsonArray(), given.size() > 2 ? given.get(2).getAsJsonObject() : new JsonObject());
        return null;
      case "transact":
        transact(first, given.get(1).getAsString(), given.get(2).getAsJsonArray(), given.get(3).getAsString());
        return null;
      case "fenced":
        return fenced(first, given.get(1).getAsString(), given.get(2).getAsJsonArray());
      case "leaveOpen":
        KafkaProducer<String, String> open = transactional(first, given.get(3).getAsInt());
        open.beginTransaction();
        send(open, given.get(1).getAsString(), given.get(2).getAsJsonArray());
        LEFT.put(first, open);
        return null;
      case "commitLeft":
        try (KafkaProducer<String, String> left = LEFT.remove(first)) {
          return told(left);
        }
      case "consume":
        return consume(first, given.get(1).getAsJsonObject());
      case "share":
        return share(first, given.get(1).getAsInt(), given.get(2).getAsJsonObject());
      case "committed":
        Map<Integer, Long> offsets = new HashMap<>();
        admin.listConsumerGroupOffsets(first).partitionsToOffsetAndMetadata().get().forEach((partition, offset) -> {
          if (offset != null && partition.topic().equals(given.get(1).getAsString())) offsets.put(partition.partition(), offset.offset());
        });
        return offsets;
      case "alterOffset":
        admin.alterConsumerGroupOffsets(first, Map.of(partition(given), new OffsetAndMetadata(given.get(3).getAsLong()))).all().get();
        return null;
      case "deleteOffset":
        admin.deleteConsumerGroupOffsets(first, Set.of(partition(given))).all().get();
        return null;
      case "deleteRecords":
        TopicPartition emptied = new TopicPartition(first, given.get(1).getAsInt());
        admin.deleteRecords(Map.of(emptied, RecordsToDelete.beforeOffset(given.get(2).getAsLong()))).all().get();
        return null;
      case "groups":
        return admin.listGroups().all().get().stream().map(one -> one.groupId()).toList();
      case "deleteGroup":
        admin.deleteConsumerGroups(List.of(first)).all().get();
        return null;
      default:
        throw new IllegalArgumentException("unknown order " + op);
    }
  }

  private static TopicPartition partition(JsonArray given) {
    return new TopicPartition(given.get(1).getAsString(), given.get(2).getAsInt());
  }

  private static Properties common() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    properties.put("client.id", "conformance");
    return properties;
  }

  private static KafkaProducer<String, String> producer(Map<String, Object> more) {
    Properties properties = common();
    // Records of one call in one batch.
    properties.put("linger.ms", 20);
    properties.putAll(more);
    return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
  }

  private static KafkaProducer<String, String> transactional(String id, int timeoutMs) {
    KafkaProducer<String, String> made = producer(Map.of("transactional.id", id, "transaction.timeout.ms", timeoutMs,
        "delivery.timeout.ms", timeoutMs, "request.timeout.ms", Math.max(1, timeoutMs - 20)));
    made.initTransactions();
    return made;
  }

  private static void send(KafkaProducer<String, String> to, String topic, JsonArray records) throws Exception {
    List<Future<?>> sent = new ArrayList<>();
    for (JsonElement element : records) {
      JsonObject record = element.getAsJsonObject();
      ProducerRecord<String, String> made = new ProducerRecord<>(topic,
          isGiven(record, "partition") ? record.get("partition").getAsInt() : null,
          isGiven(record, "timestampMs") ? record.get("timestampMs").getAsLong() : null,
          text(record, "key"), text(record, "value"));
      if (isGiven(record, "headers"))
        record.getAsJsonObject("headers").entrySet().forEach(header ->
            made.headers().add(header.getKey(), header.getValue().getAsString().getBytes(StandardCharsets.UTF_8)));
      sent.add(to.send(made));
    }
    to.flush();
    for (Future<?> one : sent) one.get();
  }

  private static boolean isGiven(JsonObject object, String name) {
    return object.has(name) && !object.get(name).isJsonNull();
  }

  private static String text(JsonObject object, String name) {
    return isGiven(object, name) ? object.get(name).getAsString() : null;
  }

  private static void produce(String topic, JsonArray records, JsonObject options) throws Exception {
    Map<String, Object> more = new HashMap<>();
    more.put("acks", isGiven(options, "acks") ? options.get("acks").getAsString() : "all");
    more.put("compression.type", isGiven(options, "compression") ? text(options, "compression") : "none");
    more.put("enable.idempotence", isGiven(options, "idempotent") && options.get("idempotent").getAsBoolean());
    try (KafkaProducer<String, String> made = producer(more)) {
      send(made, topic, records);
    }
  }

  private static final int TRANSACTION_TIMEOUT_MS = 60_000;

  private static void transact(String id, String topic, JsonArray records, String outcome) throws Exception {
    try (KafkaProducer<String, String> made = transactional(id, TRANSACTION_TIMEOUT_MS)) {
      made.beginTransaction();
      send(made, topic, records);
      if (outcome.equals("commit")) made.commitTransaction();
      else made.abortTransaction();
    }
  }

  private static String told(KafkaProducer<String, String> producer) {
    try {
      producer.commitTransaction();
      return "none";
    } catch (RuntimeException error) {
      return error.getClass().getSimpleName();
    }
  }

  private static String fenced(String id, String topic, JsonArray records) throws Exception {
    try (KafkaProducer<String, String> one = transactional(id, TRANSACTION_TIMEOUT_MS)) {
      one.beginTransaction();
      send(one, topic, records);
      try (KafkaProducer<String, String> other = transactional(id, TRANSACTION_TIMEOUT_MS)) {
        other.beginTransaction();
        send(other, topic, records);
        other.commitTransaction();
        return told(one);
      }
    }
  }

  private static final Map<String, String> ASSIGNORS = Map.of(
      "range", "org.apache.kafka.clients.consumer.RangeAssignor",
      "roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
      "sticky", "org.apache.kafka.clients.consumer.StickyAssignor",
      "cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");

  private static KafkaConsumer<String, String> consumer(JsonObject options, String instanceId) {
    Properties properties = common();
    properties.put("group.id", text(options, "group"));
    properties.put("enable.auto.commit", false);
    properties.put("auto.offset.reset", isGiven(options, "reset") ? text(options, "reset") : "earliest");
    properties.put("isolation.level", isGiven(options, "committedOnly") && options.get("committedOnly").getAsBoolean()
        ? "read_committed" : "read_uncommitted");
    properties.put("session.timeout.ms", 10_000);
    properties.put("heartbeat.interval.ms", 200);
    properties.put("fetch.max.wait.ms", 100);
    if (isGiven(options, "assignor"))
      properties.put("partition.assignment.strategy", ASSIGNORS.get(text(options, "assignor")));
    if (instanceId != null) properties.put("group.instance.id", instanceId);
    return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
  }

  private static final Duration POLL = Duration.ofMillis(200);

  private static Object consume(String topic, JsonObject options) {
    List<Map<String, Object>> seen = new ArrayList<>();
    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    int count = options.get("count").getAsInt();
    try (KafkaConsumer<String, String> member = consumer(options, text(options, "instanceId"))) {
      member.subscribe(List.of(topic));
      while (seen.size() < count)
        for (ConsumerRecord<String, String> record : member.poll(POLL)) {
          if (seen.size() == count) break;
          Map<String, Object> headers = new LinkedHashMap<>();
          for (Header header : record.headers()) headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
          Map<String, Object> one = new LinkedHashMap<>();
          one.put("partition", record.partition());
          one.put("offset", record.offset());
          one.put("key", record.key());
          one.put("value", record.value());
          one.put("headers", headers);
          one.put("timestampMs", record.timestamp());
          seen.add(one);
          next.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
      member.commitSync(next);
    }
    seen.sort(Comparator.comparing((Map<String, Object> one) -> (Integer) one.get("partition"))
        .thenComparing(one -> (Long) one.get("offset")));
    return seen;
  }

  private static Object share(String topic, int partitions, JsonObject options) {
    String instance = text(options, "instanceId");
    try (KafkaConsumer<String, String> one = consumer(options, instance == null ? null : instance + "-0");
        KafkaConsumer<String, String> other = consumer(options, instance == null ? null : instance + "-1")) {
      one.subscribe(List.of(topic));
      other.subscribe(List.of(topic));
      while (true) {
        one.poll(Duration.ofMillis(50));
        other.poll(Duration.ofMillis(50));
        int left = one.assignment().size();
        int right = other.assignment().size();
        if (left > 0 && right > 0 && left + right == partitions) return List.of(left, right);
      }
    }
  }
}
