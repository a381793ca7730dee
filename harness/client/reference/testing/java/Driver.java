// Puts Apache's own Java client on trial: speaks the protocol of harness/client/protocol.ts, commands on standard input,
// events on standard output, one member or producer for each process. A test tool: the judge of the reference client.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import sun.misc.Signal;

public class Driver {
  static final int CLOSED = 0;
  static final int FAILED = 1;
  static final int BAD_INPUT = 2;
  static final Set<String> ROLES = Set.of("member", "producer");

  /** A running member or producer; `close` returns when it is done, and never throws. */
  interface Application {
    void close();
  }

  static volatile Application application;
  static final AtomicBoolean isClosing = new AtomicBoolean();

  public static void main(String[] arguments) throws IOException {
    Signal.handle(new Signal("TERM"), signal -> closeInBackground());
    // Ctrl-C reaches the whole process group; the harness decides when its clients end.
    Signal.handle(new Signal("INT"), signal -> {});
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      if (line.isBlank()) continue;
      JsonObject command = parse(line);
      if (application == null && !isClosing.get()) start(command);
      else if ("close".equals(command.get("command").getAsString())) closeInBackground();
      else refuse("expected a close command, got '" + line + "'");
    }
    // The harness is gone: nobody reads the events, so there is nothing to end carefully.
    Runtime.getRuntime().halt(CLOSED);
  }

  static JsonObject parse(String line) {
    try {
      return JsonParser.parseString(line).getAsJsonObject();
    } catch (JsonSyntaxException | IllegalStateException exception) {
      refuse("expected a command as one line of JSON, got '" + line + "'");
      throw exception;
    }
  }

  static void start(JsonObject command) {
    String role = command.get("command").getAsString().equals("start") ? command.get("role").getAsString() : "";
    if (!ROLES.contains(role) || command.get("protocol").getAsInt() != 1)
      refuse("expected a start command of protocol 1, for a member or a producer");
    if (!command.get("mutant").isJsonNull()) refuse("the Java client cannot be broken on purpose");
    JsonObject connection = command.getAsJsonObject("connection");
    if (!connection.get("tls").isJsonNull() || !connection.get("sasl").isJsonNull())
      refuse("this driver knows neither TLS nor SASL");
    Host host = new Host(command.get("timeOriginEpochMs").getAsDouble());
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> fail(host, error));
    application = role.equals("member") ? new TrialMember(command, host) : new TrialProducer(command, host);
  }

  static void closeInBackground() {
    if (isClosing.getAndSet(true)) return;
    new Thread(
            () -> {
              if (application != null) application.close();
              Runtime.getRuntime().halt(CLOSED);
            },
            "close")
        .start();
  }

  static void refuse(String sentence) {
    System.err.println("kafka-trial Java driver: " + sentence);
    Runtime.getRuntime().halt(BAD_INPUT);
  }

  static void fail(Host host, Throwable error) {
    error.printStackTrace();
    host.emit("application-error", event -> {
      event.addProperty("call", "uncaughtException");
      event.addProperty("error", Errors.describe(error));
    });
    Runtime.getRuntime().halt(FAILED);
  }
}
