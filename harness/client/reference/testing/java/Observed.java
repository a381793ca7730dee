// Java's assignors, each with a window: which one the group agreed on, and whether this member leads it, which the
// consumer itself tells nobody. What they assign is Java's own. User data is asked for at the begin of each join: what the
// member assigned in the one before, where that came to nothing, says nothing of this one.
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.common.Cluster;

final class Observed {
  /** The generation for which this process has computed the assignment is the one that is assigned next. */
  private static volatile boolean hasAssigned;

  static volatile boolean isLeader;
  static volatile String protocol = "";

  private Observed() {}

  static List<Class<?>> classesOf(List<String> names) {
    return names.stream().<Class<?>>map(Observed::classOf).toList();
  }

  private static Class<? extends ConsumerPartitionAssignor> classOf(String name) {
    return switch (name) {
      case "range" -> Range.class;
      case "roundrobin" -> RoundRobin.class;
      case "sticky" -> Sticky.class;
      case "cooperative-sticky" -> CooperativeSticky.class;
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static void assigned(String name) {
    isLeader = hasAssigned;
    hasAssigned = false;
    protocol = name;
  }

  public static class Range extends RangeAssignor {
    @Override
    public ByteBuffer subscriptionUserData(Set<String> topics) {
      hasAssigned = false;
      return super.subscriptionUserData(topics);
    }

    @Override
    public GroupAssignment assign(Cluster metadata, GroupSubscription subscription) {
      hasAssigned = true;
      return super.assign(metadata, subscription);
    }

    @Override
    public void onAssignment(Assignment assignment, ConsumerGroupMetadata metadata) {
      super.onAssignment(assignment, metadata);
      assigned(name());
    }
  }

  public static class RoundRobin extends RoundRobinAssignor {
    @Override
    public ByteBuffer subscriptionUserData(Set<String> topics) {
      hasAssigned = false;
      return super.subscriptionUserData(topics);
    }

    @Override
    public GroupAssignment assign(Cluster metadata, GroupSubscription subscription) {
      hasAssigned = true;
      return super.assign(metadata, subscription);
    }

    @Override
    public void onAssignment(Assignment assignment, ConsumerGroupMetadata metadata) {
      super.onAssignment(assignment, metadata);
      assigned(name());
    }
  }

  public static class Sticky extends StickyAssignor {
    @Override
    public ByteBuffer subscriptionUserData(Set<String> topics) {
      hasAssigned = false;
      return super.subscriptionUserData(topics);
    }

    @Override
    public GroupAssignment assign(Cluster metadata, GroupSubscription subscription) {
      hasAssigned = true;
      return super.assign(metadata, subscription);
    }

    @Override
    public void onAssignment(Assignment assignment, ConsumerGroupMetadata metadata) {
      super.onAssignment(assignment, metadata);
      assigned(name());
    }
  }

  public static class CooperativeSticky extends CooperativeStickyAssignor {
    @Override
    public ByteBuffer subscriptionUserData(Set<String> topics) {
      hasAssigned = false;
      return super.subscriptionUserData(topics);
    }

    @Override
    public GroupAssignment assign(Cluster metadata, GroupSubscription subscription) {
      hasAssigned = true;
      return super.assign(metadata, subscription);
    }

    @Override
    public void onAssignment(Assignment assignment, ConsumerGroupMetadata metadata) {
      super.onAssignment(assignment, metadata);
      assigned(name());
    }
  }
}
