package daybook.eureka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.security.crypto.password.PasswordEncoder;

/** The users of DAYBOOK_REGISTRY_USERS, and the names that each of them has alone. The same as in services/registry. */
final class Users {

  static final String PEER = "peer";
  static final String OPERATOR = "operator";

  private static final String VARIABLE = "DAYBOOK_REGISTRY_USERS";
  private static final Pattern USER = Pattern.compile("([a-z0-9][a-z0-9._-]{0,99}):([A-Za-z0-9_.~-]{16,200})");
  private static final Set<String> DAYBOOK =
      Set.of(
          "patient-service",
          "doctor-service",
          "appointment-service",
          "notification-service",
          "gateway-service",
          "identity-service",
          "web-service",
          "registry-service",
          "registry");

  private final Map<String, String> passwords;

  private Users(Map<String, String> passwords) {
    this.passwords = passwords;
  }

  /** Reads the variable, or the file that the variable with _FILE names. No message quotes what is in it. */
  static Users read(Map<String, String> environment) {
    String text = environment.getOrDefault(VARIABLE, "");
    String file = environment.getOrDefault(VARIABLE + "_FILE", "");
    if (!file.isEmpty()) text = contentOf(file);
    Map<String, String> passwords = new LinkedHashMap<>();
    for (String entry : text.strip().split("[\\s,]+")) {
      Matcher user = USER.matcher(entry);
      if (!user.matches() || passwords.put(user.group(1), user.group(2)) != null)
        throw new IllegalStateException(VARIABLE + " must be USER:PASSWORD,... with each user once");
    }
    return new Users(passwords);
  }

  private static String contentOf(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException error) {
      throw new IllegalStateException(VARIABLE + "_FILE names a file that cannot be read", error);
    }
  }

  Map<String, String> passwords() {
    return passwords;
  }

  /** As every client compares names: a letter whose upper or lower case is an ASCII letter is that letter. */
  static String nameOf(String text) {
    return text.strip().toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
  }

  /** Whether an instance of this user may be found under all names of a virtual address. */
  boolean mayHave(String user, String vipAddress) {
    if (user.equals(PEER) || vipAddress == null) return true;
    return Stream.of(vipAddress.split(","))
        .map(Users::nameOf)
        .allMatch(name -> name.equals(user) || !(DAYBOOK.contains(name) || passwords.containsKey(name)));
  }

  /** Quick, since every heartbeat is checked, and passwords are too long to be guessed. Compares in constant time. */
  static final class Encoder implements PasswordEncoder {

    @Override
    public String encode(CharSequence password) {
      return new String(hashOf(password), StandardCharsets.ISO_8859_1);
    }

    @Override
    public boolean matches(CharSequence password, String encoded) {
      return MessageDigest.isEqual(hashOf(password), encoded.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] hashOf(CharSequence password) {
      try {
        byte[] bytes = password.toString().getBytes(StandardCharsets.UTF_8);
        return MessageDigest.getInstance("SHA-256").digest(bytes);
      } catch (NoSuchAlgorithmException error) {
        throw new IllegalStateException(error);
      }
    }
  }
}
