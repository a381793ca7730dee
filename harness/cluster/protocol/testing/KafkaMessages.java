// Writes messages with Kafka's own generated classes: lines of {message, version, json} enter, the same lines with the
// bytes that this Kafka makes of them as `hex` leave. Run it with the jars of a Kafka release on the class path to make
// the file of that release: java -cp 'libs/*' KafkaMessages.java kafka-4.3.1-messages.jsonl kafka-X.Y.Z-messages.jsonl
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

public class KafkaMessages {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    StringBuilder output = new StringBuilder();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      ObjectNode sample = (ObjectNode) mapper.readTree(line);
      // Large integers are strings in the file, for JavaScript's sake; Kafka wants numbers.
      JsonNode json = mapper.readTree(sample.get("json").toString().replaceAll("\"(-?\\d{10,})\"", "$1"));
      byte[] bytes = encode(sample.get("message").asText(), (short) sample.get("version").asInt(), json);
      sample.put("hex", HexFormat.of().formatHex(bytes));
      output.append(mapper.writeValueAsString(sample)).append('\n');
    }
    Files.writeString(Path.of(arguments[1]), output.toString());
  }

  static byte[] encode(String name, short version, JsonNode json) throws Exception {
    boolean embedded = name.startsWith("ConsumerProtocol");
    Class<?> converter =
        Class.forName("org.apache.kafka.common.message." + name + (embedded ? "" : "Data") + "JsonConverter");
    Message message =
        (Message) converter.getMethod("read", JsonNode.class, short.class).invoke(null, json, version);
    ByteBuffer buffer =
        embedded
            ? MessageUtil.toVersionPrefixedByteBuffer(version, message)
            : MessageUtil.toByteBufferAccessor(message, version).buffer();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
