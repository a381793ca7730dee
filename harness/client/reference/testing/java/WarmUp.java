// Loads what a member and a producer need, so that a JVM that ends can write it into an archive of classes
// (-XX:ArchiveClassesAtExit), from which a driver starts in half the time. The start commands enter, one a line: a member's,
// then a producer's, of a cluster that does not answer.
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;

public class WarmUp {
  public static void main(String[] arguments) throws IOException {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    Host host = new Host(0);
    TrialMember member = new TrialMember(JsonParser.parseString(input.readLine()).getAsJsonObject(), host);
    new TrialProducer(JsonParser.parseString(input.readLine()).getAsJsonObject(), host);
    member.close();
    host.exit(Driver.CLOSED);
  }
}
