// A producer on Apache's KafkaProducer, after harness/client/reference/trial/producer.ts: a start command enters, its records
// are sent at their times, and each send call leaves `produce-invoke` and one outcome.
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

final class TrialProducer implements Driver.Application {
  private static final int LINGER_MS = 5;
  private static final int REQUEST_TIMEOUT_MS = 30_000;

  private final JsonObject config;
  private final long seed;
  private final Host host;
  private final KafkaProducer<byte[], byte[]> producer;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);

  /** One party for each send call whose outcome is open, and the application. */
  private final Phaser outstanding = new Phaser(1);

  TrialProducer(JsonObject start, Host host) {
    config = start.getAsJsonObject("producer");
    seed = start.get("seed").getAsLong();
    this.host = host;
    producer = new KafkaProducer<>(options(start), new ByteArraySerializer(), new ByteArraySerializer());
    new Thread(this::run, "sends").start();
  }

  static String servers(JsonObject start) {
    JsonArray servers = start.getAsJsonObject("connection").getAsJsonArray("bootstrapServers");
    return StreamSupport.stream(servers.spliterator(), false)
        .map(JsonElement::getAsString)
        .collect(Collectors.joining(","));
  }

  private Properties options(JsonObject start) {
    Properties options = new Properties();
    options.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers(start));
    options.put(ProducerConfig.CLIENT_ID_CONFIG, start.get("process").getAsString());
    options.put(ProducerConfig.ACKS_CONFIG, config.get("acks").getAsString());
    options.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, config.get("idempotent").getAsBoolean());
    if (config.has("lingerMs")) options.put(ProducerConfig.LINGER_MS_CONFIG, config.get("lingerMs").getAsInt());
    if (config.has("deliveryTimeoutMs")) {
      // Kafka refuses one that has no room for the wait in the client and one request.
      int lingerMs = config.has("lingerMs") ? config.get("lingerMs").getAsInt() : LINGER_MS;
      int deliveryMs = Math.max(config.get("deliveryTimeoutMs").getAsInt(), lingerMs + 1);
      options.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, deliveryMs);
      options.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Math.min(REQUEST_TIMEOUT_MS, deliveryMs - lingerMs));
    }
    if (config.has("batchBytes")) options.put(ProducerConfig.BATCH_SIZE_CONFIG, config.get("batchBytes").getAsInt());
    if (isTransactional()) options.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.get("id").getAsString());
    if (config.get("keys").isJsonNull())
      options.put(ProducerConfig.PARTITIONER_CLASS_CONFIG, RoundRobinPartitioner.class);
    return options;
  }

  private boolean isTransactional() {
    return config.has("transactions");
  }

  private boolean drops() {
    return config.has("closing") && config.get("closing").getAsString().equals("drop");
  }

  private void run() {
    sendAll();
    // A careless application does not ask what has become of its records.
    if (!drops()) outstanding.arriveAndAwaitAdvance();
    closeEvent("begin");
    producer.close(drops() ? Duration.ZERO : Duration.ofMillis(Long.MAX_VALUE));
    closeEvent("end");
    done.countDown();
    host.exit(Driver.CLOSED);
  }

  private void closeEvent(String phase) {
    host.emit("producer-close", event -> {
      event.addProperty("phase", phase);
      event.add("error", JsonNull.INSTANCE);
    });
  }

  /** The send calls of harness/client/application/send-plan.ts. */
  private void sendAll() {
    int records = config.get("records").getAsInt();
    int perSend = config.get("recordsPerSend").getAsInt();
    double startMs = config.get("startMs").getAsDouble();
    int sends = (records + perSend - 1) / perSend;
    double gapMs = sends > 1 ? (config.get("stopMs").getAsDouble() - startMs) / (sends - 1) : 0;
    JsonArray topics = config.getAsJsonArray("topics");
    for (int send = 0; send < sends; send++) {
      if (isStoppedBefore(startMs + send * gapMs)) return;
      String topic = topics.get(send % topics.size()).getAsString();
      List<ProducerRecord<byte[], byte[]>> batch = new ArrayList<>();
      JsonArray told = new JsonArray();
      for (int i = send * perSend; i < Math.min(records, (send + 1) * perSend); i++) {
        String id = config.get("id").getAsString() + "-" + i;
        String key = config.get("keys").isJsonNull() ? null : keyOf(i);
        batch.add(new ProducerRecord<>(topic, key == null ? null : bytes(key), bytes(valueOf(id))));
        JsonObject one = new JsonObject();
        one.addProperty("record", id);
        one.addProperty("key", key);
        told.add(one);
      }
      int number = send;
      Integer transaction = isTransactional() ? beforeSend(send) : null;
      host.emit("produce-invoke", event -> {
        event.addProperty("produce", number);
        if (transaction != null) event.addProperty("transaction", transaction);
        event.addProperty("topic", topic);
        event.add("acks", config.get("acks"));
        event.add("records", told);
      });
      send(number, batch);
      if (transaction != null) afterSend(send, sends - 1, transaction);
    }
  }

  private int sendsOfTransaction() {
    return config.getAsJsonObject("transactions").get("sends").getAsInt();
  }

  /** The transactions of harness/client/reference/trial/transactions.ts. */
  private int beforeSend(int send) {
    int transaction = send / sendsOfTransaction();
    if (send == 0) producer.initTransactions();
    if (send % sendsOfTransaction() == 0) {
      call(transaction, "begin");
      producer.beginTransaction();
    }
    return transaction;
  }

  private void afterSend(int send, int last, int transaction) {
    if (send != last && (send + 1) / sendsOfTransaction() == transaction) return;
    JsonElement abortEvery = config.getAsJsonObject("transactions").get("abortEvery");
    boolean isAborted = !abortEvery.isJsonNull() && (transaction + 1) % abortEvery.getAsInt() == 0;
    // So that what is aborted has been written, and a reader could see it.
    if (isAborted) producer.flush();
    end(transaction, isAborted ? "abort" : "commit");
  }

  private void call(int transaction, String call) {
    host.emit("transaction", event -> {
      event.addProperty("transaction", transaction);
      event.addProperty("call", call);
    });
  }

  private void end(int transaction, String ending) {
    call(transaction, ending);
    KafkaException error = null;
    try {
      if (ending.equals("commit")) producer.commitTransaction();
      else producer.abortTransaction();
    } catch (KafkaException exception) {
      error = exception;
    }
    KafkaException told = error;
    host.emit("transaction-end", event -> {
      event.addProperty("transaction", transaction);
      event.addProperty("ending", ending);
      event.addProperty("outcome", told == null ? "ok" : Errors.fateOf(told));
      event.addProperty("error", told == null ? null : Errors.describe(told));
    });
    if (told != null && ending.equals("commit")) end(transaction, "abort");
    else if (told != null) throw told;
  }

  private String keyOf(int number) {
    return "k" + Draw.integer(0, config.get("keys").getAsInt() - 1, "record-key", seed, number);
  }

  private String valueOf(String id) {
    String value = id + "|";
    return value + ".".repeat(Math.max(0, config.get("valueBytes").getAsInt() - value.length()));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private boolean isStoppedBefore(double dueMs) {
    try {
      long waitUs = Math.max(0, Math.round((dueMs - host.now()) * 1_000));
      return stopped.await(waitUs, TimeUnit.MICROSECONDS);
    } catch (InterruptedException exception) {
      throw new IllegalStateException(exception);
    }
  }

  private void send(int number, List<ProducerRecord<byte[], byte[]>> batch) {
    outstanding.register();
    Outcomes outcomes = new Outcomes(number, batch.size());
    for (int i = 0; i < batch.size(); i++) {
      int place = i;
      try {
        producer.send(batch.get(i), (metadata, exception) -> outcomes.settle(place, metadata, exception));
      } catch (KafkaException exception) {
        outcomes.settle(place, null, exception);
      }
    }
  }

  /** What has become of the records of one send call; the last of them tells. */
  private final class Outcomes {
    private final int number;
    private final RecordMetadata[] written;
    private final List<Exception> refused = new ArrayList<>();
    private int open;

    Outcomes(int number, int records) {
      this.number = number;
      written = new RecordMetadata[records];
      open = records;
    }

    synchronized void settle(int place, RecordMetadata metadata, Exception exception) {
      if (exception == null) written[place] = metadata;
      else refused.add(exception);
      if (--open > 0) return;
      if (refused.isEmpty()) {
        host.emit("produce-ok", event -> {
          event.addProperty("produce", number);
          event.add("answers", answers());
        });
      } else {
        boolean isRefused =
            refused.size() == written.length && refused.stream().allMatch(one -> Errors.fateOf(one).equals("failed"));
        host.emit(isRefused ? "produce-fail" : "produce-unknown", event -> {
          event.addProperty("produce", number);
          event.addProperty("error", Errors.describe(refused.get(0)));
        });
      }
      outstanding.arriveAndDeregister();
    }

    /** One answer for each record: of neighbouring offsets nobody can tell whether they were one batch. */
    private JsonArray answers() {
      JsonArray answers = new JsonArray();
      Set<Integer> without = new HashSet<>();
      for (RecordMetadata metadata : written) {
        if (metadata.offset() < 0 && !without.add(metadata.partition())) continue;
        JsonObject one = new JsonObject();
        one.addProperty("partition", metadata.partition());
        one.addProperty("baseOffset", String.valueOf(metadata.offset()));
        answers.add(one);
      }
      return answers;
    }
  }

  @Override
  public void close() {
    stopped.countDown();
    try {
      done.await();
    } catch (InterruptedException exception) {
      throw new IllegalStateException(exception);
    }
  }
}
