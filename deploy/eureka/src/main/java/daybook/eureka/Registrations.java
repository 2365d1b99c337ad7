package daybook.eureka;

import com.netflix.appinfo.InstanceInfo;
import com.netflix.appinfo.InstanceInfo.PortType;
import com.netflix.eureka.registry.PeerAwareInstanceRegistry;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.ClientErrorException;
import jakarta.ws.rs.ForbiddenException;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.aop.MethodBeforeAdvice;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** What a registration and a heartbeat may say. The same as in services/registry. */
@Component
class Registrations extends OncePerRequestFilter implements BeanPostProcessor {

  /** How much further the clock of an instance may be than ours: what is dated later could never be replaced. */
  private static final long MAX_AHEAD_MILLIS = 60_000;

  private static final Pattern LEASE = Pattern.compile("/eureka/apps/([^/]+)/([^/]+)");

  private final Users users;
  private final ObjectProvider<PeerAwareInstanceRegistry> registry;

  Registrations(Users users, ObjectProvider<PeerAwareInstanceRegistry> registry) {
    this.users = users;
    this.registry = registry;
  }

  /** What is thrown is the response, and nothing is registered. The event of Spring Cloud comes when that is done. */
  private void check(PeerAwareInstanceRegistry target, InstanceInfo instance, boolean isReplication) {
    InstanceInfo known = target.getInstanceByAppAndId(instance.getAppName(), instance.getId(), false);
    if (isAhead(instance.getLastDirtyTimestamp(), known)) throw new BadRequestException();
    // Another server has decided: one that did not follow it would keep an instance that is gone.
    if (isReplication) return;
    String user = userNow();
    boolean isFree = users.mayHave(user, instance.getVIPAddress()) && users.mayHave(user, instance.getSecureVipAddress());
    if (!isFree) throw new ForbiddenException();
    if (known != null && isElsewhere(known, instance)) throw new ClientErrorException(Response.Status.CONFLICT);
  }

  /** Puts the check before the registry that everything else in the server gets. */
  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (!(bean instanceof PeerAwareInstanceRegistry target)) return bean;
    ProxyFactory checked = new ProxyFactory(bean);
    checked.addAdvice(
        (MethodBeforeAdvice)
            (method, arguments, self) -> {
              if (method.getName().equals("register") && arguments[0] instanceof InstanceInfo instance)
                check(target, instance, Boolean.TRUE.equals(arguments[arguments.length - 1]));
            });
    return checked.getProxy();
  }

  /** A heartbeat of a change that is not registered renews nothing: an instance that moved waits for the end of its old lease. */
  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Long changed = request.getMethod().equals("PUT") ? numberOf(request.getParameter("lastDirtyTimestamp")) : null;
    Matcher lease = LEASE.matcher(request.getServletPath());
    if (changed == null || !lease.matches()) {
      chain.doFilter(request, response);
      return;
    }
    InstanceInfo known = registry.getObject().getInstanceByAppAndId(lease.group(1).toUpperCase(), lease.group(2), false);
    if (isAhead(changed, known)) response.setStatus(400);
    else if (known != null && changed > known.getLastDirtyTimestamp()) response.setStatus(404);
    else chain.doFilter(request, response);
  }

  /** A lease that was dated before our clock was set back is no reason to end it. */
  private static boolean isAhead(Long changed, InstanceInfo known) {
    if (changed == null || changed <= System.currentTimeMillis() + MAX_AHEAD_MILLIS) return false;
    return known == null || !changed.equals(known.getLastDirtyTimestamp());
  }

  private static boolean isElsewhere(InstanceInfo one, InstanceInfo other) {
    return !(one.getHostName().equals(other.getHostName())
        && one.getIPAddr().equals(other.getIPAddr())
        && one.getPort() == other.getPort()
        && one.getSecurePort() == other.getSecurePort()
        && one.isPortEnabled(PortType.UNSECURE) == other.isPortEnabled(PortType.UNSECURE)
        && one.isPortEnabled(PortType.SECURE) == other.isPortEnabled(PortType.SECURE));
  }

  /** Of the request under way; a server that starts takes the list of a peer without one. */
  private static String userNow() {
    Authentication user = SecurityContextHolder.getContext().getAuthentication();
    return user == null ? Users.PEER : user.getName();
  }

  private static Long numberOf(String text) {
    return text != null && text.matches("\\d{1,18}") ? Long.valueOf(text) : null;
  }
}
