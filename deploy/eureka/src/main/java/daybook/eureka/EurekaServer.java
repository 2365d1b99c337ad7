package daybook.eureka;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;

/** Who is where, for deployments. All that can be set is in application.yml. */
@SpringBootApplication
@EnableEurekaServer
public class EurekaServer {

  public static void main(String[] arguments) {
    SpringApplication.run(EurekaServer.class, arguments);
  }
}
