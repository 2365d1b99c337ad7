package daybook.eureka;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;

/** Starts the Eureka server of deployments. Its settings are in application.yml. */
@SpringBootApplication
@EnableEurekaServer
public class EurekaServer {

  public static void main(String[] arguments) {
    SpringApplication server = new SpringApplication(EurekaServer.class);
    // What this turns on would make a server without peers ask itself, in vain, at each start.
    if (System.getenv("EUREKA_PEERS") != null) server.setAdditionalProfiles("peers");
    server.run(arguments);
  }
}
