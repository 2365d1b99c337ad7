package daybook.interop;

import com.netflix.appinfo.ApplicationInfoManager;
import com.netflix.appinfo.EurekaInstanceConfig;
import com.netflix.appinfo.InstanceInfo;
import com.netflix.appinfo.InstanceInfo.InstanceStatus;
import com.netflix.appinfo.MyDataCenterInstanceConfig;
import com.netflix.appinfo.providers.EurekaConfigBasedInstanceInfoProvider;
import com.netflix.config.ConfigurationManager;
import com.netflix.discovery.DefaultEurekaClientConfig;
import com.netflix.discovery.DiscoveryClient;
import com.netflix.discovery.shared.transport.jersey3.Jersey3TransportClientFactories;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** Registers, finds services by their names, calls them: with Netflix's client, and the HTTP that Java itself has. */
public final class NetflixClient {

  private static final Duration DEADLINE = Duration.ofSeconds(5);

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(DEADLINE).build();
  private final DiscoveryClient discovery;

  private NetflixClient(DiscoveryClient discovery) {
    this.discovery = discovery;
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    int port = server.getAddress().getPort();
    configure(System.getenv("EUREKA_URL"), port);
    ApplicationInfoManager self = self();
    DiscoveryClient discovery =
        new DiscoveryClient(self, new DefaultEurekaClientConfig(), Jersey3TransportClientFactories.getInstance());
    NetflixClient client = new NetflixClient(discovery);
    server.createContext("/greeting", exchange -> respond(exchange, 200, "{\"from\":\"netflix-client\"}"));
    server.createContext("/instances", client::instances);
    server.createContext("/call", client::call);
    server.start();
    self.setInstanceStatus(InstanceStatus.UP);
    // DOWN, then DELETE.
    Runtime.getRuntime().addShutdownHook(new Thread(discovery::shutdown));
    System.out.println("netflix-client is ready at http://127.0.0.1:" + port);
  }

  /** Netflix's client reads its settings from where all of Netflix's programs do. */
  private static void configure(String eurekaUrl, int port) {
    Map<String, Object> settings = Map.ofEntries(
        Map.entry("eureka.name", "netflix-client"),
        Map.entry("eureka.vipAddress", "netflix-client"),
        Map.entry("eureka.instanceId", "netflix-client:" + UUID.randomUUID()),
        Map.entry("eureka.hostname", "127.0.0.1"),
        Map.entry("eureka.port", port),
        Map.entry("eureka.traffic.enabled", false),
        Map.entry("eureka.lease.renewalInterval", 1),
        Map.entry("eureka.lease.duration", 5),
        Map.entry("eureka.region", "default"),
        Map.entry("eureka.shouldUseDns", false),
        Map.entry("eureka.serviceUrl.default", eurekaUrl),
        Map.entry("eureka.client.refresh.interval", 1),
        Map.entry("eureka.appinfo.initial.replicate.time", 1),
        Map.entry("eureka.appinfo.replicate.interval", 1));
    settings.forEach(ConfigurationManager.getConfigInstance()::setProperty);
  }

  private static ApplicationInfoManager self() {
    EurekaInstanceConfig config = new MyDataCenterInstanceConfig() {
      @Override
      public String getHostName(boolean refresh) {
        return "127.0.0.1";
      }

      @Override
      public String getIpAddress() {
        return "127.0.0.1";
      }
    };
    InstanceInfo instance = new EurekaConfigBasedInstanceInfoProvider(config).get();
    return new ApplicationInfoManager(config, instance);
  }

  private List<InstanceInfo> find(String service) {
    return discovery.getInstancesByVipAddress(service, false).stream()
        .filter(instance -> instance.getStatus() == InstanceStatus.UP)
        .toList();
  }

  private static String urlOf(InstanceInfo instance) {
    return "http://" + instance.getHostName() + ":" + instance.getPort();
  }

  private void instances(HttpExchange exchange) throws IOException {
    String urls = find(parameters(exchange).get("service")).stream()
        .map(instance -> '"' + urlOf(instance) + '"')
        .collect(Collectors.joining(",", "[", "]"));
    respond(exchange, 200, urls);
  }

  private void call(HttpExchange exchange) throws IOException {
    Map<String, String> parameters = parameters(exchange);
    List<InstanceInfo> found = find(parameters.get("service"));
    if (found.isEmpty()) {
      respond(exchange, 503, "\"no instance is known\"");
      return;
    }
    URI uri = URI.create(urlOf(found.get(0)) + parameters.get("path"));
    try {
      HttpResponse<String> given =
          http.send(HttpRequest.newBuilder(uri).timeout(DEADLINE).build(), HttpResponse.BodyHandlers.ofString());
      respond(exchange, given.statusCode(), given.body());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      respond(exchange, 503, "\"interrupted\"");
    } catch (IOException failure) {
      respond(exchange, 502, "\"no response\"");
    }
  }

  private static Map<String, String> parameters(HttpExchange exchange) {
    return Arrays.stream(exchange.getRequestURI().getRawQuery().split("&"))
        .map(pair -> pair.split("=", 2))
        .collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
  }

  private static void respond(HttpExchange exchange, int status, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
