package daybook.interop;

import java.net.URI;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.cloud.client.ServiceInstance;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.context.event.EventListener;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** Registers, finds services by their names, calls them through Spring's load balancer. */
@SpringBootApplication
@RestController
public class SpringService {

  private final DiscoveryClient discovery;
  private final RestClient callers;

  SpringService(DiscoveryClient discovery, @LoadBalanced RestClient.Builder balanced) {
    this.discovery = discovery;
    this.callers = balanced.build();
  }

  public static void main(String[] arguments) {
    SpringApplication.run(SpringService.class, arguments);
  }

  /** What others call. */
  @GetMapping("/greeting")
  Map<String, String> greeting() {
    return Map.of("from", "spring-service");
  }

  /** Where instances of a service are. */
  @GetMapping("/instances")
  List<URI> instances(@RequestParam String service) {
    return discovery.getInstances(service).stream().map(ServiceInstance::getUri).toList();
  }

  /** The response of an instance of a service. */
  @GetMapping("/call")
  ResponseEntity<String> call(@RequestParam String service, @RequestParam String path) {
    return callers.get().uri("http://" + service + path)
        .exchange((request, response) -> ResponseEntity.status(response.getStatusCode())
            .contentType(response.getHeaders().getContentType())
            .body(response.bodyTo(String.class)));
  }

  @EventListener
  void listening(WebServerInitializedEvent event) {
    System.out.println("spring-service is ready at http://127.0.0.1:" + event.getWebServer().getPort());
  }

  @Configuration
  static class Callers {

    /** For Spring's Eureka client, which takes the first that it finds: a balanced one would ask the registry where the registry is. */
    @Bean
    @Primary
    RestClient.Builder plain() {
      return RestClient.builder();
    }

    @Bean
    @LoadBalanced
    RestClient.Builder balanced() {
      return RestClient.builder();
    }
  }
}
