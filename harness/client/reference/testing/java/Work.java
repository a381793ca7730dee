// The application's work on what one poll handed over, after harness/client/reference/trial/poll-loop.ts: records enter, they
// are processed and committed by the group's modes, and the consumer is set back to the first record of each partition that
// is not done.
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

final class Work {
  private static final class PartitionWork {
    final TopicPartition partition;
    final List<ConsumerRecord<byte[], byte[]>> records;

    /** The first offset that is not done, or behind the last. */
    volatile long next;

    PartitionWork(TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) {
      this.partition = partition;
      this.records = records;
      next = records.get(0).offset();
    }

    ConsumerRecord<byte[], byte[]> last() {
      return records.get(records.size() - 1);
    }
  }

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final JsonObject group;
  private final Committer committer;
  private final Handler handler;
  private final Host host;
  private final BooleanSupplier isClosing;
  private final String consumeMode;
  private final String commitMode;
  private final boolean commitsFirst;
  private final boolean commitsPolls;
  private volatile boolean isAbandoned;

  Work(
      KafkaConsumer<byte[], byte[]> consumer,
      JsonObject group,
      Committer committer,
      Handler handler,
      Host host,
      BooleanSupplier isClosing) {
    this.consumer = consumer;
    this.group = group;
    this.committer = committer;
    this.handler = handler;
    this.host = host;
    this.isClosing = isClosing;
    consumeMode = group.get("consumeMode").getAsString();
    commitMode = group.getAsJsonObject("commitMode").get("kind").getAsString();
    commitsPolls =
        commitMode.equals("per-poll")
            || group.getAsJsonObject("commitMode").has("after")
                && group.getAsJsonObject("commitMode").get("after").getAsString().equals("poll");
    commitsFirst = group.get("commitOrder").getAsString().equals("commit-then-process");
  }

  void on(ConsumerRecords<byte[], byte[]> records) {
    isAbandoned = false;
    List<PartitionWork> all = new ArrayList<>();
    for (TopicPartition partition : records.partitions())
      all.add(new PartitionWork(partition, records.records(partition)));
    Queue<PartitionWork> waiting = new ConcurrentLinkedQueue<>(all);
    int workers = Math.min(all.size(), group.get("partitionsConsumedConcurrently").getAsInt());
    List<Thread> threads = new ArrayList<>();
    for (int i = 1; i < workers; i++) threads.add(new Thread(() -> take(waiting), "worker-" + i));
    threads.forEach(Thread::start);
    take(waiting);
    for (Thread thread : threads) join(thread);
    Set<TopicPartition> owned = consumer.assignment();
    for (PartitionWork work : all)
      if (work.next <= work.last().offset() && owned.contains(work.partition))
        consumer.seek(work.partition, work.next);
    // Its offsets are the positions, which stand on what is not done by now.
    if (commitsPolls && !all.isEmpty()) commitPolled(all);
  }

  private void commitPolled(List<PartitionWork> all) {
    Map<TopicPartition, Long> positions = new LinkedHashMap<>();
    for (PartitionWork work : all) positions.put(work.partition, work.next);
    try {
      committer.commitPolled(positions);
    } catch (Committer.CommitNotDone notDone) {
      // What is done need not come again here, whoever gets it next.
    }
  }

  private void take(Queue<PartitionWork> waiting) {
    for (PartitionWork work = waiting.poll(); work != null; work = waiting.poll()) {
      try {
        switch (consumeMode) {
          case "each-message" -> eachMessage(work);
          case "each-batch" -> eachBatch(work);
          default -> manual(work);
        }
      } catch (Committer.CommitNotDone notDone) {
        // It may mean that no partition is owned any more.
        isAbandoned = true;
      } catch (Handler.Failure failure) {
        // It holds up its partition, and no other.
      }
    }
  }

  private boolean mayGoOn() {
    return !isAbandoned && !isClosing.getAsBoolean();
  }

  private void eachMessage(PartitionWork work) throws Committer.CommitNotDone, Handler.Failure {
    for (ConsumerRecord<byte[], byte[]> record : work.records) {
      if (!mayGoOn()) return;
      deliver(work, List.of(record));
      handle(work, record, true);
    }
  }

  /** The whole batch or nothing of it counts as done. */
  private void eachBatch(PartitionWork work) throws Committer.CommitNotDone, Handler.Failure {
    if (!mayGoOn()) return;
    deliver(work, work.records);
    if (commitsFirst) commitBatch(work, work.last());
    for (ConsumerRecord<byte[], byte[]> record : work.records) handle(work, record, false);
    work.next = work.last().offset() + 1;
    if (!commitsFirst) commitBatch(work, work.last());
  }

  /** The application keeps count itself, so it may stop between any two records. */
  private void manual(PartitionWork work) throws Committer.CommitNotDone, Handler.Failure {
    if (!mayGoOn()) return;
    deliver(work, work.records);
    if (commitsFirst) commitBatch(work, work.last());
    ConsumerRecord<byte[], byte[]> processed = null;
    for (ConsumerRecord<byte[], byte[]> record : work.records) {
      if (!mayGoOn()) break;
      handle(work, record, true);
      processed = record;
    }
    if (!commitsFirst && processed != null) commitBatch(work, processed);
  }

  private void handle(PartitionWork work, ConsumerRecord<byte[], byte[]> record, boolean counts)
      throws Committer.CommitNotDone, Handler.Failure {
    if (commitsFirst) commitRecord(work, record);
    handler.handle(record);
    if (counts) work.next = record.offset() + 1;
    if (!commitsFirst) commitRecord(work, record);
  }

  private void commitRecord(PartitionWork work, ConsumerRecord<byte[], byte[]> record)
      throws Committer.CommitNotDone {
    if (commitMode.equals("per-record")) committer.commit(work.partition, record.offset() + 1);
    if (commitMode.equals("asynchronous") && !commitsPolls) committer.commitInBackground(work.partition, record.offset() + 1);
  }

  private void commitBatch(PartitionWork work, ConsumerRecord<byte[], byte[]> record)
      throws Committer.CommitNotDone {
    if (commitMode.equals("per-batch")) committer.commit(work.partition, record.offset() + 1);
  }

  private void deliver(PartitionWork work, List<ConsumerRecord<byte[], byte[]>> records) {
    JsonArray offsets = new JsonArray();
    for (ConsumerRecord<byte[], byte[]> record : records) offsets.add(String.valueOf(record.offset()));
    host.emit("delivery", event -> {
      event.add("group", group.get("id"));
      event.addProperty("topic", work.partition.topic());
      event.addProperty("partition", work.partition.partition());
      event.add("offsets", offsets);
    });
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException exception) {
      throw new IllegalStateException(exception);
    }
  }
}
