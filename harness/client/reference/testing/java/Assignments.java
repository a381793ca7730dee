// Computes assignments with Apache's own kafka-clients: groups enter on standard input, one answer a line leaves on
// standard output. Words are separated by one space; '-' stands for nothing; a partition is <topic>:<number>.
//
//   group <assignor>                                    begins a group
//   topic <name> <partitions>
//   member <id> <instance> <generation> <rack> <user data in hex> <topic,...> <partition,...>   in JoinGroup's order
//   assign                                              answers <id>=<partition,...> ..., or !<exception>
//   leads <assignor> <step,...>                         answers whether a member says after these steps that it leads: join,
//                                                       assign, hear
//   userdata <assignor> <generation> <partition,...>    answers the user data in hex; generation -1: nothing assigned
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

public class Assignments {
  static ConsumerPartitionAssignor assignor;
  static List<PartitionInfo> partitions = new ArrayList<>();
  // As ConsumerCoordinator.onLeaderElected fills it.
  static Map<String, Subscription> members = new HashMap<>();

  public static void main(String[] arguments) throws Exception {
    PrintStream output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "group" -> {
          assignor = assignorOf(words[1]);
          partitions = new ArrayList<>();
          members = new HashMap<>();
        }
        case "topic" -> addTopic(words[1], Integer.parseInt(words[2]));
        case "member" -> addMember(words);
        case "assign" -> output.println(assign());
        case "leads" -> output.println(leads(words[1], list(words[2])));
        case "userdata" -> output.println(userData(words));
        default -> throw new IllegalArgumentException(line);
      }
    }
    output.flush();
  }

  static ConsumerPartitionAssignor assignorOf(String name) {
    return switch (name) {
      case "range" -> new RangeAssignor();
      case "roundrobin" -> new RoundRobinAssignor();
      case "sticky" -> new StickyAssignor();
      case "cooperative-sticky" -> new CooperativeStickyAssignor();
      default -> throw new IllegalArgumentException(name);
    };
  }

  static void addTopic(String name, int count) {
    Node[] nodes = {new Node(1, "localhost", 9092)};
    for (int i = 0; i < count; i++) partitions.add(new PartitionInfo(name, i, nodes[0], nodes, nodes));
  }

  static void addMember(String[] words) {
    ByteBuffer userData = words[5].equals("-") ? null : ByteBuffer.wrap(HexFormat.of().parseHex(words[5].substring(1)));
    Subscription subscription =
        new Subscription(
            list(words[6]), userData, partitionList(words[7]), Integer.parseInt(words[3]), optional(words[4]));
    subscription.setGroupInstanceId(optional(words[2]));
    members.put(words[1], subscription);
  }

  static String assign() {
    Cluster cluster = new Cluster("c", List.of(new Node(1, "localhost", 9092)), partitions, Set.of(), Set.of());
    try {
      return assignor.assign(cluster, new GroupSubscription(members)).groupAssignment().entrySet().stream()
          .map(entry -> entry.getKey() + "=" + text(entry.getValue().partitions()))
          .collect(Collectors.joining(" "));
    } catch (RuntimeException exception) {
      return "!" + exception.getClass().getSimpleName();
    }
  }

  static boolean leads(String name, List<String> steps) throws ReflectiveOperationException {
    Class<?> observed = Observed.classesOf(List.of(name)).get(0);
    ConsumerPartitionAssignor one = (ConsumerPartitionAssignor) observed.getDeclaredConstructor().newInstance();
    Cluster cluster = new Cluster("c", List.of(), List.of(), Set.of(), Set.of());
    GroupSubscription alone = new GroupSubscription(Map.of("m", new Subscription(List.of("topic"))));
    for (String step : steps)
      switch (step) {
        case "join" -> one.subscriptionUserData(Set.of("topic"));
        case "assign" -> one.assign(cluster, alone);
        case "hear" ->
            one.onAssignment(new Assignment(List.of()), new ConsumerGroupMetadata("g", 1, "m", Optional.empty()));
        default -> throw new IllegalArgumentException(step);
      }
    return Observed.isLeader;
  }

  static String userData(String[] words) {
    ConsumerPartitionAssignor one = assignorOf(words[1]);
    List<TopicPartition> assigned = partitionList(words[3]);
    int generation = Integer.parseInt(words[2]);
    if (generation >= 0)
      one.onAssignment(
          new Assignment(assigned), new ConsumerGroupMetadata("g", generation, "m", Optional.empty()));
    Set<String> topics = assigned.stream().map(TopicPartition::topic).collect(Collectors.toCollection(LinkedHashSet::new));
    ByteBuffer userData = one.subscriptionUserData(topics);
    return userData == null ? "-" : HexFormat.of().formatHex(userData.array());
  }

  static Optional<String> optional(String word) {
    return word.equals("-") ? Optional.empty() : Optional.of(word);
  }

  static List<String> list(String word) {
    return word.equals("-") ? List.of() : List.of(word.split(","));
  }

  static List<TopicPartition> partitionList(String word) {
    Stream<String> names = list(word).stream();
    return names.map(Assignments::partition).collect(Collectors.toList());
  }

  static TopicPartition partition(String text) {
    int colon = text.lastIndexOf(':');
    return new TopicPartition(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
  }

  static String text(List<TopicPartition> list) {
    return list.stream().map(one -> one.topic() + ":" + one.partition()).collect(Collectors.joining(","));
  }
}
