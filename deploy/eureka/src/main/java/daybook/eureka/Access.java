package daybook.eureka;

import jakarta.servlet.DispatcherType;
import jakarta.ws.rs.client.ClientRequestFilter;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.springframework.cloud.netflix.eureka.server.ReplicationClientAdditionalFilters;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;

/** Who may write: the user of an application its instances, an operator the status of any, a peer all. Lists are open. */
@Configuration(proxyBeanMethods = false)
class Access {

  private static final String REPLICATION = "x-netflix-discovery-replication";
  private static final String CHALLENGE = "Basic realm=\"registry\", charset=\"UTF-8\"";
  /** What clients and people read. Not `status`, which shows the inside of the server. */
  private static final String[] LISTS = {
    "/",
    "/lastn",
    "/eureka/apps/**",
    "/eureka/instances/**",
    "/eureka/vips/**",
    "/eureka/svips/**",
    "/eureka/css/**",
    "/eureka/js/**",
    "/eureka/fonts/**",
    "/eureka/images/**",
    "/actuator/**"
  };

  /** Static, since what is before the registry needs it first. */
  @Bean
  static Users users() {
    return Users.read(System.getenv());
  }

  @Bean
  PasswordEncoder encoder() {
    return new Users.Encoder();
  }

  @Bean
  UserDetailsService accounts(Users users, PasswordEncoder encoder) {
    List<UserDetails> accounts =
        users.passwords().entrySet().stream()
            .map(user -> User.withUsername(user.getKey()).password(encoder.encode(user.getValue())).roles("USER").build())
            .toList();
    return new InMemoryUserDetailsManager(accounts);
  }

  /** Sends the user of this server to its peers. The password is in no URL, which Netflix's server logs and shows. */
  @Bean
  ReplicationClientAdditionalFilters asPeer(Users users) {
    String password = users.passwords().get(Users.PEER);
    if (password == null) return new ReplicationClientAdditionalFilters(Set.of());
    byte[] credentials = (Users.PEER + ":" + password).getBytes(StandardCharsets.UTF_8);
    String header = "Basic " + Base64.getEncoder().encodeToString(credentials);
    ClientRequestFilter filter = request -> request.getHeaders().putSingle("Authorization", header);
    return new ReplicationClientAdditionalFilters(Set.of(filter));
  }

  @Bean
  SecurityFilterChain rules(HttpSecurity http, Registrations registrations) throws Exception {
    AuthenticationEntryPoint challenge =
        (request, response, failure) -> {
          response.setHeader("WWW-Authenticate", CHALLENGE);
          response.setStatus(401);
        };
    return http
        // No browser holds a password for this: its page asks for none.
        .csrf(AbstractHttpConfigurer::disable)
        .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
        .authorizeHttpRequests(
            requests ->
                requests
                    .dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.FORWARD)
                    .permitAll()
                    .requestMatchers(HttpMethod.GET, LISTS)
                    .permitAll()
                    .requestMatchers(HttpMethod.HEAD, LISTS)
                    .permitAll()
                    .requestMatchers("/eureka/apps/{app}/{id}/status")
                    .access(ofUser(true))
                    .requestMatchers("/eureka/apps/{app}", "/eureka/apps/{app}/**")
                    .access(ofUser(false))
                    .anyRequest()
                    .access((user, context) -> new AuthorizationDecision(user.get().getName().equals(Users.PEER))))
        .addFilterAfter(registrations, AuthorizationFilter.class)
        .httpBasic(basic -> basic.authenticationEntryPoint(challenge))
        .exceptionHandling(
            handling ->
                handling
                    .authenticationEntryPoint(challenge)
                    .accessDeniedHandler((request, response, denied) -> response.setStatus(403)))
        .build();
  }

  private static AuthorizationManager<RequestAuthorizationContext> ofUser(boolean orOperator) {
    return (authentication, context) -> {
      String user = authentication.get().getName();
      if (user.equals(Users.PEER)) return new AuthorizationDecision(true);
      boolean isReplication = "true".equals(context.getRequest().getHeader(REPLICATION));
      boolean isOwn = Users.nameOf(context.getVariables().getOrDefault("app", "")).equals(user);
      boolean mayOperate = orOperator && user.equals(Users.OPERATOR);
      return new AuthorizationDecision(!isReplication && (isOwn || mayOperate));
    };
  }
}
