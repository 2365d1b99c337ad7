package daybook.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;

/** All that it does is in application.yml. */
@SpringBootApplication
public class SpringGateway {

  public static void main(String[] arguments) {
    SpringApplication.run(SpringGateway.class, arguments);
  }

  @EventListener
  void listening(WebServerInitializedEvent event) {
    System.out.println("spring-gateway is ready at http://127.0.0.1:" + event.getWebServer().getPort());
  }
}
